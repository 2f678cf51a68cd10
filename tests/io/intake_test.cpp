// What comes in, with the kernel played: every end of the request, in every state of the reader.
#include <ringio/io/intake.hpp>

#include <ringio/io/socket_receiver.hpp>

#include "scripted_loop.hpp"

#include <cerrno>
#include <string>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;

namespace {

constexpr std::size_t scene_limit = 100;

/// A receiver, and the kernel's side of it.
struct Scene {
    explicit Scene(UniqueFd fd = some_descriptor())
        : kernel(fd.get()), receiver(Socket(std::move(fd)), scene_limit) {}

    TaskHandle<std::string> read() { return create_task(take(receiver)); }
    /// Reads again and again, in one turn as long as there is something.
    TaskHandle<> read_on(std::vector<std::string>& texts) {
        return create_task([](SocketReceiver& from, std::vector<std::string>& to) -> Task<> {
            while (to.empty() || !to.back().empty()) {
                to.push_back(co_await take(from));
            }
        }(receiver, texts));
    }
    static Task<std::string> take(SocketReceiver& receiver) {
        const Received received = co_await receiver.next();
        co_return std::string(received.data());
    }

    ScriptedReceive kernel;
    SocketReceiver receiver;
};

/// A scene whose request was armed by a first read.
Task<std::unique_ptr<Scene>> armed() {
    auto scene = std::make_unique<Scene>();
    auto reading = scene->read();
    co_await turns(2);
    scene->kernel.bring("first");
    CHECK_AWAIT(reading, "first");
    co_return scene;
}

std::size_t borrowed() { return get_running_loop().statistics().buffers; }

}  // namespace

SCRIPTED_TEST_CASE("intake: nothing is asked of the kernel before somebody waits") {
    Scene scene;
    co_await turns(3);
    CHECK_FALSE(scene.kernel.in_flight());
    auto reading = scene.read();
    co_await turns(2);
    CHECK(scene.kernel.is_multishot());
    scene.kernel.bring("x");
    CHECK_AWAIT(reading, "x");
}

SCRIPTED_TEST_CASE("intake: one request brings many results") {
    const auto scene = co_await armed();
    const std::size_t entries = scene->kernel.kernel().held.size();
    for (const char* text : {"a", "b", "c"}) {
        auto reading = scene->read();
        co_await turns(2);
        scene->kernel.bring(text);
        CHECK_AWAIT(reading, text);
    }
    CHECK(scene->kernel.kernel().held.size() == entries);
    CHECK(scene->kernel.kernel().cancels.empty());
}

SCRIPTED_TEST_CASE(
    "intake: what comes while nobody waits is copied aside, and gives its buffer back") {
    const auto scene = co_await armed();
    scene->kernel.bring("one ");
    scene->kernel.bring("two ");
    co_await turns(1);
    CHECK(borrowed() == 0);
    scene->kernel.bring("three");
    co_await turns(1);
    CHECK_AWAIT(scene->read(), "one two three");
}

SCRIPTED_TEST_CASE("intake: several results for one reader come in order") {
    const auto scene = co_await armed();
    auto reading = scene->read();
    co_await turns(2);
    scene->kernel.bring("one ");
    scene->kernel.bring("two ");
    scene->kernel.bring("three");
    CHECK_AWAIT(reading, "one two three");
    CHECK(borrowed() == 0);
}

SCRIPTED_TEST_CASE("intake: a wait that is cancelled is over at once and loses no byte") {
    const auto scene = co_await armed();
    auto reading = scene->read();
    co_await turns(2);
    reading.cancel();
    CHECK_AWAIT(is_cancelled(reading), true);
    CHECK(scene->kernel.kernel().cancels.empty());
    scene->kernel.bring("later");
    co_await turns(1);
    CHECK_AWAIT(scene->read(), "later");
}

SCRIPTED_TEST_CASE("intake: data that comes in the turn of the cancel waits for the next reader") {
    for (const bool cancel_first : {true, false}) {
        const auto scene = co_await armed();
        auto reading = scene->read();
        co_await turns(2);
        // The second time the reader has been woken, and this task runs before it.
        if (cancel_first) {
            reading.cancel();
            scene->kernel.bring("data");
        } else {
            scene->kernel.bring("data");
            co_await turns(1);
            reading.cancel();
        }
        CHECK_AWAIT(is_cancelled(reading), true);
        CHECK(borrowed() == 0);
        CHECK_AWAIT(scene->read(), "data");
        CHECK(borrowed() == 0);
    }
}

SCRIPTED_TEST_CASE("intake: ENOBUFS is no error; the request is submitted again, in its turn") {
    const auto scene = co_await armed();
    auto reading = scene->read();
    co_await turns(2);
    scene->kernel.end(-ENOBUFS);
    co_await turns(2);
    CHECK_FALSE(reading.done());
    CHECK(scene->kernel.is_multishot());
    scene->kernel.bring("fed");
    CHECK_AWAIT(reading, "fed");
}

