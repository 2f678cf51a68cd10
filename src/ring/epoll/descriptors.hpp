// Descriptors: who waits on which descriptor, and what epoll was told of it.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/base/unique_fd.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <sys/epoll.h>

#include "request_table.hpp"

namespace ringio::detail {

/// One descriptor, by its number: it may have been closed and opened anew whenever nobody waits.
struct Descriptor {
    IntrusiveList<WaitingRequest> readers;  // first come, first served
    IntrusiveList<WaitingRequest> writers;
    IntrusiveList<WaitingRequest> polls;
    std::uint32_t hungry = 0;     // readers that stand in the kernel's list of the hungry
    std::uint32_t mask = 0;       // what epoll was last told; 0: nothing
    std::uint32_t fruitless = 0;  // events in a row that helped nobody

    bool is_idle() const noexcept {
        return readers.empty() && writers.empty() && polls.empty() && hungry == 0;
    }
    /// The events for which somebody waits.
    std::uint32_t wanted() const noexcept;
};

/// Epoll is asked to report as long as a descriptor is ready (level), so that what is not taken now
/// shows again. An interest is told when somebody begins to wait, and taken back only when an event
/// finds nobody: a stream that receives all the time costs no further call.
///
/// Numbers are reused, and nobody says when one was closed: so the first to wait tells the interest
/// anew, whatever was told before.
class Descriptors {
public:
    /// *Errors*: std::system_error when there is no descriptor left.
    Descriptors();
    Descriptors(const Descriptors&) = delete;
    Descriptors& operator=(const Descriptors&) = delete;

    /// Null when there is no memory; for `fd` >= 0.
    Descriptor* find_or_make(int fd) noexcept;

    /// Says that somebody waits who did not before; `first`: nobody else did. Returns 0 or -errno.
    int watch(int fd, Descriptor& descriptor, bool first) noexcept;

    /// Says that an event came, and what of it somebody waited for. Where it helped nobody,
    /// epoll is told what is wanted; should the same come again, to report changes only.
    void after_event(int fd, Descriptor& descriptor, std::uint32_t events, bool helped) noexcept;

    /// Forgets a descriptor that is about to be closed.
    void forget(int fd) noexcept;

    /// Adds one that is not a request's: it is reported when its state changes, as `token`.
    int add_own(int fd, std::uint64_t token) noexcept;

    /// In the child of a fork(2): lets go of an instance that is the parent's.
    void close() noexcept { epoll_.reset(); }

    int epoll_fd() const noexcept { return epoll_.get(); }
    std::uint64_t calls() const noexcept { return calls_; }

private:
    static constexpr std::size_t chunk_size = 64;

    struct Own {
        int fd;
        std::uint64_t token;
    };

    int control(int operation, int fd, std::uint32_t events, std::uint64_t data) noexcept;
    int set(int fd, Descriptor& descriptor, std::uint32_t mask) noexcept;
    bool stop(int fd, Descriptor& descriptor) noexcept;
    void start_anew() noexcept;

    UniqueFd epoll_;
    std::vector<std::unique_ptr<Descriptor[]>> chunks_;
    std::vector<Own> own_;
    std::uint64_t calls_ = 0;  // of epoll_ctl(2)
};

}  // namespace ringio::detail
