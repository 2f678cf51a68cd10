// A filter, as in a shell: the lines of the standard input, numbered, on the standard output.
// Nothing blocks: other tasks go on meanwhile.
#include <ringio.hpp>

#include <string>

// [filter]
ringio::Task<> number_lines() {
    ringio::StreamReader input = ringio::stdin_reader();
    ringio::StreamWriter output = ringio::stdout_writer();
    for (int number = 1;; ++number) {
        const std::string line = co_await input.readline();
        if (line.empty()) {
            break;
        }
        output.write(std::to_string(number) + " " + line);
        co_await output.drain();
    }
    output.write("end\n");
    co_await output.drain();
}
// [/filter]

int main() { ringio::run(number_lines()); }
