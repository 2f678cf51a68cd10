// An operation for tests: any request, with its results recorded.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

#include <fcntl.h>
#include <liburing.h>

#include <ringio/ring.hpp>

namespace ringio::testing {

template <class Request>
class Probe final : public Completion {
public:
    explicit Probe(Request r = {}) : request(r) {}

    void prepare(io_uring_sqe& sqe) noexcept override {
        ++prepared;
        request.prepare(sqe);
    }

    void complete(int r, std::uint32_t f) noexcept override {
        result = r;
        flags = f;
        ++calls;
        terminal_calls += (f & IORING_CQE_F_MORE) == 0 ? 1U : 0U;
        if (then != nullptr) {
            then(*this);
        }
    }

    Request request;
    int result = 0x7fff'ffff;  // until complete() was called
    std::uint32_t flags = 0;
    unsigned calls = 0;
    unsigned terminal_calls = 0;
    unsigned prepared = 0;
    void (*then)(Probe&) noexcept = nullptr;
    Ring* ring = nullptr;  // for `then`
};

using NopProbe = Probe<NopRequest>;

/// The kernel that RINGIO_KERNEL names, as a loop would get it.
inline std::unique_ptr<Kernel> make_kernel(unsigned entries, unsigned cq_entries = 0) {
    if (cq_entries == 0) {
        return default_kernel().make(entries);
    }
    if (default_kernel().make(entries)->name() == "epoll") {
        return std::make_unique<EpollKernel>(EpollOptions{entries, cq_entries, {}});
    }
    return std::make_unique<UringKernel>(UringOptions{entries, cq_entries});
}

inline Ring make_ring(unsigned entries = 8, unsigned cq_entries = 0) {
    return Ring(make_kernel(entries, cq_entries));
}

/// Enters and reaps until nothing is in flight.
inline void drain(Ring& ring) {
    while (ring.in_flight() != 0) {
        ring.enter(true, std::nullopt);
        ring.reap();
    }
}

/// Submits a request and waits for its result.
template <class Request>
int perform(Ring& ring, Request request) {
    Probe<Request> probe(request);
    ring.submit(probe);
    while (probe.in_flight()) {
        ring.enter(true, std::nullopt);
        ring.reap();
    }
    return probe.result;
}

/// Requests live in coroutine frames: g++ 12 destroys some temporaries twice.
template <class... Requests>
constexpr bool plain = ((std::is_aggregate_v<Requests> && std::is_trivially_copyable_v<Requests> &&
                         std::is_trivially_destructible_v<Requests>) &&
                        ...);

/// Prepares a request in an entry that is full of what an earlier one left.
template <class Request>
io_uring_sqe prepared(const Request& request) {
    io_uring_sqe sqe;
    std::memset(&sqe, 0xff, sizeof sqe);
    request.prepare(sqe);
    return sqe;
}

inline bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }
inline bool is_cloexec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

}  // namespace ringio::testing
