#include <ringio/files/remove_tree.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>
#include <support/temp_folder.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

using namespace ringio;
using namespace ringio::test_support;

ASYNC_TEST_CASE("remove_tree: a directory with all that is in it") {
    const TempFolder folder;
    std::filesystem::create_directories(folder / "tree/a/b/c");
    std::filesystem::create_directories(folder / "tree/d");
    folder.file("tree/file");
    folder.file("tree/a/b/file");
    REQUIRE(::mkfifo((folder / "tree/d/fifo").c_str(), 0600) == 0);
    co_await fs::remove_tree(folder / "tree");
    CHECK(folder.names() == "");
    co_await fs::remove_tree(folder.path() + "/");
}

ASYNC_TEST_CASE("remove_tree: what links lead to stays") {
    const TempFolder folder;
    std::filesystem::create_directories(folder / "kept");
    std::filesystem::create_directories(folder / "tree");
    folder.file("kept/file");
    std::filesystem::create_directory_symlink("../kept", folder / "tree/link");
    std::filesystem::create_directory_symlink("tree", folder / "link");
    CHECK_AWAIT(text_of<std::system_error>(fs::remove_tree(folder / "link")),
                "remove_tree '" + (folder / "link") + "': Not a directory");
    co_await fs::remove_tree(folder / "tree");
    CHECK(folder.names() == "kept kept/file link");
}

ASYNC_TEST_CASE("remove_tree: what is not there, and what is no directory") {
    const TempFolder folder;
    const std::string file = folder.file("file");
    CHECK_AWAIT(text_of<std::system_error>(fs::remove_tree(folder / "none")),
                "remove_tree '" + (folder / "none") + "': No such file or directory");
    co_await fs::remove_tree(folder / "none", {.missing_ok = true});
    CHECK_AWAIT(errno_of(fs::remove_tree(file, {.missing_ok = true})), ENOTDIR);
    CHECK_AWAIT(text_of<std::invalid_argument>(fs::remove_tree(std::string("a\0b", 3))),
                "embedded null byte in path");
    CHECK(folder.has("file"));
}

ASYNC_TEST_CASE("remove_tree: deeper than paths are long, and than descriptors are many") {
    const TempFolder folder;
    const std::string name(100, 'd');
    UniqueFd at(::open(folder.path().c_str(), O_PATH | O_CLOEXEC));
    constexpr int depth = 500;
    for (int level = 0; level < depth; ++level) {
        REQUIRE(::mkdirat(at.get(), name.c_str(), 0700) == 0);
        UniqueFd next(::openat(at.get(), name.c_str(), O_PATH | O_CLOEXEC));
        REQUIRE(next);
        at = std::move(next);
    }
    at.reset();
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit few = before;
    few.rlim_cur = 100;
    ::setrlimit(RLIMIT_NOFILE, &few);
    const int code = co_await errno_of(fs::remove_tree(folder / name));
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK(code == 0);
    CHECK(folder.names() == "");
}

ASYNC_TEST_CASE("remove_tree: cancelled, it stops; the rest is removed by the next one") {
    const TempFolder folder;
    for (int i = 0; i < 200; ++i) {
        std::filesystem::create_directories(folder / ("tree/" + std::to_string(i)));
    }
    for (const int before : {0, 1, 2}) {
        auto removing = create_task(fs::remove_tree(folder / "tree", {.missing_ok = true}));
        co_await turns(before);
        removing.cancel();
        static_cast<void>(co_await errno_of(removing));
    }
    // The threads may still be at it, and take a directory away from under each other.
    int code = ENOTEMPTY;
    while (code == ENOTEMPTY || code == ENOENT) {
        code = co_await errno_of(fs::remove_tree(folder / "tree", {.missing_ok = true}));
    }
    CHECK(code == 0);
    CHECK_FALSE(folder.has("tree"));
}
