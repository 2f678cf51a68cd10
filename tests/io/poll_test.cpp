// Waiting for descriptors of somebody else's: poll(), wait_readable(), wait_writable(), Watch.
#include <ringio/io/poll.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/descriptor_pair.hpp>
#include <support/ends.hpp>

#include <cerrno>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::Ends;
using ringio::testing::Family;
using ringio::testing::fill;
using ringio::testing::read_now;

namespace {

static_assert(std::is_same_v<AwaitResult<Op<PollRequest>>, int>);
static_assert(!std::is_copy_constructible_v<Watch>);

Task<int> next_of(Watch& watch) { co_return co_await watch.next(); }

// What an awaitable of poll() throws when it is made.
template <class Make>
std::string refusal(Make make) {
    try {
        static_cast<void>(make());
    } catch (const std::invalid_argument& error) {
        return std::string("invalid_argument: ") + error.what();
    } catch (const std::system_error& error) {
        return std::string("system_error: ") + error.what();
    }
    return "nothing";
}

}  // namespace

ASYNC_TEST_CASE("poll: ready at once is ready at the first wait") {
    const Ends pipe = Ends::pipe();
    CHECK_AWAIT(wait_writable(pipe.far.get()), POLLOUT);
    pipe.write("x");
    CHECK_AWAIT(wait_readable(pipe.near.get()), POLLIN);
    CHECK_AWAIT(poll(pipe.near.get(), POLLIN | POLLPRI), POLLIN);
    CHECK(read_now(pipe.near.get()) == "x");
}

ASYNC_TEST_CASE("poll: waits until the other side writes, and takes nothing") {
    const Ends pipe = Ends::pipe();
    auto waiting = create_task(wait_readable(pipe.near.get()));
    co_await turns(3);
    CHECK_FALSE(waiting.done());
    pipe.write("late");
    CHECK_AWAIT(waiting, POLLIN);
    CHECK(read_now(pipe.near.get()) == "late");
}

ASYNC_TEST_CASE("poll: room in a full pipe is waited for") {
    const Ends pipe = Ends::pipe();
    fill(pipe.far.get());
    auto waiting = create_task(wait_writable(pipe.far.get()));
    co_await turns(3);
    CHECK_FALSE(waiting.done());
    char block[8192];
    REQUIRE(::read(pipe.near.get(), block, sizeof block) == sizeof block);
    CHECK_AWAIT(waiting, POLLOUT);
}

ASYNC_TEST_CASE("poll: an other side that goes is told unasked") {
    Ends pipe = Ends::pipe();
    auto reading = create_task(wait_readable(pipe.near.get()));
    co_await turns(2);
    pipe.far.reset();
    CHECK_AWAIT(reading, POLLHUP);
    Ends other = Ends::pipe();
    auto watching = create_task(poll(other.far.get(), 0));  // Kernel: POLLERR, the reader is gone
    co_await turns(2);
    CHECK_FALSE(watching.done());
    other.near.reset();
    CHECK_AWAIT(watching, POLLERR);
}

ASYNC_TEST_CASE("poll: several wait for one descriptor, and each is told") {
    const Ends pipe = Ends::pipe();
    auto first = create_task(wait_readable(pipe.near.get()));
    auto second = create_task(wait_readable(pipe.near.get()));
    co_await turns(2);
    pipe.write("x");
    CHECK_AWAIT(first, POLLIN);
    CHECK_AWAIT(second, POLLIN);
}

ASYNC_TEST_CASE("poll: a cancel ends the wait, and the descriptor is as it was") {
    const Ends pipe = Ends::pipe();
    auto waiting = create_task(wait_readable(pipe.near.get()));
    co_await turns(2);
    waiting.cancel();
    CHECK_AWAIT(is_cancelled(std::move(waiting)), true);
    CHECK_AWAIT(errno_of(wait_for(wait_readable(pipe.near.get()), 10ms)), -1);  // TimeoutError
    pipe.write("x");
    CHECK_AWAIT(wait_readable(pipe.near.get()), POLLIN);
    CHECK(read_now(pipe.near.get()) == "x");
}

ASYNC_TEST_CASE("poll: a wait that is cancelled in its first turn never reaches a stranger") {
    auto pipe = std::make_optional(Ends::pipe());
    const int number = pipe->near.get();
    auto waiting = create_task(wait_readable(number));
    co_await turns(1);
    waiting.cancel();
    pipe->near.reset();
    const UniqueFd stranger(::eventfd(1, EFD_CLOEXEC));  // which could be read
    CHECK(stranger.get() == number);
    CHECK_AWAIT(is_cancelled(std::move(waiting)), true);
    pipe.reset();
}

ASYNC_TEST_CASE("poll: the peer of a socket hears that it is closed, once the wait is cancelled") {
    Ends ends = Ends::sockets(Family::local);
    auto waiting = create_task(wait_readable(ends.near.get()));
    co_await turns(2);
    waiting.cancel();
    ends.near.reset();
    CHECK_AWAIT(is_cancelled(std::move(waiting)), true);
    const int events = co_await wait_readable(ends.far.get());
    CHECK((events & ~POLLRDHUP) == (POLLIN | POLLHUP));
}

