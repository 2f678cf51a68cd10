// What a disk may say, and when: on a kernel that answers as the test likes.
#include <ringio/files/file.hpp>

#include <ringio/files/fs.hpp>
#include <ringio/files/open_file.hpp>
#include <ringio/tasks.hpp>
#include <ringio/testing/balance.hpp>
#include <support/ends.hpp>

#include "../core/watching.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

using namespace ringio;
using namespace ringio::test_support;

namespace {

UniqueFd any_file() { return UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)); }

/// How a task ended: its value, the errno, or "cancelled".
template <class T>
std::string end_of(const TaskHandle<T>& task) {
    if (!task.done()) {
        return "still on";
    }
    try {
        if constexpr (std::is_void_v<T>) {
            task.result();
            return "done";
        } else if constexpr (std::is_same_v<T, std::string>) {
            return task.result();
        } else {
            return std::to_string(task.result());
        }
    } catch (const std::system_error& error) {
        return error.what();
    } catch (const CancelledError&) {
        return "cancelled";
    }
}

/// Asks a task to cancel, too late for what the disk has begun.
template <class T>
void cancel_too_late(ScriptedLoop& scripted, TaskHandle<T>& task) {
    scripted.kernel->refuse_cancels = -EALREADY;
    task.cancel();
    scripted.turns();
    scripted.kernel->refuse_cancels = 0;
}

/// A File whose requests the test answers.
struct ScriptedFile {
    template <class T>
    TaskHandle<T> begin(Task<T> operation) {
        auto task = scripted.loop.create_task(std::move(operation));
        scripted.turns();
        return task;
    }

    const io_uring_sqe& request() const {
        REQUIRE(scripted.held() == 1);
        return scripted.kernel->held[1];
    }
    void answer(int result) {
        REQUIRE(scripted.held() == 1);
        scripted.answer(result);
        scripted.turns();
    }
    void bring(std::string_view bytes) {
        REQUIRE(request().len >= bytes.size());
        std::memcpy(reinterpret_cast<void*>(request().addr), bytes.data(), bytes.size());
        answer(static_cast<int>(bytes.size()));
    }

    ScriptedLoop scripted;
    File file{any_file(), "/x"};
};

}  // namespace

TEST_CASE(
    "file faults: a disk that is full, a quota, a disk that cannot be written to, a broken one") {
    for (const int error : {ENOSPC, EDQUOT, EROFS, EIO}) {
        ScriptedFile scripted;
        auto writing = scripted.begin(scripted.file.write("text"));
        scripted.answer(-error);
        CHECK(end_of(writing) == std::string("write '/x': ") + std::strerror(error));
    }
}

TEST_CASE("file faults: a short write goes on behind what was written, also when that fails then") {
    ScriptedFile scripted;
    auto writing = scripted.begin(scripted.file.write("0123456789"));
    CHECK(scripted.request().off == 0);
    scripted.answer(4);
    CHECK(scripted.request().off == 4);
    CHECK(scripted.request().len == 6);
    scripted.answer(1);
    CHECK(scripted.request().off == 5);
    scripted.answer(-ENOSPC);
    CHECK(end_of(writing) == "write '/x': No space left on device");
    auto telling = scripted.begin(scripted.file.tell());
    CHECK(end_of(telling) == "5");
}

TEST_CASE("file faults: a write that writes nothing is an error, and no endless loop") {
    ScriptedFile scripted;
    auto writing = scripted.begin(scripted.file.write("text"));
    scripted.answer(0);
    CHECK(end_of(writing) == "write '/x': Input/output error");
}

TEST_CASE("file faults: short reads are put together; the end is where nothing comes") {
    ScriptedFile scripted;
    auto reading = scripted.begin(scripted.file.read(10));
    scripted.bring("012");
    CHECK(scripted.request().off == 3);
    scripted.bring("3");
    CHECK(end_of(reading) == "still on");
    scripted.answer(0);
    CHECK(end_of(reading) == "0123");
    auto more = scripted.begin(scripted.file.read(2));
    CHECK(scripted.request().off == 4);
    scripted.bring("45");
    CHECK(end_of(more) == "45");
}

TEST_CASE("file faults: what a signal interrupts is asked again") {
    ScriptedFile scripted;
    auto reading = scripted.begin(scripted.file.read(2));
    scripted.answer(-EINTR);
    scripted.bring("ab");
    CHECK(end_of(reading) == "ab");
}

