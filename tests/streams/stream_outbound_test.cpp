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