SCRIPTED_TEST_CASE("intake: ENOBUFS while nobody waits is answered in the same way") {
    const auto scene = co_await armed();
    scene->kernel.end(-ENOBUFS);
    co_await turns(2);
    CHECK(scene->kernel.is_multishot());
}

SCRIPTED_TEST_CASE("intake: a multishot that ends with data, or by a signal, is submitted again") {
    const auto scene = co_await armed();
    scene->kernel.bring("end", 0);
    co_await turns(2);
    CHECK(scene->kernel.is_multishot());
    CHECK_AWAIT(scene->read(), "end");
    scene->kernel.end(-EINTR);
    co_await turns(2);
    CHECK(scene->kernel.is_multishot());
}

SCRIPTED_TEST_CASE(
    "intake: beyond twice the limit the request is paused, and data after it is kept") {
    const auto scene = co_await armed();
    scene->kernel.bring(std::string(2 * scene_limit, 'a'));
    co_await turns(2);
    CHECK(scene->kernel.kernel().cancels.empty());
    scene->kernel.bring("b");
    scene->kernel.bring("c", 0);  // the last one won against the cancel
    co_await turns(3);
    CHECK_FALSE(scene->kernel.in_flight());
    CHECK(borrowed() == 0);
    CHECK_AWAIT(scene->read(), std::string(2 * scene_limit, 'a') + "bc");
    CHECK(scene->kernel.is_multishot());
}

SCRIPTED_TEST_CASE("intake: what was paused goes on when the limit is left, though nobody waits") {
    for (const std::size_t left : {scene_limit + 1, scene_limit}) {
        const auto state = IntrusivePtr<detail::ReceiverState>(
            new detail::ReceiverState(Socket(some_descriptor()), scene_limit));
        const ScriptedReceive kernel(state->socket().fd());
        state->start();
        co_await turns(2);
        kernel.bring(std::string(3 * scene_limit, 'a'));
        co_await turns(3);
        CHECK_FALSE(kernel.in_flight());
        state->consume(3 * scene_limit - left);
        co_await turns(2);
        CHECK(kernel.in_flight() == (left == scene_limit));
        state->close();
        co_await turns(2);
    }
}

SCRIPTED_TEST_CASE("intake: it may start before anybody waits") {
    const auto state = IntrusivePtr<detail::ReceiverState>(
        new detail::ReceiverState(Socket(some_descriptor()), scene_limit));
    const ScriptedReceive kernel(state->socket().fd());
    state->start();
    co_await turns(2);
    CHECK(kernel.is_multishot());
    kernel.bring("early");
    co_await turns(2);
    CHECK(state->data() == "early");
    CHECK(borrowed() == 0);
    kernel.end(0);
    co_await turns(2);
    CHECK(state->at_end());
    CHECK_FALSE(kernel.in_flight());
}

SCRIPTED_TEST_CASE("intake: a sender that was held back is received from in larger pieces") {
    const auto scene = co_await armed();
    scene->kernel.bring(std::string(2 * scene_limit + 1, 'a'));
    co_await turns(3);
    CHECK(scene->kernel.kernel().cancels.size() == 1);
    std::vector<std::string> texts;
    auto reading = scene->read_on(texts);
    co_await turns(3);
    CHECK(texts == std::vector{std::string(2 * scene_limit + 1, 'a')});
    CHECK(scene->kernel.in_flight());
    CHECK_FALSE(scene->kernel.is_multishot());
    scene->kernel.bring(std::string(BufferPool::size, 'b'));
    co_await turns(3);
    CHECK(texts.back() == std::string(BufferPool::size, 'b'));
    CHECK_FALSE(scene->kernel.is_multishot());
    scene->kernel.bring("c");
    co_await turns(3);
    CHECK(texts.back() == "c");
    CHECK(scene->kernel.is_multishot());  // the sender waits for answers again
    scene->kernel.bring("d");
    co_await turns(3);
    CHECK(texts.back() == "d");
    scene->kernel.end(0);
    co_await reading;
}

SCRIPTED_TEST_CASE("intake: of a sender that was held back, what has come is taken for nobody") {
    const auto scene = co_await armed();
    testing::ScriptedKernel& kernel = scene->kernel.kernel();
    scene->kernel.bring(std::string(2 * scene_limit + 1, 'a'));
    co_await turns(3);
    kernel.incoming = std::string(2 * scene_limit, 'b');
    CHECK_AWAIT(scene->read(), std::string(2 * scene_limit + 1, 'a'));
    co_await turns(2);
    CHECK(kernel.incoming.empty());
    CHECK_FALSE(scene->kernel.in_flight());  // more than the limit is there
    CHECK_AWAIT(scene->read(), std::string(2 * scene_limit, 'b'));
    co_await turns(2);
    CHECK(scene->kernel.is_multishot());  // nothing more was there
    scene->kernel.end(0);
}

SCRIPTED_TEST_CASE("intake: a large receive whose reader was cancelled is there for the next one") {
    const auto scene = co_await armed();
    scene->kernel.bring(std::string(2 * scene_limit + 1, 'a'));
    co_await turns(3);
    std::vector<std::string> texts;
    auto reading = scene->read_on(texts);
    co_await turns(3);
    CHECK_FALSE(scene->kernel.is_multishot());
    reading.cancel();
    CHECK_AWAIT(is_cancelled(reading), true);
    CHECK(scene->kernel.in_flight());
    auto next = scene->read();
    co_await turns(2);
    scene->kernel.bring("kept");
    CHECK_AWAIT(next, "kept");
}

