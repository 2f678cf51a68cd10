// tail -f: prints the lines of a file as they are written. inotify says when there is more, and the
// File goes on from where it was.
#include <fmt/core.h>
#include <ringio.hpp>

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace {

// [tail]
ringio::Task<> tail(std::string path, std::string last_line) {
    ringio::File file = co_await ringio::open_file(path);
    const ringio::UniqueFd changes(::inotify_init1(IN_CLOEXEC));
    if (::inotify_add_watch(changes.get(), path.c_str(), IN_MODIFY) < 0) {
        throw std::system_error(errno, std::system_category(), path);
    }
    std::string line;
    while (line != last_line) {
        const std::string more = co_await file.readline();
        line = line.ends_with('\n') ? more : line + more;
        if (line.ends_with('\n')) {
            fmt::print("{}", line);
            continue;
        }
        // The end, or half a line: the rest is read when somebody has written it.
        co_await ringio::wait_readable(changes.get());
        char events[4096];
        if (::read(changes.get(), events, sizeof events) < 0) {
            throw std::system_error(errno, std::system_category(), "inotify");
        }
    }
}
// [/tail]

ringio::Task<> write_log(std::string path) {
    ringio::File file = co_await ringio::open_file(path, ringio::OpenMode::append);
    for (const char* const text : {"starting\n", "half a ", "line\n", "two\nlines\n", "done\n"}) {
        co_await file.write(text);
        co_await ringio::sleep(ringio::Delay());
    }
}

ringio::Task<> main_coroutine(std::string path) {
    co_await ringio::write_file(path, "");
    co_await ringio::gather(tail(path, "done\n"), write_log(path));
}

}  // namespace

int main() {
    std::string folder = "/tmp/ringio_example_XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) {
        return 1;
    }
    ringio::run(main_coroutine(folder + "/log"));
    std::filesystem::remove_all(folder);
}
