// What goes out, with the kernel played: when it is sent, and in how many pieces.
#include <ringio/streams/stream_outbound.hpp>

#include <io/scripted_loop.hpp>
#include <ringio/streams.hpp>

#include <string>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;

namespace {

/// A writer, and the kernel's side of it.
struct Scene {
    Scene()
        : state(new detail::StreamState(get_running_loop(), Socket(some_descriptor()), "the peer",
                                        default_stream_limit)),
          writer(state) {
        kernel().has_room = true;
        kernel().tried.clear();
    }

    static testing::ScriptedKernel& kernel() { return ScriptedReceive::kernel(); }

    /// How many sends were tried.
    static std::size_t sends() { return kernel().tried.size(); }

    /// The text of the send that the kernel holds; empty when it holds none.
    static std::string held() {
        for (const io_uring_sqe& request : kernel().held) {
            if (request.opcode == IORING_OP_SEND) {
                return {reinterpret_cast<const char*>(request.addr), request.len};
            }
        }
        return {};
    }
    static void answer(int result) {
        for (std::size_t at = 0; at < kernel().held.size(); ++at) {
            if (kernel().held[at].opcode == IORING_OP_SEND) {
                kernel().answer(at, result);
                return;
            }
        }
    }

    IntrusivePtr<detail::StreamState> state;
    StreamWriter writer;
};

}  // namespace

SCRIPTED_TEST_CASE("outbound: what the kernel has no room for is left to a request, in order") {
    Scene scene;
    scene.kernel().has_room = false;
    scene.writer.write("one");
    co_await turns(2);
    CHECK(scene.held() == "one");
    scene.writer.write("two");
    co_await turns(2);
    CHECK(scene.held() == "one");
    scene.answer(2);  // short: the rest goes first
    co_await turns(2);
    CHECK(scene.held() == "e");
    scene.answer(1);
    co_await turns(2);
    CHECK(scene.held() == "two");
    scene.answer(3);
    co_await turns(2);
    CHECK(scene.writer.get_write_buffer_size() == 0);
}

SCRIPTED_TEST_CASE("outbound: the first drain of a turn sends at once, further ones at its end") {
    Scene scene;
    for (const char* text : {"one", "two", "three"}) {
        scene.writer.write(text);
        co_await scene.writer.drain();
        CHECK(scene.sends() == 1);
    }
    co_await turns(1);
    CHECK(scene.sends() == 2);
    CHECK(scene.writer.get_write_buffer_size() == 0);
}

SCRIPTED_TEST_CASE("outbound: tasks that share a connection send together, once a turn") {
    constexpr std::size_t rounds = 200;
    Scene scene;
    std::vector<TaskHandle<>> tasks;
    for (int index = 0; index < 50; ++index) {
        tasks.push_back(create_task([](StreamWriter writer) -> Task<> {
            for (std::size_t round = 0; round < rounds; ++round) {
                writer.write("command");
                co_await writer.drain();
                co_await sleep(Delay());
            }
        }(scene.writer)));
    }
    for (TaskHandle<>& task : tasks) {
        co_await task;
    }
    CHECK(scene.sends() >= rounds);
    CHECK(scene.sends() <= rounds + 2);
}

SCRIPTED_TEST_CASE("outbound: a connection that is not shared any more sends at once again") {
    Scene scene;
    for (int round = 0; round < 3; ++round) {
        for (int call = 0; call < 2; ++call) {
            scene.writer.write("x");
            co_await scene.writer.drain();
        }
        co_await turns(1);
    }
    const std::size_t before = scene.sends();
    scene.writer.write("alone");
    co_await scene.writer.drain();
    CHECK(scene.sends() == before);  // the last turn had two
    co_await turns(1);
    CHECK(scene.sends() == before + 1);
    scene.writer.write("alone");
    co_await scene.writer.drain();
    CHECK(scene.sends() == before + 2);
}

SCRIPTED_TEST_CASE(
    "outbound: above the high-water mark drain does not leave it to the turn's end") {
    Scene scene;
    scene.writer.set_write_buffer_limits(10);
    for (const std::size_t size : {1u, 10u, 1u}) {
        scene.writer.write(std::string(size, 'x'));
        co_await scene.writer.drain();
    }
    CHECK(scene.sends() == 2);
    CHECK(scene.writer.get_write_buffer_size() == 0);
}

SCRIPTED_TEST_CASE(
    "outbound: much goes out in write() itself; several times in a turn if very much") {
    Scene scene;
    scene.writer.write(std::string(4'000, 'a'));
    CHECK(scene.sends() == 1);
    scene.writer.write(std::string(4'000, 'b'));
    CHECK(scene.sends() == 1);
    co_await turns(1);
    CHECK(scene.sends() == 2);
    scene.writer.write(std::string(20'000, 'c'));
    scene.writer.write(std::string(20'000, 'd'));
    CHECK(scene.sends() == 4);
}

SCRIPTED_TEST_CASE("outbound: a drain that is cancelled waits no more") {
    Scene scene;
    scene.kernel().has_room = false;
    scene.writer.set_write_buffer_limits(0);
    scene.writer.write("x");
    for (int round = 0; round < 3; ++round) {
        auto draining = create_task(scene.writer.drain());
        co_await turns(2);
        CHECK(scene.state->output().waits().drains.size() == 1);
        draining.cancel();
        CHECK_AWAIT(is_cancelled(draining), true);
        CHECK(scene.state->output().waits().drains.size() == 0);
    }
    scene.answer(1);
    co_await scene.writer.drain();
}

SCRIPTED_TEST_CASE("outbound: a wait_closed that is cancelled waits no more") {
    Scene scene;
    for (int round = 0; round < 3; ++round) {
        auto closed = create_task(scene.writer.wait_closed());
        co_await turns(2);
        CHECK(scene.state->output().waits().closes.size() == 1);
        closed.cancel();
        CHECK_AWAIT(is_cancelled(closed), true);
        CHECK(scene.state->output().waits().closes.size() == 0);
    }
    scene.writer.close();
    co_await scene.writer.wait_closed();
}
