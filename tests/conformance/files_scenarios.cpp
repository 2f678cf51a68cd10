// Files: open_file() and fs:: beside the built-in open() for bytes, os, shutil and pathlib.
#include <ringio/files.hpp>
#include <ringio/tasks.hpp>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "scenario.hpp"

namespace ringio::conformance {
namespace {

struct FilesFolder {
    FilesFolder() {
        if (::mkdtemp(path.data()) == nullptr) {
            throw std::runtime_error("mkdtemp");
        }
    }
    FilesFolder(const FilesFolder&) = delete;
    FilesFolder& operator=(const FilesFolder&) = delete;
    ~FilesFolder() { std::filesystem::remove_all(path); }

    std::string operator/(const std::string& name) const { return path + "/" + name; }

    std::string path = "/tmp/ringio_conformance_XXXXXX";
};

/// The value as text, or the error.
template <class A>
Task<std::string> outcome(A awaitable) {
    try {
        if constexpr (std::is_void_v<detail::AwaitValue<A>>) {
            co_await std::move(awaitable);
        } else if constexpr (std::is_same_v<detail::AwaitValue<A>, File>) {
            const File file = co_await std::move(awaitable);
        } else {
            const auto value = co_await std::move(awaitable);
            co_return text(value);
        }
    } catch (const std::invalid_argument&) {
        co_return "ValueError";
    } catch (const std::system_error& error) {
        co_return "OSError " + std::to_string(error.code().value());
    }
    co_return "None";
}

Task<std::string> written_and_read(std::string path, OpenMode mode, bool reads) {
    File file = co_await open_file(path, mode);
    co_await file.write("new");
    if (!reads) {
        co_return co_await read_file(path);
    }
    co_await file.seek(0);
    co_return co_await file.read();
}

std::string stripped(std::string line) {
    if (line.ends_with('\n')) {
        line.pop_back();
    }
    return line;
}

std::vector<std::string> stripped_all(std::vector<std::string> lines) {
    for (std::string& line : lines) {
        line = stripped(std::move(line));
    }
    return lines;
}

Task<std::uint64_t> size_of(std::string path) {
    const FileStatus status = co_await fs::stat(std::move(path));
    co_return status.size;
}

}  // namespace

CONFORMS("files.modes") {
    const FilesFolder folder;
    struct Mode {
        const char* name;
        OpenMode mode;
        bool reads;
    };
    const Mode modes[] = {{"r+b", OpenMode::read_write, true},
                          {"wb", OpenMode::write, false},
                          {"w+b", OpenMode::read_write | OpenMode::truncate, true},
                          {"ab", OpenMode::append, false},
                          {"a+b", OpenMode::read | OpenMode::append, true},
                          {"xb", OpenMode::exclusive, false},
                          {"x+b", OpenMode::read | OpenMode::exclusive, true}};
    for (const Mode& mode : modes) {
        co_await write_file(folder / "there", "old text");
        const std::string there =
            co_await outcome(written_and_read(folder / "there", mode.mode, mode.reads));
        log(mode.name, there);
        const std::string made =
            co_await outcome(written_and_read(folder / "new", mode.mode, mode.reads));
        log(mode.name, made);
        co_await fs::remove(folder / "new", {.missing_ok = true});
    }
}

CONFORMS("files.positions") {
    const FilesFolder folder;
    File file = co_await open_file(folder / "file", OpenMode::read_write | OpenMode::truncate);
    const std::size_t written = co_await file.write("0123456789");
    std::uint64_t at = co_await file.tell();
    log(written, at);
    const std::uint64_t third = co_await file.seek(3);
    const std::string two = co_await file.read(2);
    at = co_await file.tell();
    log(third, two, at);
    const std::uint64_t back = co_await file.seek(-1, SEEK_CUR);
    const std::string none = co_await file.read(0);
    log(back, none.empty());
    const std::uint64_t last = co_await file.seek(-2, SEEK_END);
    const std::string rest = co_await file.read();
    const std::string behind = co_await file.read(5);
    log(last, rest, behind.empty());
    const std::string before = co_await outcome(file.seek(-1));
    const std::string whence = co_await outcome(file.seek(0, 99));
    at = co_await file.tell();
    log(before, whence, at);
    const std::uint64_t beyond = co_await file.seek(12);
    const std::size_t one = co_await file.write("z");
    const std::uint64_t start = co_await file.seek(0);
    const std::string all = co_await file.read();
    log(beyond, one, start, all.size());
    co_await file.seek(5);
    co_await file.truncate();
    at = co_await file.tell();
    std::uint64_t size = co_await size_of(folder / "file");
    log(at, size);
    co_await file.truncate(8);
    at = co_await file.tell();
    size = co_await size_of(folder / "file");
    log(at, size);
}

CONFORMS("files.lines") {
    const FilesFolder folder;
    co_await write_file(folder / "file", "one\ntwo\n\nfour");
    File file = co_await open_file(folder / "file", OpenMode::read_write);
    std::vector<std::string> all;
    auto lines = file.lines();
    while (auto line = co_await lines.next()) {
        all.push_back(stripped(*line));
    }
    log(all);
    co_await file.seek(0);
    const std::string first = co_await file.readline();
    std::uint64_t at = co_await file.tell();
    const std::string two = co_await file.read(2);
    log(stripped(first), at, two);
    const std::vector<std::string> others = co_await file.readlines();
    const std::string end = co_await file.readline();
    log(stripped_all(others), end.empty());
    co_await file.seek(0);
    co_await file.readline();
    co_await file.write("TWO");
    at = co_await file.tell();
    const std::string rest = co_await file.readline();
    log(at, rest == "\n");
    const std::string content = co_await read_file(folder / "file");
    log(content == "one\nTWO\n\nfour");
}

CONFORMS("files.appending") {
    const FilesFolder folder;
    File file = co_await open_file(folder / "file", OpenMode::read | OpenMode::append);
    co_await file.write("one");
    std::uint64_t at = co_await file.tell();
    log(at);
    co_await file.seek(0);
    const std::string first = co_await file.read(1);
    log(first);
    co_await file.seek(0);
    co_await file.write("two");
    at = co_await file.tell();
    log(at);
    co_await file.seek(0);
    const std::string all = co_await file.read();
    log(all);
}

CONFORMS("files.closed") {
    const FilesFolder folder;
    File file = co_await open_file(folder / "file", OpenMode::read_write | OpenMode::truncate);
    log(file.closed());
    file.close();
    file.close();
    const std::string reading = co_await outcome(file.read());
    const std::string writing = co_await outcome(file.write("x"));
    log(file.closed(), reading, writing);
}

CONFORMS("files.refused") {
    const FilesFolder folder;
    const std::string none = co_await outcome(open_file(folder / "none"));
    const std::string empty = co_await outcome(open_file(""));
    log(none, empty);
    const std::string zero = co_await outcome(open_file("a\0b"s));
    const std::string directory = co_await outcome(open_file(folder.path, OpenMode::write));
    log(zero, directory);
    const std::string longest = co_await outcome(open_file(folder / std::string(256, 'n')));
    log(longest);
}

CONFORMS("files.directories") {
    const FilesFolder folder;
    std::string first = co_await outcome(fs::mkdir(folder / "a/b"));
    log(first);
    co_await fs::mkdir(folder / "a/b", {.parents = true});
    first = co_await outcome(fs::mkdir(folder / "a"));
    std::string second = co_await outcome(fs::mkdir(folder / "a", {.exist_ok = true}));
    log(first, second);
    co_await write_file(folder / "file", "text");
    first = co_await outcome(fs::mkdir(folder / "file", {.exist_ok = true}));
    log(first);
    const bool there = co_await fs::exists(folder / "a/b");
    const bool none = co_await fs::exists(folder / "none");
    const bool below = co_await fs::exists(folder / "file/x");
    log(there, none, below);
    co_await fs::symlink("file", folder / "link");
    co_await fs::link(folder / "file", folder / "a/too");
    first = co_await fs::readlink(folder / "link");
    second = co_await outcome(fs::readlink(folder / "file"));
    log(first, second);
    co_await fs::rename(folder / "a/too", folder / "a/b/too");
    first = co_await outcome(fs::rename(folder / "none", folder / "x"));
    log(first);
    first = co_await outcome(fs::remove(folder / "none"));
    second = co_await outcome(fs::remove(folder / "none", {.missing_ok = true}));
    log(first, second);
    first = co_await outcome(fs::rmdir(folder / "a"));
    second = co_await outcome(fs::rmdir(folder / "link"));
    log(first, second);
    co_await fs::remove(folder / "link");
    const FileStatus file = co_await fs::stat(folder / "file");
    const FileStatus directory = co_await fs::stat(folder / "a");
    log(file.size, directory.is_directory());
}

CONFORMS("files.trees") {
    const FilesFolder folder;
    for (const char* const name : {"tree/b/c", "tree/a", "aside"}) {
        co_await fs::mkdir(folder / name, {.parents = true});
    }
    co_await write_file(folder / "aside/kept", "kept");
    co_await fs::symlink("../aside", folder / "tree/link");
    co_await fs::copy_file(folder / "aside/kept", folder / "tree/b/copy");
    const std::string itself =
        co_await outcome(fs::copy_file(folder / "aside/kept", folder / "aside/kept"));
    if (itself.starts_with("OSError")) {
        log("not onto itself");
    }
    auto tree = fs::walk(folder / "tree");
    while (auto directory = co_await tree.next()) {
        log(directory->path.substr(folder.path.size() + 1), directory->directories,
            directory->files);
    }
    const std::string file = co_await outcome(fs::remove_tree(folder / "aside/kept"));
    log(file);
    const std::string none = co_await outcome(fs::remove_tree(folder / "none"));
    log(none);
    co_await fs::remove_tree(folder / "tree");
    const bool gone = co_await fs::exists(folder / "tree");
    const bool kept = co_await fs::exists(folder / "aside/kept");
    log(gone, kept);
}

}  // namespace ringio::conformance
