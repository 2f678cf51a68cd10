// Whose turn it is on a File, and what closing does meanwhile.
#include <ringio/files/file.hpp>

#include <ringio/files/open_file.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/descriptor_pair.hpp>
#include <support/ends.hpp>
#include <support/temp_folder.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

using namespace ringio;
using namespace ringio::test_support;
using ringio::testing::Ends;

namespace {

bool is_open_descriptor(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

/// As long as it lives, no file may become longer than that.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t size) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        rlimit less = before_;
        less.rlim_cur = size;
        ::setrlimit(RLIMIT_FSIZE, &less);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

private:
    rlimit before_{};
};

}  // namespace

ASYNC_TEST_CASE("file: a second operation is refused while one is on, save read_at and write_at") {
    Ends ends = Ends::pipe();
    File file(std::move(ends.near), "<pipe>");
    auto reading = create_task(file.read(10));
    co_await turns(2);
    const std::string suffix = "() called while another coroutine is already using '<pipe>'";
    CHECK_AWAIT(text_of<std::runtime_error>(file.read()), "read" + suffix);
    CHECK_AWAIT(text_of<std::runtime_error>(file.readline()), "readline" + suffix);
    CHECK_AWAIT(text_of<std::runtime_error>(file.write("x")), "write" + suffix);
    CHECK_AWAIT(text_of<std::runtime_error>(file.seek(0)), "seek" + suffix);
    CHECK_AWAIT(text_of<std::runtime_error>(file.aclose()), "aclose" + suffix);
    CHECK_AWAIT(errno_of(file.write_at("x", 0)), EBADF);
    ends.write("text");
    CHECK_AWAIT(reading, "text");
    ends.write("more");
    CHECK_AWAIT(file.read(10), "more");
}

ASYNC_TEST_CASE("file: between two lines others may have their turn") {
    const TempFolder folder;
    const std::string path = folder.file("file", "one\ntwo\n");
    File file = co_await open_file(path);
    auto lines = file.lines();
    auto first = co_await lines.next();
    CHECK(first == "one\n");
    CHECK_AWAIT(file.tell(), 4U);
    auto second = co_await lines.next();
    CHECK(second == "two\n");
}

ASYNC_TEST_CASE("file: close is idempotent; what comes after it is refused") {
    const TempFolder folder;
    const std::string path = folder.file("file", "text");
    File file = co_await open_file(path);
    const int fd = file.fileno();
    CHECK_FALSE(file.closed());
    file.close();
    file.close();
    co_await file.aclose();
    CHECK(file.closed());
    CHECK_FALSE(file);
    CHECK(file.fileno() == -1);
    CHECK_FALSE(is_open_descriptor(fd));
    std::array<char, 4> bytes{};
    const std::string text = "I/O operation on closed file '" + path + "'";
    CHECK_AWAIT(text_of<std::invalid_argument>(file.read()), text);
    CHECK_AWAIT(text_of<std::invalid_argument>(file.write("")), text);
    CHECK_AWAIT(text_of<std::invalid_argument>(file.stat()), text);
    CHECK_AWAIT(text_of<std::invalid_argument>(file.read_at(bytes, 0)), text);
}

ASYNC_TEST_CASE("file: a File that never was open is closed") {
    File file;
    CHECK(file.closed());
    CHECK(file.path().empty());
    file.close();
    co_await file.aclose();
    CHECK_THROWS_AS(static_cast<void>(file.read()), std::invalid_argument);
}

ASYNC_TEST_CASE("file: closed while it is read, it is read to the end, and then closed") {
    Ends ends = Ends::pipe();
    const int fd = ends.near.get();
    File file(std::move(ends.near));
    auto reading = create_task(file.read());
    co_await turns(2);
    file.close();
    CHECK(file.closed());
    CHECK(is_open_descriptor(fd));
    ends.write("text");
    co_await turns(2);
    ends.far.reset();
    CHECK_AWAIT(reading, "text");
    CHECK_FALSE(is_open_descriptor(fd));
}

