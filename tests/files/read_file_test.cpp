#include <ringio/files/read_file.hpp>

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
#include <vector>

using namespace ringio;
using namespace ringio::test_support;

ASYNC_TEST_CASE("read_file: all of a file, whatever it says of its size") {
    const TempFolder folder;
    CHECK_AWAIT(read_file(folder.file("file", "text")), "text");
    CHECK_AWAIT(read_file(folder.file("empty")), "");
    const std::string much(200'001, 'm');
    CHECK_AWAIT(read_file(folder.file("much", much)), much);
    CHECK_AWAIT_HAS(read_file("/proc/version"), "Linux");
}

ASYNC_TEST_CASE("read_file: an error names the path") {
    const TempFolder folder;
    CHECK_AWAIT(text_of<std::system_error>(read_file(folder / "none")),
                "open '" + (folder / "none") + "': No such file or directory");
    CHECK_AWAIT(text_of<std::system_error>(read_file(folder.path())),
                "read '" + folder.path() + "': Is a directory");
    CHECK_AWAIT(text_of<std::invalid_argument>(read_file(std::string("a\0b", 3))),
                "embedded null byte in path");
}

ASYNC_TEST_CASE("write_file: makes a file, or replaces what is in it") {
    const TempFolder folder;
    for (const bool atomic : {false, true}) {
        const std::string path = folder / "file";
        co_await write_file(path, "a text that is long", {.atomic = atomic});
        co_await write_file(path, "short", {.atomic = atomic});
        CHECK(folder.content("file") == "short");
        const std::vector<unsigned char> bytes{'x', 'y'};
        co_await write_file(path, bytes, {.atomic = atomic});
        CHECK(folder.content("file") == "xy");
        co_await write_file(path, "", {.atomic = atomic});
        CHECK(folder.content("file") == "");
        CHECK(folder.names() == "file");
        REQUIRE(::unlink(path.c_str()) == 0);
    }
}

ASYNC_TEST_CASE("write_file: permissions are those that were asked for, or that were there") {
    const TempFolder folder;
    const mode_t mask = ::umask(022);
    for (const bool atomic : {false, true}) {
        const std::string path = folder / "file";
        co_await write_file(path, "text", {.atomic = atomic});
        CHECK(folder.mode("file") == 0644);
        REQUIRE(::chmod(path.c_str(), 0600) == 0);
        co_await write_file(path, "text", {.atomic = atomic, .mode = 0666});
        CHECK(folder.mode("file") == 0600);
        REQUIRE(::unlink(path.c_str()) == 0);
        co_await write_file(path, "text", {.atomic = atomic, .mode = 0600});
        CHECK(folder.mode("file") == 0600);
        REQUIRE(::unlink(path.c_str()) == 0);
    }
    ::umask(mask);
}

ASYNC_TEST_CASE("write_file: atomic, who has the old file open reads the old bytes") {
    const TempFolder folder;
    const std::string path = folder.file("file", "old");
    REQUIRE(::link(path.c_str(), (folder / "kept").c_str()) == 0);
    co_await write_file(path, "new", {.atomic = true});
    CHECK(folder.content("kept") == "old");
    CHECK(folder.content("file") == "new");
}

ASYNC_TEST_CASE("write_file: atomic, a symbolic link is replaced by a file") {
    const TempFolder folder;
    folder.file("file", "old");
    REQUIRE(::symlink("file", (folder / "link").c_str()) == 0);
    co_await write_file(folder / "link", "new", {.atomic = true});
    CHECK(folder.content("file") == "old");
    CHECK(folder.content("link") == "new");
}

ASYNC_TEST_CASE("write_file: what fails leaves nothing beside the file, and names it") {
    const TempFolder folder;
    REQUIRE(::mkdir((folder / "directory").c_str(), 0700) == 0);
    const std::string none = folder / "none/file";
    const WriteFileOptions atomic{.atomic = true};
    CHECK_AWAIT(text_of<std::system_error>(write_file(none, "x")),
                "open '" + none + "': No such file or directory");
    CHECK_AWAIT(text_of<std::system_error>(write_file(none, "x", atomic)),
                "open '" + none + "': No such file or directory");
    CHECK_AWAIT(errno_of(write_file(folder / "directory", "x")), EISDIR);
    CHECK_AWAIT_HAS(text_of<std::system_error>(write_file(folder / "directory", "x", atomic)),
                    "-> '" + (folder / "directory") + "'");
    CHECK_AWAIT(text_of<std::invalid_argument>(write_file(std::string("a\0b", 3), "x", atomic)),
                "embedded null byte in path");
    CHECK_AWAIT(errno_of(write_file("", "x", atomic)), ENOENT);
    CHECK(folder.names() == "directory");
}

ASYNC_TEST_CASE("write_file: a full disk") {
    CHECK_AWAIT(text_of<std::system_error>(write_file("/dev/full", "text")),
                "write '/dev/full': No space left on device");
}

ASYNC_TEST_CASE("write_file: atomic, cancelled at any time: the old file or the new one, alone") {
    const TempFolder folder;
    const std::string path = folder.file("file", "old");
    for (int before = 0; before < 14; ++before) {
        auto writing = create_task(write_file(path, "new", {.atomic = true}));
        co_await turns(before);
        writing.cancel();
        const bool cancelled = co_await is_cancelled(writing);
        const std::string content = folder.content("file");
        CHECK((content == "new" || (cancelled && content == "old")));
        CHECK(folder.names() == "file");
        folder.file("file", "old");
    }
}
