// Cancel at every await, and no memory at each allocation: files. Nothing stays open, nothing is
// left beside what was asked for, and what was not written to is as it was.
#include <ringio/files.hpp>

#include "sweep_scenario.hpp"

#include <support/temp_folder.hpp>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;

namespace {

const std::string old_text = "old text\nof two lines\n";
const std::string new_text = "new text that is longer than what fits into a std::string";

/// On epoll a request for which there is no memory ends with ENOMEM.
Task<> unless_short_of_memory(Task<> scenario) {
    try {
        co_await scenario;
    } catch (const std::system_error& error) {
        if (error.code().value() != ENOMEM) {
            throw;
        }
    }
}

struct FolderWithFile : TempFolder {
    FolderWithFile() { file("file", old_text); }
};

const TempFolder& folder_of(Sweep& sweep) { return sweep.make<FolderWithFile>(); }

Task<> read_and_write(std::string path, std::string& read) {
    File file = co_await open_file(path, OpenMode::read_write);
    read = co_await file.readline();
    read += co_await file.read(3);
    std::array<char, 4> bytes{};
    co_await file.read_at(bytes, 1);
    read += co_await file.read();
    co_await file.write("more\n");
    co_await file.write_at("O", 0);
    co_await file.seek(0, SEEK_END);
    co_await file.fsync();
    co_await file.stat();
    co_await file.allocate(0, 100);
    co_await file.truncate(50);
    co_await file.aclose();
}

Task<> read_and_write(Sweep& sweep) {
    const TempFolder& folder = folder_of(sweep);
    std::string& read = sweep.make<std::string>();
    sweep.check("what was read is the beginning of the file",
                [&read] { return old_text.starts_with(read); });
    co_await read_and_write(folder / "file", read);
}

Task<> read_lines(Sweep& sweep) {
    const TempFolder& folder = folder_of(sweep);
    File file = co_await open_file(folder / "file");
    auto lines = file.lines();
    while (auto line = co_await lines.next()) {
        co_await sleep(Delay());
    }
    co_await file.seek(0);
    const std::vector<std::string> all = co_await file.readlines();
    sweep.make<std::size_t>(all.size());
}

Task<> replace(Sweep& sweep, WriteFileOptions options) {
    const TempFolder& folder = folder_of(sweep);
    sweep.check("nothing is left beside the file", [&folder] { return folder.names() == "file"; });
    if (options.atomic) {
        sweep.check("the file is the old one or the new one", [&folder] {
            const std::string content = folder.content("file");
            return content == old_text || content == new_text;
        });
    }
    co_await write_file(folder / "file", new_text, options);
    const std::string read = co_await read_file(folder / "file");
    sweep.make<bool>(read == new_text);
}

Task<> change_directory(Sweep& sweep) {
    const TempFolder& folder = folder_of(sweep);
    co_await fs::mkdir(folder / "a/b", {.parents = true});
    co_await fs::symlink("file", folder / "link");
    co_await fs::link(folder / "file", folder / "a/too");
    co_await fs::rename(folder / "a/too", folder / "a/b/too");
    const std::string target = co_await fs::readlink(folder / "link");
    const bool there = co_await fs::exists(folder / target);
    const FileStatus status = co_await fs::stat(folder / "link", {.follow_symlinks = false});
    sweep.make<bool>(there && status.is_symlink());
    co_await fs::chmod(folder / "file", 0600);
    co_await fs::remove(folder / "link");
    co_await fs::mkdir(folder / "empty");
    co_await fs::rmdir(folder / "empty");
}

Task<> handle_trees(Sweep& sweep) {
    const TempFolder& folder = folder_of(sweep);
    sweep.check("the original stays", [&folder] { return folder.content("file") == old_text; });
    co_await fs::mkdir(folder / "tree/inner", {.parents = true});
    co_await fs::copy_file(folder / "file", folder / "tree/copy");
    const auto entries = co_await fs::scandir(folder.path());
    auto tree = fs::walk(folder / "tree");
    std::size_t names = entries.size();
    while (auto directory = co_await tree.next()) {
        names += directory->files.size();
    }
    sweep.make<std::size_t>(names);
    co_await fs::remove_tree(folder / "tree");
}

}  // namespace

CANCEL_SWEEP("cancel at every await: a file is read and written") {
    co_await read_and_write(sweep);
}

ALLOCATION_SWEEP("no memory: a file is read and written") {
    co_await unless_short_of_memory(read_and_write(sweep));
}

CANCEL_SWEEP("cancel at every await: the lines of a file") { co_await read_lines(sweep); }

ALLOCATION_SWEEP("no memory: the lines of a file") {
    co_await unless_short_of_memory(read_lines(sweep));
}

CANCEL_SWEEP("cancel at every await: write_file and read_file") { co_await replace(sweep, {}); }

ALLOCATION_SWEEP("no memory: write_file and read_file") {
    co_await unless_short_of_memory(replace(sweep, {}));
}

CANCEL_SWEEP("cancel at every await: write_file, atomic") {
    co_await replace(sweep, {.atomic = true});
}

ALLOCATION_SWEEP("no memory: write_file, atomic") {
    co_await unless_short_of_memory(replace(sweep, {.atomic = true}));
}

CANCEL_SWEEP("cancel at every await: fs, what is in directories") {
    co_await change_directory(sweep);
}

ALLOCATION_SWEEP("no memory: fs, what is in directories") {
    co_await unless_short_of_memory(change_directory(sweep));
}

CANCEL_SWEEP("cancel at every await: fs, whole trees") { co_await handle_trees(sweep); }

ALLOCATION_SWEEP("no memory: fs, whole trees") {
    co_await unless_short_of_memory(handle_trees(sweep));
}
