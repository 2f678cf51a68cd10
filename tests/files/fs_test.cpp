#include <ringio/files/fs.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>
#include <support/temp_folder.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

using namespace ringio;
using namespace ringio::test_support;

namespace {

const std::string with_zero("a\0b", 3);

}  // namespace

ASYNC_TEST_CASE("fs: exists") {
    const TempFolder folder;
    folder.file("file");
    REQUIRE(::symlink("nowhere", (folder / "dangling").c_str()) == 0);
    REQUIRE(::symlink("loop", (folder / "loop").c_str()) == 0);
    CHECK_AWAIT(fs::exists(folder / "file"), true);
    CHECK_AWAIT(fs::exists(folder.path()), true);
    for (const char* const name : {"none", "none/below", "file/below", "dangling", "loop"}) {
        CHECK_AWAIT(fs::exists(folder / name), false);
    }
    CHECK_AWAIT(fs::exists(""), false);
    CHECK_AWAIT(errno_of(fs::exists(folder / std::string(256, 'n'))), ENAMETOOLONG);
}

ASYNC_TEST_CASE("fs: stat follows links, or does not") {
    const TempFolder folder;
    folder.file("file", "text");
    REQUIRE(::symlink("file", (folder / "link").c_str()) == 0);
    const FileStatus followed = co_await fs::stat(folder / "link");
    CHECK(followed.is_file());
    const FileStatus itself = co_await fs::stat(folder / "link", {.follow_symlinks = false});
    CHECK(itself.is_symlink());
    CHECK_AWAIT(text_of<std::system_error>(fs::stat(folder / "none")),
                "stat '" + (folder / "none") + "': No such file or directory");
}

ASYNC_TEST_CASE("fs: mkdir, and what is missing on the way, and what is there") {
    const TempFolder folder;
    co_await fs::mkdir(folder / "one", {.mode = 0700});
    CHECK(folder.mode("one") == 0700);
    CHECK_AWAIT(text_of<std::system_error>(fs::mkdir(folder / "one")),
                "mkdir '" + (folder / "one") + "': File exists");
    co_await fs::mkdir(folder / "one", {.exist_ok = true});
    CHECK_AWAIT(errno_of(fs::mkdir(folder / "a/b")), ENOENT);
    co_await fs::mkdir(folder / "a/b//c/", {.parents = true});
    co_await fs::mkdir(folder / "a/b/c", {.parents = true, .exist_ok = true});
    CHECK(folder.names() == "a a/b a/b/c one");
    folder.file("file");
    CHECK_AWAIT(errno_of(fs::mkdir(folder / "file", {.exist_ok = true})), EEXIST);
    CHECK_AWAIT(errno_of(fs::mkdir(folder / "file/x/y", {.parents = true})), ENOTDIR);
    CHECK_AWAIT(errno_of(fs::mkdir("", {.parents = true})), ENOENT);
}

ASYNC_TEST_CASE("fs: mkdir of a relative path") {
    const TempFolder folder;
    const std::string before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path());
    co_await fs::mkdir("deep/deeper", {.parents = true});
    std::filesystem::current_path(before);
    CHECK(folder.names() == "deep deep/deeper");
}

ASYNC_TEST_CASE("fs: remove and rmdir") {
    const TempFolder folder;
    const std::string file = folder.file("file");
    co_await fs::mkdir(folder / "empty");
    co_await fs::mkdir(folder / "full/inner", {.parents = true});
    REQUIRE(::symlink("full", (folder / "link").c_str()) == 0);
    co_await fs::remove(file);
    CHECK_AWAIT(text_of<std::system_error>(fs::remove(file)),
                "remove '" + file + "': No such file or directory");
    co_await fs::remove(file, {.missing_ok = true});
    CHECK_AWAIT(errno_of(fs::remove(folder / "empty")), EISDIR);
    CHECK_AWAIT(errno_of(fs::rmdir(folder / "full")), ENOTEMPTY);
    CHECK_AWAIT(errno_of(fs::rmdir(folder / "link")), ENOTDIR);
    co_await fs::remove(folder / "link");
    co_await fs::rmdir(folder / "empty");
    CHECK(folder.names() == "full full/inner");
}

