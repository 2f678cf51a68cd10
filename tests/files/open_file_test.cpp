#include <ringio/files/open_file.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>
#include <support/temp_folder.hpp>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;

namespace {

using Mode = OpenMode;

// What is in a file of "old" after `mode`, and a write of "new" if that may be.
Task<std::string> after_opening(const TempFolder& folder, OpenMode mode) {
    const std::string path = folder.file("opened", "old text");
    try {
        File file = co_await open_file(path, mode);
        co_await file.write("new");
    } catch (const std::system_error& error) {
        co_return std::string("errno ") + std::to_string(error.code().value());
    }
    co_return folder.content("opened");
}

Task<std::string> read_after_opening(const TempFolder& folder, OpenMode mode) {
    const std::string path = folder.file("opened", "old text");
    try {
        File file = co_await open_file(path, mode);
        co_await file.write("new");
        co_await file.seek(0);
        std::string text = co_await file.read();
        co_return text;
    } catch (const std::system_error& error) {
        co_return std::string("errno ") + std::to_string(error.code().value());
    }
}

const std::string bad_descriptor = "errno " + std::to_string(EBADF);
const std::string is_there = "errno " + std::to_string(EEXIST);

/// Lets the process have no more descriptors than it has.
class NoMoreDescriptors {
public:
    NoMoreDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const UniqueFd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        rlimit less = before_;
        less.rlim_cur = static_cast<rlim_t>(next.get());
        ::setrlimit(RLIMIT_NOFILE, &less);
    }
    NoMoreDescriptors(const NoMoreDescriptors&) = delete;
    NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;
    ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

}  // namespace

TEST_CASE("open_file: each of Python's modes is an OpenMode") {
    CHECK(detail::open_flags_of(Mode::read) == O_RDONLY);
    CHECK(detail::open_flags_of(Mode::read_write) == O_RDWR);
    CHECK(detail::open_flags_of(Mode::write) == (O_WRONLY | O_CREAT | O_TRUNC));
    CHECK(detail::open_flags_of(Mode::read_write | Mode::truncate) == (O_RDWR | O_CREAT | O_TRUNC));
    CHECK(detail::open_flags_of(Mode::append) == (O_WRONLY | O_CREAT | O_APPEND));
    CHECK(detail::open_flags_of(Mode::read | Mode::append) == (O_RDWR | O_CREAT | O_APPEND));
    CHECK(detail::open_flags_of(Mode::exclusive) == (O_WRONLY | O_CREAT | O_EXCL));
    CHECK(detail::open_flags_of(Mode::read | Mode::exclusive) == (O_RDWR | O_CREAT | O_EXCL));
}

TEST_CASE("open_file: what is said twice is said once") {
    CHECK(detail::open_flags_of(Mode::read | Mode::write) ==
          detail::open_flags_of(Mode::read_write));
    CHECK(detail::open_flags_of(Mode::write | Mode::append) == detail::open_flags_of(Mode::append));
    CHECK(detail::open_flags_of(Mode::write | Mode::truncate | Mode::create) ==
          detail::open_flags_of(Mode::write));
    CHECK(detail::open_flags_of(Mode::write | Mode::exclusive) ==
          detail::open_flags_of(Mode::exclusive));
    CHECK(detail::open_flags_of(Mode::read_write | Mode::create) == (O_RDWR | O_CREAT));
}

ASYNC_TEST_CASE("open_file: a mode that says nothing, or contradicts itself, is refused") {
    for (const OpenMode mode : {OpenMode(), Mode::truncate, Mode::create,
                                Mode::read | Mode::truncate, Mode::append | Mode::truncate}) {
        const std::string text = co_await text_of<std::invalid_argument>(open_file("x", mode));
        CHECK_THAT(text, Catch::Matchers::StartsWith("OpenMode"));
    }
}

