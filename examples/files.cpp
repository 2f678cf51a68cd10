// Files: written, read line by line, replaced as a whole, listed, copied and removed.
#include <fmt/core.h>
#include <ringio.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>

#include <cstdlib>

namespace fs = ringio::fs;
using ringio::File;
using ringio::open_file;
using ringio::OpenMode;

namespace {

// [write]
ringio::Task<> write_poem(std::string path) {
    File file = co_await open_file(path, OpenMode::write);
    co_await file.write("The woods are lovely, dark and deep,\n");
    co_await file.write("But I have promises to keep,\n");
    co_await file.aclose();  // tells what close(2) has to say
}
// [/write]

// [lines]
ringio::Task<int> count_words(std::string path) {
    File file = co_await open_file(path);
    auto lines = file.lines();
    int words = 0;
    while (auto line = co_await lines.next()) {
        words += static_cast<int>(std::count(line->begin(), line->end(), ' ')) + 1;
    }
    co_return words;
}
// [/lines]

// [seek]
ringio::Task<> correct(std::string path) {
    File file = co_await open_file(path, OpenMode::read_write);
    const std::string beginning = co_await file.read(9);
    fmt::print("{}...\n", beginning);
    co_await file.seek(4);
    co_await file.write("WOODS");
    const std::string rest = co_await file.readline();
    fmt::print("...{}", rest);
}
// [/seek]

// [atomic]
ringio::Task<> save_settings(std::string path, std::string settings) {
    co_await ringio::write_file(path, settings, {.atomic = true});
    const std::string read = co_await ringio::read_file(path);
    fmt::print("{}", read);
}
// [/atomic]

// [walk]
ringio::Task<> print_tree(std::string root) {
    auto tree = fs::walk(root);
    while (auto directory = co_await tree.next()) {
        fmt::print("{}/\n", directory->path.substr(root.size()));
        for (const std::string& name : directory->files) {
            fmt::print("    {}\n", name);
        }
    }
}
// [/walk]

ringio::Task<> main_coroutine(std::string folder) {
    co_await write_poem(folder + "/poem");
    const int words = co_await count_words(folder + "/poem");
    fmt::print("{} words\n", words);
    co_await correct(folder + "/poem");
    co_await save_settings(folder + "/settings", "colour = green\n");

    // [trees]
    co_await fs::mkdir(folder + "/old/poems", {.parents = true, .exist_ok = true});
    const auto copied = co_await fs::copy_file(folder + "/poem", folder + "/old/poems/poem");
    fmt::print("{} bytes copied\n", copied);
    co_await print_tree(folder);
    co_await fs::remove_tree(folder + "/old");
    // [/trees]

    // [errors]
    try {
        co_await open_file("/no/such/file");
    } catch (const std::system_error& error) {
        fmt::print("{}\n", error.what());
    }
    // [/errors]
}

}  // namespace

int main() {
    std::string folder = "/tmp/ringio_example_XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) {
        return 1;
    }
    ringio::run(main_coroutine(folder));
    std::filesystem::remove_all(folder);
}