ASYNC_TEST_CASE("fs: rename takes the place of what is there; an error names both paths") {
    const TempFolder folder;
    folder.file("old", "old");
    folder.file("new", "new");
    co_await fs::rename(folder / "new", folder / "old");
    CHECK(folder.names() == "old");
    CHECK(folder.content("old") == "new");
    CHECK_AWAIT(text_of<std::system_error>(fs::rename(folder / "none", folder / "x")),
                "rename '" + (folder / "none") + "' -> '" + (folder / "x") +
                    "': No such file or directory");
}

ASYNC_TEST_CASE("fs: links of both kinds") {
    const TempFolder folder;
    folder.file("file", "text");
    co_await fs::symlink("file", folder / "sign");
    co_await fs::link(folder / "file", folder / "too");
    CHECK_AWAIT(fs::readlink(folder / "sign"), "file");
    CHECK(folder.content("sign") == "text");
    CHECK(folder.content("too") == "text");
    const std::string far(4000, 'f');
    co_await fs::symlink(far, folder / "far");
    CHECK_AWAIT(fs::readlink(folder / "far"), far);
    CHECK_AWAIT(text_of<std::system_error>(fs::readlink(folder / "file")),
                "readlink '" + (folder / "file") + "': Invalid argument");
    CHECK_AWAIT(text_of<std::system_error>(fs::symlink("x", folder / "file")),
                "symlink 'x' -> '" + (folder / "file") + "': File exists");
    CHECK_AWAIT(errno_of(fs::symlink("", folder / "nothing")), ENOENT);
    CHECK_AWAIT(
        text_of<std::system_error>(fs::link(folder / "none", folder / "x")),
        "link '" + (folder / "none") + "' -> '" + (folder / "x") + "': No such file or directory");
}

ASYNC_TEST_CASE("fs: chmod") {
    const TempFolder folder;
    const std::string path = folder.file("file");
    co_await fs::chmod(path, 0604);
    CHECK(folder.mode("file") == 0604);
    CHECK_AWAIT(text_of<std::system_error>(fs::chmod(folder / "none", 0600)),
                "chmod '" + (folder / "none") + "': No such file or directory");
}

ASYNC_TEST_CASE("fs: a path with a zero byte in it is refused by all of them") {
    const std::string text = "embedded null byte in path";
    using Refused = std::invalid_argument;
    CHECK_AWAIT(text_of<Refused>(fs::exists(with_zero)), text);
    CHECK_AWAIT(text_of<Refused>(fs::stat(with_zero)), text);
    CHECK_AWAIT(text_of<Refused>(fs::mkdir(with_zero)), text);
    CHECK_AWAIT(text_of<Refused>(fs::remove(with_zero)), text);
    CHECK_AWAIT(text_of<Refused>(fs::rmdir(with_zero)), text);
    CHECK_AWAIT(text_of<Refused>(fs::rename(with_zero, "b")), text);
    CHECK_AWAIT(text_of<Refused>(fs::rename("a", with_zero)), text);
    CHECK_AWAIT(text_of<Refused>(fs::symlink(with_zero, "b")), text);
    CHECK_AWAIT(text_of<Refused>(fs::symlink("a", with_zero)), text);
    CHECK_AWAIT(text_of<Refused>(fs::link(with_zero, "b")), text);
    CHECK_AWAIT(text_of<Refused>(fs::link("a", with_zero)), text);
    CHECK_AWAIT(text_of<Refused>(fs::readlink(with_zero)), text);
    CHECK_AWAIT(text_of<Refused>(fs::chmod(with_zero, 0600)), text);
}

ASYNC_TEST_CASE("fs: cancelled, each has happened or has not, and nothing is left over") {
    const TempFolder folder;
    for (const int before : {0, 1, 2, 3}) {
        auto making = create_task(fs::mkdir(folder / "a/b/c", {.parents = true}));
        co_await turns(before);
        making.cancel();
        static_cast<void>(co_await errno_of(making));
        auto reading = create_task(fs::readlink(folder / "none"));
        co_await turns(before);
        reading.cancel();
        static_cast<void>(co_await errno_of(reading));
    }
}