ASYNC_TEST_CASE("open_file: what becomes of a file that is there") {
    const TempFolder folder;
    CHECK_AWAIT(after_opening(folder, Mode::read), bad_descriptor);
    CHECK_AWAIT(after_opening(folder, Mode::write), "new");
    CHECK_AWAIT(after_opening(folder, Mode::read_write), "new text");
    CHECK_AWAIT(after_opening(folder, Mode::read_write | Mode::truncate), "new");
    CHECK_AWAIT(after_opening(folder, Mode::append), "old textnew");
    CHECK_AWAIT(after_opening(folder, Mode::exclusive), is_there);
    CHECK_AWAIT(read_after_opening(folder, Mode::write), bad_descriptor);
    CHECK_AWAIT(read_after_opening(folder, Mode::read_write), "new text");
    CHECK_AWAIT(read_after_opening(folder, Mode::read | Mode::append), "old textnew");
}

ASYNC_TEST_CASE("open_file: and of one that is not") {
    const TempFolder folder;
    for (const OpenMode mode : {Mode::write, Mode::append, Mode::exclusive,
                                Mode::read | Mode::append, Mode::read_write | Mode::truncate,
                                Mode::read | Mode::exclusive, Mode::read_write | Mode::create}) {
        const std::string path = folder / "new";
        {
            const File file = co_await open_file(path, mode);
            CHECK(file.path() == path);
            CHECK((::fcntl(file.fileno(), F_GETFD) & FD_CLOEXEC) != 0);
        }
        CHECK(std::filesystem::remove(path));
    }
    CHECK_AWAIT(errno_of(open_file(folder / "new", Mode::read)), ENOENT);
    CHECK_AWAIT(errno_of(open_file(folder / "new", Mode::read_write)), ENOENT);
    CHECK(folder.names() == "");
}

ASYNC_TEST_CASE("open_file: in terms of open(2)") {
    const TempFolder folder;
    folder.file("file", "text");
    File directory = co_await open_file(folder.path(), {.flags = O_PATH | O_DIRECTORY});
    File file = co_await open_file("file", {.directory = directory.fileno()});
    CHECK_AWAIT(file.read(), "text");
    const mode_t mask = ::umask(027);
    const OpenOptions making{.flags = O_WRONLY | O_CREAT, .mode = 0666};
    File made = co_await open_file(folder / "made", making);
    ::umask(mask);
    CHECK(folder.mode("made") == 0640);
    const OpenOptions nameless{.flags = O_TMPFILE | O_RDWR};
    const int code = co_await errno_of(open_file(folder.path(), nameless));
    CHECK((code == 0 || code == EOPNOTSUPP));  // not every file system can
    CHECK(folder.names() == "file made");
}

ASYNC_TEST_CASE("open_file: an error names the path") {
    const TempFolder folder;
    const std::string path = folder / "none";
    CHECK_AWAIT(text_of<std::system_error>(open_file(path)),
                "open '" + path + "': No such file or directory");
    CHECK_AWAIT(text_of<std::system_error>(open_file("")), "open '': No such file or directory");
}

ASYNC_TEST_CASE("open_file: a path with a zero byte in it is no path") {
    const std::string path("/tmp/a\0b", 8);
    CHECK_AWAIT(text_of<std::invalid_argument>(open_file(path)), "embedded null byte in path");
}

ASYNC_TEST_CASE("open_file: names and paths that are too long, and links that lead round") {
    const TempFolder folder;
    CHECK_AWAIT(errno_of(open_file(folder / std::string(255, 'n'))), ENOENT);
    CHECK_AWAIT(errno_of(open_file(folder / std::string(256, 'n'))), ENAMETOOLONG);
    std::string deep = folder.path();
    while (deep.size() < 4096) {
        deep += "/.";
    }
    CHECK_AWAIT(errno_of(open_file(deep)), ENAMETOOLONG);
    std::filesystem::create_symlink(folder / "two", folder / "one");
    std::filesystem::create_symlink(folder / "one", folder / "two");
    CHECK_AWAIT(errno_of(open_file(folder / "one")), ELOOP);
}

