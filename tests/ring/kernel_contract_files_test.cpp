// Requests on files and on what looks like one: which never wait, and may go to another thread.
#include "kernel_contract.hpp"
#include "kernel_sockets.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/stat.h>

#include <support/catch.hpp>

using namespace ringio;
using namespace ringio::testing;

namespace {

// A folder of its own with a file of ten bytes.
class Folder {
public:
    Folder() {
        REQUIRE(::mkdtemp(path_.data()) != nullptr);
        file_.reset(::open(name("file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        REQUIRE(::pwrite(file_.get(), "0123456789", 10, 0) == 10);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        for (const char* const each : {"file", "new", "fifo"}) {
            ::unlink(name(each).c_str());
        }
        ::rmdir(path_.c_str());
    }

    std::string name(const char* of) const { return path_ + "/" + of; }
    int file() const { return file_.get(); }
    std::string content() const {
        std::string all(100, '\0');
        all.resize(static_cast<std::size_t>(::pread(file(), all.data(), all.size(), 0)));
        return all;
    }

private:
    std::string path_ = "/tmp/ringio_kernel_XXXXXX";
    UniqueFd file_;
};

template <class Body>
void with_folder(const char* title, Body body) {
    for_each_kernel(title, [&](const KernelUnderTest& kernel) {
        const Folder folder;
        Driver driver(kernel);
        body(driver, folder);
    });
}

UniqueFd open_device(const char* path) { return UniqueFd(::open(path, O_RDWR | O_CLOEXEC)); }

}  // namespace

TEST_CASE("kernel contract: read of a file", "[uring]") {
    std::array<char, 16> bytes{};
    const auto text = [&](int size) {
        return std::string(bytes.data(), static_cast<std::size_t>(size));
    };
    with_folder("at an offset, whatever its position", [&](Driver& driver, const Folder& folder) {
        CHECK(::lseek(folder.file(), 7, SEEK_SET) == 7);
        CHECK(driver.perform(ReadRequest{folder.file(), bytes.data(), 4, 2}) == 4);
        CHECK(text(4) == "2345");
        CHECK(::lseek(folder.file(), 0, SEEK_CUR) == 7);
    });
    with_folder("at its position, which moves", [&](Driver& driver, const Folder& folder) {
        CHECK(::lseek(folder.file(), 7, SEEK_SET) == 7);
        CHECK(driver.perform(ReadRequest{folder.file(), bytes.data(), 2}) == 2);
        CHECK(text(2) == "78");
        CHECK(driver.perform(ReadRequest{folder.file(), bytes.data(), 2}) == 1);
        CHECK(driver.perform(ReadRequest{folder.file(), bytes.data(), 2}) == 0);
    });
    with_folder("across its end", [&](Driver& driver, const Folder& folder) {
        CHECK(driver.perform(ReadRequest{folder.file(), bytes.data(), 16, 8}) == 2);
        CHECK(text(2) == "89");
    });
    with_folder("behind its end", [&](Driver& driver, const Folder& folder) {
        CHECK(driver.perform(ReadRequest{folder.file(), bytes.data(), 16, 10}) == 0);
        CHECK(driver.perform(ReadRequest{folder.file(), bytes.data(), 16, 1'000'000}) == 0);
    });
    with_folder("nothing", [&](Driver& driver, const Folder& folder) {
        CHECK(driver.perform(ReadRequest{folder.file(), bytes.data(), 0, 3}) == 0);
    });
    with_folder("a folder", [&](Driver& driver, const Folder& folder) {
        const UniqueFd fd(::open(folder.name("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        CHECK(driver.perform(ReadRequest{fd.get(), bytes.data(), 16, 0}) == -EISDIR);
    });
    with_folder("open for writing only", [&](Driver& driver, const Folder& folder) {
        const UniqueFd fd(::open(folder.name("file").c_str(), O_WRONLY | O_CLOEXEC));
        CHECK(driver.perform(ReadRequest{fd.get(), bytes.data(), 16, 0}) == -EBADF);
    });
    with_folder("into memory that is none", [&](Driver& driver, const Folder& folder) {
        const ReadRequest request{folder.file(), reinterpret_cast<void*>(std::uintptr_t{8}), 4, 0};
        CHECK(driver.perform(request) == -EFAULT);
    });
    with_folder("ten at once, each at an offset", [&](Driver& driver, const Folder& folder) {
        std::vector<Driver::Id> ids;
        for (std::size_t i = 0; i < 10; ++i) {
            ids.push_back(driver.submit(ReadRequest{folder.file(), &bytes[i], 1, i}));
        }
        for (const Driver::Id id : ids) {
            CHECK(driver.result_of(id) == 1);
        }
        CHECK(text(10) == "0123456789");
    });
    with_folder("a mebibyte, which may come in parts", [&](Driver& driver, const Folder& folder) {
        constexpr std::size_t size = 1 << 20;
        REQUIRE(::ftruncate(folder.file(), size) == 0);
        std::vector<char> all(size, 'x');
        std::size_t done = 0;
        while (done < size) {
            const int result =
                driver.perform(ReadRequest{folder.file(), all.data() + done, size - done, done});
            REQUIRE(result > 0);
            done += static_cast<std::size_t>(result);
        }
        CHECK(std::ranges::count(all, 'x') == 0);
    });
}

TEST_CASE("kernel contract: write to a file", "[uring]") {
    with_folder("at an offset, whatever its position", [](Driver& driver, const Folder& folder) {
        CHECK(driver.perform(WriteRequest{folder.file(), "abc", 3, 4}) == 3);
        CHECK(folder.content() == "0123abc789");
    });
    with_folder("at its position, which moves", [](Driver& driver, const Folder& folder) {
        CHECK(::lseek(folder.file(), 9, SEEK_SET) == 9);
        CHECK(driver.perform(WriteRequest{folder.file(), "ab", 2}) == 2);
        CHECK(driver.perform(WriteRequest{folder.file(), "cd", 2}) == 2);
        CHECK(folder.content() == "012345678abcd");
    });
    with_folder("behind its end", [](Driver& driver, const Folder& folder) {
        CHECK(driver.perform(WriteRequest{folder.file(), "z", 1, 12}) == 1);
        CHECK(folder.content() == std::string("0123456789\0\0z", 13));
    });
    with_folder("that appends", [](Driver& driver, const Folder& folder) {
        const UniqueFd fd(::open(folder.name("file").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
        CHECK(driver.perform(WriteRequest{fd.get(), "z", 1}) == 1);
        CHECK(folder.content() == "0123456789z");
    });
    with_folder("open for reading only", [](Driver& driver, const Folder& folder) {
        const UniqueFd fd(::open(folder.name("file").c_str(), O_RDONLY | O_CLOEXEC));
        CHECK(driver.perform(WriteRequest{fd.get(), "z", 1, 0}) == -EBADF);
    });
    with_folder("ten at once, each at an offset", [](Driver& driver, const Folder& folder) {
        std::vector<Driver::Id> ids;
        for (std::size_t i = 0; i < 10; ++i) {
            ids.push_back(driver.submit(WriteRequest{folder.file(), &"abcdefghij"[i], 1, 9 - i}));
        }
        for (const Driver::Id id : ids) {
            CHECK(driver.result_of(id) == 1);
        }
        CHECK(folder.content() == "jihgfedcba");
    });
}

TEST_CASE("kernel contract: a file request is cancelled", "[uring]") {
    std::array<char, 16> bytes{};
    with_folder("in its batch", [&](Driver& driver, const Folder& folder) {
        const Driver::Id id = driver.submit(ReadRequest{folder.file(), bytes.data(), 4, 0});
        driver.cancel(id);
        CHECK(is_one_of({4, -ECANCELED, -EINTR}, driver.result_of(id)));
    });
    with_folder("after its completion", [&](Driver& driver, const Folder& folder) {
        const Driver::Id id = driver.submit(ReadRequest{folder.file(), bytes.data(), 4, 0});
        CHECK(driver.result_of(id) == 4);
        CHECK(is_one_of(cancel_found_none, driver.result_of(driver.ask_cancel(id))));
    });
    with_folder("fifty of them, all at once", [&](Driver& driver, const Folder& folder) {
        std::vector<Driver::Id> ids;
        for (int i = 0; i < 50; ++i) {
            ids.push_back(driver.submit(FsyncRequest{folder.file(), true}));
        }
        driver.finish();
        for (const Driver::Id id : ids) {
            CHECK(is_one_of({0, -ECANCELED, -EINTR}, driver.result(id)));
            CHECK(driver.seen(id).size() == 1);
        }
    });
}

TEST_CASE("kernel contract: openat", "[uring]") {
    with_folder("a file that is there", [](Driver& driver, const Folder& folder) {
        const std::string name = folder.name("file");
        const UniqueFd fd(driver.perform(OpenAtRequest{.path = name.c_str(), .flags = O_RDONLY}));
        REQUIRE(fd);
        CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
        CHECK((::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) == 0);
    });
    with_folder("a file that is made, with its mode", [](Driver& driver, const Folder& folder) {
        const std::string name = folder.name("new");
        const UniqueFd fd(driver.perform(
            OpenAtRequest{.path = name.c_str(), .flags = O_RDWR | O_CREAT | O_EXCL, .mode = 0640}));
        REQUIRE(fd);
        struct ::stat status{};
        REQUIRE(::fstat(fd.get(), &status) == 0);
        CHECK((status.st_mode & 0777U & ~0640U) == 0);
    });
    with_folder("a file that is there and must not be", [](Driver& driver, const Folder& folder) {
        const std::string name = folder.name("file");
        CHECK(driver.perform(OpenAtRequest{.path = name.c_str(),
                                           .flags = O_RDWR | O_CREAT | O_EXCL}) == -EEXIST);
    });
    with_folder("no such file", [](Driver& driver, const Folder& folder) {
        const std::string name = folder.name("none");
        CHECK(driver.perform(OpenAtRequest{.path = name.c_str()}) == -ENOENT);
    });
    with_folder("relative to a folder", [](Driver& driver, const Folder& folder) {
        const UniqueFd at(::open(folder.name("").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        const UniqueFd fd(driver.perform(OpenAtRequest{.directory = at.get(), .path = "file"}));
        CHECK(fd);
    });
    with_folder("relative to what is not open", [](Driver& driver, const Folder&) {
        CHECK(driver.perform(OpenAtRequest{.directory = 1'000'000, .path = "file"}) == -EBADF);
    });
    with_folder("that does not block", [](Driver& driver, const Folder& folder) {
        const std::string name = folder.name("file");
        const UniqueFd fd(
            driver.perform(OpenAtRequest{.path = name.c_str(), .flags = O_RDONLY | O_NONBLOCK}));
        REQUIRE(fd);
        CHECK((::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) != 0);
    });
    // Kernel: io_uring opens with O_NONBLOCK, and takes the flag off again.
    with_folder("the reading end of a FIFO that nobody writes to, at once",
                [](Driver& driver, const Folder& folder) {
                    const std::string name = folder.name("fifo");
                    REQUIRE(::mkfifo(name.c_str(), 0600) == 0);
                    const UniqueFd fd(
                        driver.perform(OpenAtRequest{.path = name.c_str(), .flags = O_RDONLY}));
                    REQUIRE(fd);
                    CHECK((::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) == 0);
                });
}

TEST_CASE("kernel contract: openat2", "[uring]") {
    const auto open = [](Driver& driver, const UniqueFd& at, const char* path,
                         std::uint64_t flags = O_RDONLY) {
        return driver.perform(OpenAt2Request{
            .directory = at.get(), .path = path, .how = {flags | O_CLOEXEC, 0, RESOLVE_BENEATH}});
    };
    with_folder("a file in a folder", [&](Driver& driver, const Folder& folder) {
        const UniqueFd at(::open(folder.name("").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        const UniqueFd fd(open(driver, at, "file"));
        REQUIRE(fd);
        CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
        CHECK((::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) == 0);
    });
    with_folder("what leads out of it", [&](Driver& driver, const Folder& folder) {
        const UniqueFd at(::open(folder.name("").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        REQUIRE(::symlink("/etc/passwd", folder.name("out").c_str()) == 0);
        for (const char* const path : {"../file", "out", "/etc/passwd", "file/../../file"}) {
            CHECK(is_one_of({-EXDEV, -ENOTDIR}, open(driver, at, path)));
        }
    });
    with_folder("no such file; a flag that is none; a mode for nothing that is made",
                [&](Driver& driver, const Folder& folder) {
                    const UniqueFd at(::open(folder.name("").c_str(), O_PATH | O_CLOEXEC));
                    CHECK(open(driver, at, "none") == -ENOENT);
                    CHECK(open(driver, at, "file", std::uint64_t{1} << 40) == -EINVAL);
                    CHECK(driver.perform(OpenAt2Request{.directory = at.get(),
                                                        .path = "file",
                                                        .how = {O_RDONLY | O_CLOEXEC, 0600, 0}}) ==
                          -EINVAL);
                });
    with_folder("the reading end of a FIFO that nobody writes to, at once",
                [&](Driver& driver, const Folder& folder) {
                    const UniqueFd at(::open(folder.name("").c_str(), O_PATH | O_CLOEXEC));
                    REQUIRE(::mkfifo(folder.name("fifo").c_str(), 0600) == 0);
                    const UniqueFd fd(open(driver, at, "fifo"));
                    REQUIRE(fd);
                    CHECK((::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) == 0);
                });
}

TEST_CASE("kernel contract: close, fsync and statx", "[uring]") {
    for (const char* const kind : {"file", "pipe", "socket"}) {
        with_folder((std::string("close of a ") + kind).c_str(),
                    [&](Driver& driver, const Folder& folder) {
                        Ends ends = kind[0] == 'p' ? Ends::pipe() : Ends::sockets(Family::local);
                        const int fd = kind[0] == 'f' ? ::fcntl(folder.file(), F_DUPFD_CLOEXEC, 0)
                                                      : ends.near.release();
                        CHECK(driver.perform(CloseRequest{fd}) == 0);
                        CHECK(::fcntl(fd, F_GETFD) == -1);
                        CHECK(driver.perform(CloseRequest{fd}) == -EBADF);
                    });
    }
    with_folder("close after a request that had to wait", [](Driver& driver, const Folder&) {
        Ends ends = Ends::sockets(Family::local);
        const int fd = ends.near.release();
        const Driver::Id poll = driver.submit(PollRequest{fd, POLLIN});
        driver.turn();
        CHECK(driver.cancelled_result_of(poll) == -ECANCELED);
        CHECK(driver.perform(CloseRequest{fd}) == 0);
        std::array<char, 1> byte{};
        CHECK(::recv(ends.far.get(), byte.data(), 1, MSG_DONTWAIT) == 0);
    });
    for (const bool data_only : {false, true}) {
        with_folder(data_only ? "fsync, data only" : "fsync",
                    [&](Driver& driver, const Folder& folder) {
                        CHECK(driver.perform(FsyncRequest{folder.file(), data_only}) == 0);
                    });
        with_folder(data_only ? "fsync of a pipe, data only" : "fsync of a pipe",
                    [&](Driver& driver, const Folder&) {
                        const Ends ends = Ends::pipe();
                        CHECK(driver.perform(FsyncRequest{ends.far.get(), data_only}) == -EINVAL);
                    });
        with_folder(data_only ? "fsync of nothing, data only" : "fsync of nothing",
                    [&](Driver& driver, const Folder&) {
                        CHECK(driver.perform(FsyncRequest{-1, data_only}) == -EBADF);
                        CHECK(driver.perform(FsyncRequest{1'000'000, data_only}) == -EBADF);
                    });
    }
    struct ::statx answer{};
    with_folder("statx of a path", [&](Driver& driver, const Folder& folder) {
        const std::string name = folder.name("file");
        CHECK(driver.perform(StatxRequest{.path = name.c_str(), .result = &answer}) == 0);
        CHECK(answer.stx_size == 10);
    });
    with_folder("statx of a descriptor", [&](Driver& driver, const Folder& folder) {
        CHECK(driver.perform(StatxRequest{.directory = folder.file(),
                                          .path = "",
                                          .flags = AT_EMPTY_PATH,
                                          .result = &answer}) == 0);
        CHECK(answer.stx_size == 10);
    });
    with_folder("statx of no such file", [&](Driver& driver, const Folder& folder) {
        const std::string name = folder.name("none");
        CHECK(driver.perform(StatxRequest{.path = name.c_str(), .result = &answer}) == -ENOENT);
    });
}

TEST_CASE("kernel contract: devices, and files that are polled", "[uring]") {
    std::array<char, 16> bytes{};
    with_folder("/dev/null", [&](Driver& driver, const Folder&) {
        const UniqueFd null = open_device("/dev/null");
        CHECK(driver.perform(WriteRequest{null.get(), "abc", 3}) == 3);
        CHECK(driver.perform(ReadRequest{null.get(), bytes.data(), 3}) == 0);
        CHECK(driver.perform(PollRequest{null.get(), POLLIN | POLLOUT}) == (POLLIN | POLLOUT));
    });
    with_folder("/dev/zero", [&](Driver& driver, const Folder&) {
        const UniqueFd zero = open_device("/dev/zero");
        bytes[1] = 'x';
        CHECK(driver.perform(ReadRequest{zero.get(), bytes.data(), 3}) == 3);
        CHECK(bytes[1] == '\0');
        CHECK(driver.perform(WriteRequest{zero.get(), "abc", 3}) == 3);
    });
    with_folder("a file is always ready", [&](Driver& driver, const Folder& folder) {
        CHECK(driver.perform(PollRequest{folder.file(), POLLIN}) == POLLIN);
        CHECK(driver.perform(PollRequest{folder.file(), POLLOUT}) == POLLOUT);
        CHECK(driver.perform(PollRequest{folder.file(), POLLIN | POLLOUT}) == (POLLIN | POLLOUT));
    });
    with_folder("a file has no urgent data", [&](Driver& driver, const Folder& folder) {
        CHECK(driver.perform(PollRequest{folder.file(), POLLPRI}) == -EINVAL);
    });
    with_folder("an offset, where there is none", [&](Driver& driver, const Folder&) {
        const Ends ends = Ends::pipe();
        ends.write("abc");
        // Kernel: io_uring takes no notice of the offset of what has no position.
        CHECK(driver.perform(ReadRequest{ends.near.get(), bytes.data(), 3, 0}) == 3);
        CHECK(driver.perform(WriteRequest{ends.far.get(), "abc", 3, 5}) == 3);
        CHECK(driver.perform(ReadRequest{ends.near.get(), bytes.data(), 3, 7}) == 3);
    });
    with_folder("a read of an eventfd into less or more memory", [&](Driver& driver,
                                                                     const Folder&) {
        const UniqueFd event(::eventfd(0, EFD_CLOEXEC));
        CHECK(driver.perform(ReadRequest{event.get(), bytes.data(), 4}) == -EINVAL);
        for (const std::uint64_t offset : {current_position, std::uint64_t{0}}) {
            REQUIRE(::eventfd_write(event.get(), 3) == 0);
            CHECK(driver.perform(ReadRequest{event.get(), bytes.data(), 16, offset}) == 8);
            const Driver::Id id = driver.submit(ReadRequest{event.get(), bytes.data(), 16, offset});
            driver.turn();
            CHECK(driver.result(id) == not_over);
            REQUIRE(::eventfd_write(event.get(), 3) == 0);
            CHECK(driver.result_of(id) == 8);
        }
    });
    with_folder("a write to an eventfd of what is no number", [&](Driver& driver, const Folder&) {
        const UniqueFd event(::eventfd(0, EFD_CLOEXEC));
        CHECK(driver.perform(WriteRequest{event.get(), bytes.data(), 4}) == -EINVAL);
        bytes.fill('\xff');
        CHECK(driver.perform(WriteRequest{event.get(), bytes.data(), 8}) == -EINVAL);
    });
    with_folder("a terminal", [&](Driver& driver, const Folder&) {
        const UniqueFd master(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
        CHECK(driver.perform(WriteRequest{master.get(), "hello\n", 6}) == 6);
        // What was written is echoed to the master.
        CHECK(driver.perform(ReadRequest{master.get(), bytes.data(), bytes.size()}) == 7);
        CHECK(std::string(bytes.data(), 7) == "hello\r\n");
    });
    for (const char* const path :
         {"/proc/self/stat", "/sys/kernel/mm/transparent_hugepage/enabled"}) {
        with_folder(path, [&](Driver& driver, const Folder&) {
            const UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
            if (fd) {
                CHECK(driver.perform(ReadRequest{fd.get(), bytes.data(), 4, 0}) == 4);
                CHECK(driver.perform(ReadRequest{fd.get(), bytes.data(), 4}) == 4);
                CHECK(driver.perform(ReadRequest{fd.get(), bytes.data(), 4, 1'000'000}) == 0);
            }
        });
    }
}