ASYNC_TEST_CASE("poll: what cannot be waited for is refused by name, and at once") {
    CHECK(refusal([] { return wait_readable(-1); }) ==
          "invalid_argument: Invalid file descriptor: -1");
    CHECK(refusal([] { return poll(4'000'000, POLLIN); }) ==
          "system_error: file descriptor 4000000 cannot be waited for: Bad file descriptor");
    const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    const UniqueFd folder(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const UniqueFd* const fd : {&file, &folder}) {
        const std::string text = "system_error: file descriptor " + std::to_string(fd->get()) +
                                 " cannot be waited for: Operation not permitted";
        CHECK(refusal([fd] { return wait_readable(fd->get()); }) == text);
        CHECK(refusal([fd] { return wait_writable(fd->get()); }) == text);
        CHECK(refusal([fd] { return Watch(fd->get(), POLLIN); }) == text);
    }
    co_return;
}

ASYNC_TEST_CASE("poll: O_NONBLOCK of the descriptor stays as it is") {
    const Ends pipe = Ends::pipe();
    for (const int flags : {0, O_NONBLOCK}) {
        REQUIRE(::fcntl(pipe.near.get(), F_SETFL, flags) == 0);
        auto waiting = create_task(wait_readable(pipe.near.get()));
        co_await turns(2);
        pipe.write("x");
        co_await waiting;
        CHECK((::fcntl(pipe.near.get(), F_GETFL) & O_NONBLOCK) == flags);
        CHECK(read_now(pipe.near.get()) == "x");
    }
}

ASYNC_TEST_CASE("Watch: asks anew each time, as long as there is something") {
    const Ends pipe = Ends::pipe();
    Watch watch(pipe.near.get(), POLLIN);
    pipe.write("x");
    CHECK_AWAIT(watch.next(), POLLIN);
    CHECK_AWAIT(watch.next(), POLLIN);
    CHECK(read_now(pipe.near.get()) == "x");
    auto waiting = create_task(next_of(watch));
    co_await turns(3);
    CHECK_FALSE(waiting.done());
    pipe.write("y");
    CHECK_AWAIT(waiting, POLLIN);
}

ASYNC_TEST_CASE("Watch: closing it ends the wait with nothing, and every later one at once") {
    const Ends pipe = Ends::pipe();
    Watch watch(pipe.near.get(), POLLIN);
    for (const int before : {0, 1, 3}) {  // not begun, not handed over, in the kernel
        Watch another(pipe.near.get(), POLLIN);
        auto waiting = create_task(next_of(another));
        co_await turns(before);
        another.close();
        another.close();
        CHECK(another.fd() == -1);
        CHECK_AWAIT(waiting, 0);
        CHECK_AWAIT(another.next(), 0);
    }
    auto waiting = create_task(next_of(watch));
    co_await turns(3);
    pipe.write("x");
    co_await turns(1);
    watch.close();  // though the kernel has found it ready
    CHECK_AWAIT(waiting, 0);
}

ASYNC_TEST_CASE("Watch: is destroyed under a wait, and the descriptor closed in the same turn") {
    auto pipe = std::make_optional(Ends::pipe());
    auto watch = std::make_optional<Watch>(pipe->near.get(), POLLIN);
    auto waiting = create_task(next_of(*watch));
    co_await turns(1);
    const int number = pipe->near.get();
    watch.reset();
    pipe.reset();
    const UniqueFd stranger(::eventfd(1, EFD_CLOEXEC));
    CHECK(stranger.get() == number);
    CHECK_AWAIT(waiting, 0);
}

ASYNC_TEST_CASE("Watch: other events are waited for from the next call on") {
    const Ends pipe = Ends::pipe();
    Ends ends = Ends::sockets(Family::local);
    Watch watch(ends.near.get(), POLLIN);
    auto waiting = create_task(next_of(watch));
    co_await turns(3);
    watch.set_events(POLLIN);  // as they are: nothing changes
    co_await turns(2);
    CHECK_FALSE(waiting.done());
    watch.set_events(POLLIN | POLLOUT);
    CHECK_AWAIT(waiting, 0);
    CHECK_AWAIT(watch.next(), POLLOUT);
    CHECK(watch.events() == (POLLIN | POLLOUT));
}

ASYNC_TEST_CASE("Watch: one coroutine waits at a time; a cancelled one makes room") {
    const Ends pipe = Ends::pipe();
    Watch watch(pipe.near.get(), POLLIN);
    auto first = create_task(next_of(watch));
    co_await turns(2);
    CHECK_AWAIT(text_of<std::runtime_error>(next_of(watch)),
                "next() called while another coroutine is already waiting");
    first.cancel();
    CHECK_AWAIT(is_cancelled(std::move(first)), true);
    pipe.write("x");
    CHECK_AWAIT(watch.next(), POLLIN);
}

ASYNC_TEST_CASE("Watch: moves with its wait") {
    const Ends pipe = Ends::pipe();
    const Ends other = Ends::pipe();
    Watch watch(pipe.near.get(), POLLIN);
    auto waiting = create_task(next_of(watch));
    co_await turns(2);
    Watch moved(std::move(watch));
    CHECK(watch.fd() == -1);
    CHECK_FALSE(waiting.done());
    Watch assigned(other.near.get(), POLLIN);
    auto replaced = create_task(next_of(assigned));
    co_await turns(2);
    assigned = std::move(moved);
    CHECK_AWAIT(replaced, 0);
    pipe.write("x");
    CHECK_AWAIT(waiting, POLLIN);
    CHECK_AWAIT(assigned.next(), POLLIN);
    CHECK_AWAIT(watch.next(), 0);
}