ASYNC_TEST_CASE("file: moved and destroyed while it is read, likewise") {
    Ends ends = Ends::pipe();
    const int fd = ends.near.get();
    auto first = std::make_unique<File>(std::move(ends.near));
    auto reading = create_task(first->read(10));
    co_await turns(2);
    File second = std::move(*first);
    first.reset();
    CHECK(second.fileno() == fd);
    second = File();
    CHECK(is_open_descriptor(fd));
    ends.write("text");
    CHECK_AWAIT(reading, "text");
    CHECK_FALSE(is_open_descriptor(fd));
}

ASYNC_TEST_CASE("file: closed while read_at is on, it waits for it") {
    Ends ends = Ends::pipe();
    const int fd = ends.near.get();
    File file(std::move(ends.near));
    std::array<char, 8> bytes{};
    const auto read_it = [](File& from, std::span<char> into) -> Task<std::size_t> {
        co_return co_await from.read_at(into, 0);
    };
    auto reading = create_task(read_it(file, bytes));
    co_await turns(2);
    file.close();
    CHECK(is_open_descriptor(fd));
    reading.cancel();
    CHECK_AWAIT(is_cancelled(reading), true);
    CHECK_FALSE(is_open_descriptor(fd));
}

ASYNC_TEST_CASE("file: aclose closes, also when it is cancelled") {
    const TempFolder folder;
    const std::string path = folder.file("file", "text");
    for (const int turns_before : {0, 1, 2}) {
        File file = co_await open_file(path);
        const int fd = file.fileno();
        auto closing = create_task(file.aclose());
        co_await turns(turns_before);
        closing.cancel();
        static_cast<void>(co_await errno_of(closing));
        // Before its first step it is no close: that is what the destructor is for.
        CHECK(is_open_descriptor(fd) == (turns_before == 0));
        CHECK(file.closed() == (turns_before > 0));
    }
}

ASYNC_TEST_CASE("file: a cancelled read leaves the position where it was") {
    const TempFolder folder;
    const std::string path = folder.file("file", std::string(1'000'000, 'x'));
    File file = co_await open_file(path);
    co_await file.seek(17);
    auto reading = create_task(file.read());
    co_await turns(1);
    reading.cancel();
    const bool cancelled = co_await is_cancelled(reading);
    CHECK_AWAIT(file.tell(), cancelled ? 17U : 1'000'000U);
    co_await file.seek(17);
    const std::string all = co_await file.read();
    CHECK(all.size() == 1'000'000 - 17);
}

ASYNC_TEST_CASE("file: beyond RLIMIT_FSIZE a write is an error, and ends nobody") {
    const TempFolder folder;
    File file = co_await open_file(folder / "file", OpenMode::read_write | OpenMode::create);
    const FileSizeLimit limit(1000);
    const std::string much(1500, 'm');
    CHECK_AWAIT(errno_of(file.write(much)), EFBIG);
    CHECK_AWAIT(file.tell(), 1000U);
    CHECK_AWAIT(errno_of(file.truncate(2000)), EFBIG);
    CHECK_AWAIT(errno_of(file.allocate(0, 2000)), EFBIG);
    CHECK(folder.content("file") == much.substr(0, 1000));
}

ASYNC_TEST_CASE("file: a write to a pipe that nobody reads is an error, and ends nobody") {
    void (*const before)(int) = std::signal(SIGPIPE, SIG_DFL);
    Ends ends = Ends::pipe();
    File file(std::move(ends.far), "<pipe>");
    ends.near.reset();
    CHECK_AWAIT(text_of<std::system_error>(file.write("x")), "write '<pipe>': Broken pipe");
    std::signal(SIGPIPE, before);
}

TEST_CASE("file: what a program does with SIGXFSZ stays as it is") {
    void (*const handler)(int) = [](int) {};
    void (*const before)(int) = std::signal(SIGXFSZ, handler);
    const TempFolder folder;
    const File file(UniqueFd(::open(folder.file("file").c_str(), O_WRONLY | O_CLOEXEC)));
    CHECK(std::signal(SIGXFSZ, before) == handler);
}