SCRIPTED_TEST_CASE("intake: the end of the stream comes after the data, and nothing after it") {
    const auto scene = co_await armed();
    scene->kernel.bring("last");
    scene->kernel.end(0);
    co_await turns(2);
    CHECK_AWAIT(scene->read(), "last");
    CHECK_AWAIT(scene->read(), "");
    CHECK_AWAIT(scene->read(), "");
    CHECK_FALSE(scene->kernel.in_flight());
}

SCRIPTED_TEST_CASE("intake: an error comes after the data that came before, and stays") {
    const auto scene = co_await armed();
    scene->kernel.bring("last");
    scene->kernel.end(-ECONNRESET);
    co_await turns(2);
    CHECK_AWAIT(scene->read(), "last");
    CHECK_AWAIT(errno_of(scene->read()), ECONNRESET);
    CHECK_AWAIT(errno_of(scene->read()), ECONNRESET);
}

SCRIPTED_TEST_CASE("intake: a terminal completion gives its buffer back, whatever its result") {
    for (const int result : {0, -ECONNRESET, -ENOBUFS, -EINTR}) {
        const auto scene = co_await armed();
        const unsigned left = scene->kernel.kernel().buffers_left();
        scene->kernel.end_with_buffer(result);
        co_await turns(2);
        CHECK(borrowed() == 0);
        CHECK(scene->kernel.kernel().buffers_left() == left);
    }
}

SCRIPTED_TEST_CASE(
    "intake: the descriptor is closed only after the request's terminal completion") {
    UniqueFd fd = some_descriptor();
    const int number = fd.get();
    const std::size_t before = testing::open_file_count();
    auto scene = std::make_unique<Scene>(std::move(fd));
    auto reading = scene->read();
    co_await turns(2);
    testing::ScriptedKernel& kernel = scene->kernel.kernel();
    const ScriptedReceive receive(number);
    const std::uint64_t user_data = kernel.held.back().user_data;
    reading.cancel();
    CHECK_AWAIT(is_cancelled(reading), true);
    scene.reset();
    CHECK(testing::open_file_count() == before);  // the kernel has not heard of it
    kernel.cancels.clear();
    co_await turns(1);
    REQUIRE(kernel.cancels.size() == 1);
    CHECK(kernel.cancels[0].addr == user_data);
    co_await turns(1);
    CHECK(testing::open_file_count() == before - 1);
}

SCRIPTED_TEST_CASE("intake: close gives the end of the stream to the one who waits") {
    const auto scene = co_await armed();
    auto reading = scene->read();
    co_await turns(2);
    scene->receiver.close();
    CHECK_AWAIT(reading, "");
    CHECK_AWAIT_HAS(text_of<std::runtime_error>(scene->read()), "closed");
}

SCRIPTED_TEST_CASE("intake: data that comes while it is being closed does no harm") {
    auto scene = co_await armed();
    scene->receiver.close();
    scene->kernel.bring("late");
    scene->kernel.bring("later", 0);
    co_await turns(3);
    CHECK(borrowed() == 0);
    CHECK_FALSE(scene->kernel.in_flight());
}

SCRIPTED_TEST_CASE("intake: a second coroutine that waits is a std::runtime_error") {
    const auto scene = co_await armed();
    auto reading = scene->read();
    co_await turns(2);
    CHECK_AWAIT_HAS(text_of<std::runtime_error>(scene->read()), "already waiting");
    scene->kernel.bring("fine");
    CHECK_AWAIT(reading, "fine");
}

namespace {

Task<> receive_without_buffers() {
    Scene scene;
    for (const char* text : {"one", "two"}) {
        auto reading = scene.read();
        co_await turns(2);
        CHECK(scene.kernel.in_flight());
        CHECK_FALSE(scene.kernel.is_multishot());
        scene.kernel.bring(text);
        CHECK_AWAIT(reading, text);
        CHECK(scene.kernel.in_flight());  // for nobody
    }
    auto reading = scene.read();
    co_await turns(2);
    scene.kernel.end(0);
    CHECK_AWAIT(reading, "");
}

// Two scenes with requests in flight and a reader with data at hand, when the loop is closed.
Task<> leave_in_flight() {
    static std::unique_ptr<Scene> idle;
    idle = co_await armed();
    auto waiting = co_await armed();
    create_task([](std::unique_ptr<Scene> scene) -> Task<> {
        co_await Scene::take(scene->receiver);
    }(std::move(waiting)));
    co_await turns(2);
    idle.reset();
}

}  // namespace

TEST_CASE("intake: without buffer rings it receives into memory of its own") {
    run_scripted(&receive_without_buffers, false);
}

TEST_CASE("intake: a loop that closes with requests in flight leaves nothing") {
    run_scripted(&leave_in_flight);
}
