#include <ringio/files/walk.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>
#include <support/temp_folder.hpp>

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

using namespace ringio;
using namespace ringio::test_support;

namespace {

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        text.append(text.empty() ? "" : ",").append(name);
    }
    return text;
}

/// "a(b,c|file) a/b(|)": paths below the folder, the directories and the files in them.
Task<std::string> walked(const TempFolder& folder, std::string name, fs::WalkOptions options) {
    std::string text;
    auto tree = fs::walk(folder / name, options);
    while (auto directory = co_await tree.next()) {
        text.append(text.empty() ? "" : " ")
            .append(directory->path.substr(folder.path().size() + 1))
            .append("(" + joined(directory->directories) + "|" + joined(directory->files) + ")");
    }
    co_return text;
}

void make_tree(const TempFolder& folder) {
    std::filesystem::create_directories(folder / "root/b/c");
    std::filesystem::create_directories(folder / "root/a");
    std::filesystem::create_directories(folder / "aside");
    folder.file("root/file");
    folder.file("root/b/c/deep");
    folder.file("aside/there");
    std::filesystem::create_directory_symlink("../aside", folder / "root/link");
}

}  // namespace

ASYNC_TEST_CASE("walk: each directory before what is in it, in the order of the names") {
    const TempFolder folder;
    make_tree(folder);
    CHECK_AWAIT(walked(folder, "root", {}),
                "root(a,b|file,link) root/a(|) root/b(c|) root/b/c(|deep)");
}

ASYNC_TEST_CASE("walk: links are followed when asked to, and into no directory twice") {
    const TempFolder folder;
    make_tree(folder);
    std::filesystem::create_directory_symlink("..", folder / "root/b/up");
    CHECK_AWAIT(walked(folder, "root", {.follow_symlinks = true}),
                "root(a,b,link|file) root/a(|) root/b(c,up|) root/b/c(|deep) root/link(|there)");
    CHECK_AWAIT(walked(folder, "root/link", {}), "root/link(|there)");
}

ASYNC_TEST_CASE("walk: what cannot be read is an error, or left out") {
    const TempFolder folder;
    make_tree(folder);
    CHECK_AWAIT(text_of<std::system_error>(walked(folder, "none", {})),
                "scandir '" + (folder / "none") + "': No such file or directory");
    CHECK_AWAIT(walked(folder, "none", {.skip_errors = true}), "");
    CHECK_AWAIT(errno_of(walked(folder, "root/file", {})), ENOTDIR);
    CHECK_AWAIT(text_of<std::invalid_argument>(walked(folder, std::string("\0", 1), {})),
                "embedded null byte in path");
}

ASYNC_TEST_CASE("walk: a directory that goes meanwhile is left out") {
    const TempFolder folder;
    for (int i = 0; i < 5000; ++i) {  // more than a thread reads at once
        folder.file("file" + std::to_string(i));
    }
    std::filesystem::create_directory(folder / "z directory");
    auto tree = fs::walk(folder.path());
    auto first = co_await tree.next();
    CHECK(first->files.size() == 5000);
    CHECK(first->directories.size() == 1);
    std::filesystem::remove(folder / "z directory");
    auto second = co_await tree.next();
    CHECK_FALSE(second);
}

ASYNC_TEST_CASE("walk: one that is not walked to its end leaves nothing over") {
    const TempFolder folder;
    make_tree(folder);
    auto tree = fs::walk(folder / "root");
    auto first = co_await tree.next();
    CHECK(first.has_value());
    co_await tree.aclose();
    auto walking = create_task(walked(folder, "root", {}));
    co_await turns(1);
    walking.cancel();
    static_cast<void>(co_await errno_of(walking));
}
