// An endpoint on a kernel that answers when the test likes: who is first, the cancel, the close or
// the datagram, and what the kernel may say instead.
#include <ringio/streams/datagram_state.hpp>

#include "../core/watching.hpp"
#include "datagrams.hpp"

#include <poll.h>

#include <cerrno>
#include <cstring>

using namespace ringio;
using namespace ringio::test_support;
using ringio::testing::EventLog;

namespace {

Task<> receive_rounds(DatagramEndpoint endpoint, EventLog& log, int rounds) {
    for (int round = 0; round < rounds; ++round) {
        try {
            const Datagram datagram = co_await endpoint.recv();
            log(datagram.data);
        } catch (const std::system_error& error) {
            log("errno " + std::to_string(error.code().value()));
        } catch (const std::runtime_error&) {
            log("closed");
        } catch (const CancelledError&) {
            log("cancelled");
        }
    }
}

/// An endpoint whose kernel the test plays.
struct PlayedEndpoint {
    PlayedEndpoint() {
        const auto make = [](DatagramEndpointOptions options,
                             std::optional<DatagramEndpoint>& made) -> Task<> {
            made = co_await create_datagram_endpoint(options);
        };
        scripted.loop.create_task(make({.sock = std::move(pair.first), .limit = 8}, endpoint));
        scripted.turns();
        REQUIRE(endpoint);
    }
    ~PlayedEndpoint() {
        scripted.kernel->refuse_cancels = 0;
        endpoint.reset();
        scripted.turns();
    }

    TaskHandle<> receive(int rounds) {
        TaskHandle<> task = scripted.loop.create_task(receive_rounds(*endpoint, log, rounds));
        scripted.turns();
        return task;
    }
    /// Answers the receive that the kernel has.
    void bring(std::string_view data, int flags = 0) {
        REQUIRE(scripted.held() == 1);
        const io_uring_sqe& request = scripted.kernel->held[1];
        REQUIRE(request.opcode == IORING_OP_RECVMSG);
        auto* const message = reinterpret_cast<msghdr*>(request.addr);
        REQUIRE(message->msg_iov->iov_len >= data.size());
        std::memcpy(message->msg_iov->iov_base, data.data(), data.size());
        message->msg_namelen = 0;
        message->msg_flags = flags;
        scripted.answer(static_cast<int>(data.size()));
    }
    ScriptedLoop scripted;
    std::pair<UniqueFd, UniqueFd> pair = datagram_pair();
    EventLog log;
    std::optional<DatagramEndpoint> endpoint;
};

}  // namespace

TEST_CASE("datagram state: a datagram that comes after the cancel is the next one") {
    PlayedEndpoint played;
    TaskHandle<> task = played.receive(1);
    task.cancel();
    played.scripted.turns();
    CHECK(played.log.joined() == "cancelled");
    CHECK(played.scripted.kernel->cancels.empty());
    played.bring("kept");
    played.scripted.turns();
    played.receive(1);
    CHECK(played.log.joined() == "cancelled kept");
    CHECK(played.scripted.held() == 0);
}

TEST_CASE("datagram state: cancelled between the datagram and the resumption, it is the next one") {
    PlayedEndpoint played;
    TaskHandle<> task = played.receive(2);
    played.scripted.loop.call_soon([&] {
        CHECK(played.scripted.held() == 0);
        task.cancel();
    });
    played.bring("kept");
    played.scripted.turns();
    CHECK(played.log.joined() == "cancelled kept");
}

TEST_CASE("datagram state: EINTR is asked again, another error is told") {
    PlayedEndpoint played;
    TaskHandle<> task = played.receive(2);
    played.scripted.answer(-EINTR);
    played.scripted.turns();
    CHECK(played.log.joined().empty());
    played.scripted.answer(-ENOMEM);
    played.scripted.turns();
    CHECK(played.log.joined() == "errno 12");
    played.bring("x");
    played.scripted.turns();
    CHECK(played.log.joined() == "errno 12 x");
    CHECK(task.done());
}

TEST_CASE("datagram state: a datagram that came before the close is still given") {
    PlayedEndpoint played;
    TaskHandle<> task = played.receive(2);
    played.bring("last");
    played.scripted.loop.call_soon([&] { played.endpoint->close(); });
    played.scripted.turns();
    CHECK(played.log.joined() == "last closed");
}

TEST_CASE("datagram state: closed, the descriptor stays until the kernel lets go of it") {
    PlayedEndpoint played;
    played.scripted.kernel->refuse_cancels = -EALREADY;
    TaskHandle<> task = played.receive(1);
    const int fd = played.endpoint->socket().fd();
    played.endpoint->close();
    played.scripted.turns();
    CHECK(played.log.joined() == "closed");
    CHECK(played.endpoint->socket().fd() == fd);
    played.bring("nobody's");
    played.scripted.turns();
    CHECK(played.endpoint->socket().fd() == -1);
}

TEST_CASE("datagram state: aborted, the descriptor stays as long as the kernel waits for room") {
    PlayedEndpoint played;
    played.endpoint->send("first");
    played.endpoint->send("second");
    played.scripted.turns();
    REQUIRE(played.scripted.held() == 1);
    CHECK(played.scripted.kernel->held[1].opcode == IORING_OP_POLL_ADD);
    CHECK(played.endpoint->get_write_buffer_size() == 5 + 8 + 6 + 8);
    played.scripted.kernel->refuse_cancels = -EALREADY;
    const int fd = played.endpoint->socket().fd();
    played.endpoint->abort();
    played.scripted.turns();
    CHECK(played.endpoint->get_write_buffer_size() == 0);
    CHECK(played.endpoint->socket().fd() == fd);
    played.scripted.answer(POLLOUT);
    played.scripted.turns();
    CHECK(played.scripted.held() == 0);
    CHECK(played.endpoint->socket().fd() == -1);
}

TEST_CASE("datagram state: when there is no room after all it waits again; what fails is told") {
    PlayedEndpoint played;
    played.endpoint->send("first");
    played.endpoint->send("second");
    played.scripted.turns();
    for (const int answer : {POLLOUT, -EINTR}) {
        played.scripted.answer(answer);
        played.scripted.turns();
        CHECK(played.scripted.held() == 1);
        CHECK(played.endpoint->get_write_buffer_size() == 5 + 8 + 6 + 8);
    }
    played.scripted.kernel->try_result = -ENETUNREACH;
    played.scripted.answer(POLLOUT);
    played.scripted.turns();
    CHECK(played.scripted.held() == 0);
    CHECK(played.endpoint->get_write_buffer_size() == 0);
    played.scripted.kernel->try_result = -EAGAIN;
    played.receive(1);
    CHECK(played.log.joined() == "errno " + std::to_string(ENETUNREACH));
}