TEST_CASE("file faults: a read that fails in the middle has moved nothing") {
    ScriptedFile scripted;
    auto reading = scripted.begin(scripted.file.read(10));
    scripted.bring("0123");
    scripted.answer(-EIO);
    CHECK(end_of(reading) == "read '/x': Input/output error");
    auto again = scripted.begin(scripted.file.read(4));
    CHECK(scripted.request().off == 0);
    scripted.bring("0123");
    CHECK(end_of(again) == "0123");
}

TEST_CASE("file faults: a cancelled read waits for the disk, and the position stays") {
    ScriptedFile scripted;
    auto reading = scripted.begin(scripted.file.read(10));
    scripted.bring("0123");
    cancel_too_late(scripted.scripted, reading);
    CHECK(end_of(reading) == "still on");
    SECTION("it has not been read") { scripted.answer(-ECANCELED); }
    SECTION("a worker was interrupted") { scripted.answer(-EINTR); }
    SECTION("a part was read; the rest is not asked for any more") { scripted.bring("45"); }
    scripted.scripted.turns();
    CHECK(end_of(reading) == "cancelled");
    auto telling = scripted.begin(scripted.file.tell());
    CHECK(end_of(telling) == "0");
}

TEST_CASE("file faults: a cancelled read that was complete is delivered") {
    ScriptedFile scripted;
    auto reading = scripted.begin(scripted.file.read(2));
    cancel_too_late(scripted.scripted, reading);
    scripted.bring("ab");
    CHECK(end_of(reading) == "ab");
}

TEST_CASE("file faults: a cancelled write that was done counts") {
    ScriptedFile scripted;
    auto writing = scripted.begin(scripted.file.write("0123456789"));
    cancel_too_late(scripted.scripted, writing);
    scripted.answer(4);
    CHECK(end_of(writing) == "cancelled");
    auto telling = scripted.begin(scripted.file.tell());
    CHECK(end_of(telling) == "4");
}

TEST_CASE("file faults: aclose tells what close(2) tells, and closes once") {
    for (const int result : {0, -EIO, -EDQUOT, -EINTR, -ECANCELED}) {
        ScriptedFile scripted;
        const int fd = scripted.file.fileno();
        auto closing = scripted.begin(scripted.file.aclose());
        CHECK(scripted.file.closed());
        CHECK(scripted.request().opcode == IORING_OP_CLOSE);
        CHECK(scripted.request().fd == fd);
        const bool cancels = result == -ECANCELED;
        if (cancels) {
            cancel_too_late(scripted.scripted, closing);
        } else {
            ::close(fd);  // as the kernel does, whatever it says
        }
        scripted.answer(result);
        CHECK(end_of(closing) == (cancels ? "cancelled"
                                  : result == 0
                                      ? "done"
                                      : std::string("close '/x': ") + std::strerror(-result)));
        CHECK(::fcntl(fd, F_GETFD) == -1);
    }
}

TEST_CASE("file faults: opened in spite of the cancellation, it is given") {
    ScriptedLoop scripted;
    auto opening = scripted.loop.create_task(open_file("/x"));
    scripted.turns();
    cancel_too_late(scripted, opening);
    REQUIRE(scripted.held() == 1);
    const int fd = any_file().release();
    scripted.answer(fd);
    scripted.turns();
    REQUIRE(opening.done());
    CHECK(opening.result().fileno() == fd);
}

TEST_CASE("file faults: a loop that is closed before it is opened closes it") {
    const testing::Balance balance;
    {
        EventLoop loop;
        loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
        static_cast<void>(loop.create_task(open_file("/dev/null")));
        static_cast<void>(loop.create_task(open_file("/dev/null", OpenMode::read_write)));
        run_one_turn(loop);
        loop.close();
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("file faults: who has a lease on a file is waited for") {
    ScriptedLoop scripted;
    auto opening = scripted.loop.create_task(open_file("/x", OpenMode::write));
    scripted.turns();
    REQUIRE(scripted.held() == 1);
    CHECK((scripted.kernel->held[1].open_flags & O_NONBLOCK) != 0);
    scripted.answer(-EAGAIN);
    scripted.turns();
    REQUIRE(scripted.held() == 1);
    CHECK((scripted.kernel->held[1].open_flags & O_NONBLOCK) == 0);
    scripted.answer(any_file().release());
    scripted.turns();
    CHECK(opening.done());
}

TEST_CASE("file faults: a file system that cannot be written to says so with the path") {
    ScriptedLoop scripted;
    auto making = scripted.loop.create_task(fs::mkdir("/x/y"));
    scripted.turns();
    scripted.answer(-EROFS);
    scripted.turns();
    CHECK(end_of(making) == "mkdir '/x/y': Read-only file system");
}