ASYNC_TEST_CASE("open_file: a directory is opened for reading only, and read by nobody") {
    const TempFolder folder;
    CHECK_AWAIT(errno_of(open_file(folder.path(), Mode::write)), EISDIR);
    File file = co_await open_file(folder.path());
    CHECK_AWAIT(text_of<std::system_error>(file.read()),
                "read '" + folder.path() + "': Is a directory");
}

ASYNC_TEST_CASE("open_file: a program that runs is not written to") {
    const std::string program = std::filesystem::read_symlink("/proc/self/exe");
    CHECK_AWAIT(text_of<std::system_error>(open_file(program, Mode::read_write)),
                "open '" + program + "': Text file busy");
}

ASYNC_TEST_CASE("open_file: a FIFO that nobody reads is not opened for writing, and says why") {
    const TempFolder folder;
    const std::string path = folder / "fifo";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    for (const OpenMode mode : {Mode::write, Mode::append}) {
        CHECK_AWAIT_HAS(text_of<std::system_error>(open_file(path, mode)),
                        "(a FIFO that nobody reads?)");
    }
    File reader = co_await open_file(path);
    File writer = co_await open_file(path, Mode::write);
    CHECK((::fcntl(writer.fileno(), F_GETFL) & O_NONBLOCK) == 0);
    co_await writer.write("through it");
    CHECK_AWAIT(reader.read(64), "through it");
}

ASYNC_TEST_CASE("open_file: a path that others chose leads nowhere else") {
    const TempFolder folder;
    folder.file("inside", "text");
    const std::string outside = folder.file("outside", "secret");
    std::filesystem::create_directory(folder / "root");
    std::filesystem::rename(folder / "inside", folder / "root/inside");
    std::filesystem::create_symlink("inside", folder / "root/link");
    std::filesystem::create_symlink("../outside", folder / "root/out");
    const File root =
        co_await open_file(folder / "root", OpenOptions{.flags = O_PATH | O_DIRECTORY});
    const OpenOptions beneath{.directory = root.fileno(), .beneath = true};
    for (const char* const path : {"inside", "./inside", "link"}) {
        File file = co_await open_file(path, beneath);
        CHECK_AWAIT(file.read(), "text");
    }
    for (const std::string& path : {std::string("../outside"), std::string("out"), outside}) {
        CHECK_AWAIT(
            text_of<std::system_error>(open_file(path, beneath)),
            "open '" + path + "' (it leads out of its directory): Invalid cross-device link");
    }
    OpenOptions makes = beneath;
    makes.flags = O_CREAT | O_EXCL | O_WRONLY;
    makes.mode = 0600;
    File made = co_await open_file("new", makes);
    co_await made.write("new");
    CHECK(folder.content("root/new") == "new");
    CHECK_AWAIT(errno_of(open_file("../new", makes)), EXDEV);
}

ASYNC_TEST_CASE("open_file: without a descriptor left it fails, and with one again it does not") {
    const TempFolder folder;
    const std::string path = folder.file("file", "text");
    {
        const NoMoreDescriptors none;
        CHECK_AWAIT(errno_of(open_file(path)), EMFILE);
    }
    File file = co_await open_file(path);
    CHECK_AWAIT(file.read(), "text");
}

ASYNC_TEST_CASE("open_file: cancelled before its first step, it makes nothing") {
    const TempFolder folder;
    auto opening = create_task(open_file(folder / "new", Mode::write));
    opening.cancel();
    CHECK_AWAIT(is_cancelled(opening), true);
    CHECK(folder.names() == "");
}

ASYNC_TEST_CASE("open_file: cancelled on the way, the file is closed, or given") {
    const TempFolder folder;
    auto opening = create_task(open_file(folder / "new", Mode::write));
    co_await turns(1);
    opening.cancel();
    const int code = co_await errno_of(opening);
    CHECK((code == -1 || code == 0));
}
