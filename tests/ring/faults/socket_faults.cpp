// What becomes of connects and accepts.
#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "faulty_kernel.hpp"
#include "named_fault.hpp"

namespace ringio::testing {
namespace {

// A poll(2) that tells of a client, and then an accept(2) that waits for it. Who is served second
// waits for the next one, and with him everybody else.
class AcceptBlocks final : public Fault {
    bool lets_in(Entry& request) override {
        if (request.opcode != IORING_OP_ACCEPT) {
            return true;
        }
        kernel->hold(request);
        accepts_.push_back(request);
        return false;
    }
    void before_entry() override {
        std::vector<Entry> ready;
        for (const Entry& request : accepts_) {
            pollfd listener{request.fd, POLLIN, 0};
            if (::poll(&listener, 1, 0) == 1) {
                ready.push_back(request);
            }
        }
        for (const Entry& request : ready) {
            if (kernel->release(request.user_data)) {
                kernel->answer(
                    {request.user_data, ::accept4(request.fd, nullptr, nullptr, SOCK_CLOEXEC), 0});
            }
        }
    }
    std::vector<Entry> accepts_;
};

// Kernel: the connect(2) of a Unix socket to a listener whose backlog is full is EAGAIN.
class TakesAFullBacklogFor final : public Fault {
public:
    explicit TakesAFullBacklogFor(int result) : result_(result) {}

private:
    bool lets_in(Entry& request) override {
        const auto* const address = reinterpret_cast<const sockaddr*>(request.addr);
        if (request.opcode != IORING_OP_CONNECT || address->sa_family != AF_UNIX) {
            return true;
        }
        const int flags = ::fcntl(request.fd, F_GETFL);
        ::fcntl(request.fd, F_SETFL, flags | O_NONBLOCK);
        const int connected =
            ::connect(request.fd, address, static_cast<socklen_t>(request.off)) == 0 ? 0 : -errno;
        ::fcntl(request.fd, F_SETFL, flags);
        kernel->answer({request.user_data, connected == -EAGAIN ? result_ : connected, 0});
        return false;
    }

    int result_;
};

// While a connect waits, nothing else is looked at: for ever, but a test is to end.
class ConnectHoldsUpTime final : public Fault {
    void before_sleep(bool& wait, std::optional<std::chrono::nanoseconds>& timeout) override {
        for (const auto& [user_data, request] : kernel->in_flight) {
            if (wait && request.opcode == IORING_OP_CONNECT) {
                timeout = 3 * patience();
            }
        }
    }
};

// EPOLLOUT is taken for a connection, and nobody asks for SO_ERROR.
class RefusedIsConnected final : public Fault {
    bool lets_out(Result& result, const Entry& request) override {
        if (request.opcode == IORING_OP_CONNECT && result.result == -ECONNREFUSED) {
            result.result = 0;
        }
        return true;
    }
};

// An accept that fails is not heard of again.
class FailedAcceptIsTheLast final : public Fault {
    bool lets_out(Result& result, const Entry& request) override {
        if (request.opcode == IORING_OP_ACCEPT && result.result == -EMFILE) {
            kernel->withhold(request, result.result);
            return false;
        }
        return true;
    }
};

// It is tried again and again.
class FailedAcceptSpins final : public Fault {
    bool lets_out(Result& result, const Entry& request) override {
        if (request.opcode == IORING_OP_ACCEPT && result.result == -EMFILE) {
            again_.push_back(request);
            return false;
        }
        return true;
    }
    void before_entry() override {
        for (const Entry& request : again_) {
            kernel->hand_over(request);
        }
        again_.clear();
    }
    std::vector<Entry> again_;
};

}  // namespace

std::unique_ptr<Fault> make_socket_fault(std::string_view name) {
    static constexpr NamedFault faults[] = {
        {"accept_blocks", make<AcceptBlocks>},
        {"full_backlog_is_connected", make<TakesAFullBacklogFor, 0>},
        {"full_backlog_is_an_error", make<TakesAFullBacklogFor, -EAGAIN>},
        {"connect_holds_up_time", make<ConnectHoldsUpTime>},
        {"refused_is_connected", make<RefusedIsConnected>},
        {"failed_accept_is_the_last", make<FailedAcceptIsTheLast>},
        {"failed_accept_spins", make<FailedAcceptSpins>},
    };
    return find_fault(faults, name);
}

}  // namespace ringio::testing
