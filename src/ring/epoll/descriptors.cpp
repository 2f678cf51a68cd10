#include "descriptors.hpp"

#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

namespace ringio::detail {
namespace {

// So many events in a row may help nobody before the epoll instance is suspected to report a file
// that has no number here any more.
constexpr std::uint32_t most_fruitless = 64;

int new_epoll() noexcept { return ::epoll_create1(EPOLL_CLOEXEC); }

}  // namespace

std::uint32_t Descriptor::wanted() const noexcept {
    std::uint32_t events = 0;
    if (!readers.empty() || hungry != 0) {
        events |= EPOLLIN | EPOLLRDHUP;
    }
    if (!writers.empty()) {
        events |= EPOLLOUT;
    }
    for (const WaitingRequest& poll : polls) {
        events |= poll_events(poll.call.request);
    }
    return events;
}

Descriptors::Descriptors() : epoll_(new_epoll()) {
    if (!epoll_) {
        throw std::system_error(errno, std::system_category(), "epoll_create1");
    }
}

Descriptor* Descriptors::find_or_make(int fd) noexcept {
    const std::size_t chunk = static_cast<std::size_t>(fd) / chunk_size;
    try {
        if (chunk >= chunks_.size()) {
            chunks_.resize(chunk + 1);
        }
        if (!chunks_[chunk]) {
            chunks_[chunk] = std::make_unique<Descriptor[]>(chunk_size);
        }
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
    return &chunks_[chunk][static_cast<std::size_t>(fd) % chunk_size];
}

int Descriptors::control(int operation, int fd, std::uint32_t events, std::uint64_t data) noexcept {
    epoll_event event{};
    event.events = events;
    event.data.u64 = data;
    ++calls_;
    return ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0 ? 0 : -errno;
}

int Descriptors::set(int fd, Descriptor& descriptor, std::uint32_t mask) noexcept {
    const auto data = static_cast<std::uint64_t>(fd);
    int result = control(descriptor.mask != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, mask, data);
    if (result == -ENOENT) {
        result = control(EPOLL_CTL_ADD, fd, mask, data);
    } else if (result == -EEXIST) {
        result = control(EPOLL_CTL_MOD, fd, mask, data);
    }
    if (result == 0) {
        descriptor.mask = mask;
    }
    return result == -ENOSPC ? -ENOMEM : result;
}

int Descriptors::watch(int fd, Descriptor& descriptor, bool first) noexcept {
    const std::uint32_t wanted = descriptor.wanted();
    if (first) {
        descriptor.fruitless = 0;
        return set(fd, descriptor, wanted);
    }
    const std::uint32_t missing = wanted & ~descriptor.mask;
    return missing == 0 ? 0 : set(fd, descriptor, wanted | (descriptor.mask & ~EPOLLET));
}

// False: the instance reports a file that is not behind this number, and cannot be told to stop.
// Kernel: so it is when the number was closed and the file lives on, in a child process.
bool Descriptors::stop(int fd, Descriptor& descriptor) noexcept {
    descriptor.mask = 0;
    descriptor.fruitless = 0;
    return control(EPOLL_CTL_DEL, fd, 0, 0) == 0;
}

void Descriptors::after_event(int fd, Descriptor& descriptor, std::uint32_t events,
                              bool helped) noexcept {
    const std::uint32_t wanted = descriptor.wanted();
    if (wanted == 0) {
        // What was helped may well wait again at once; what comes while nobody waits ends it.
        if (!helped && !stop(fd, descriptor)) {
            start_anew();
        }
        return;
    }
    if (helped) {
        descriptor.fruitless = 0;
        if ((descriptor.mask & EPOLLET) != 0) {
            static_cast<void>(set(fd, descriptor, wanted));
        }
        return;
    }
    constexpr std::uint32_t always = EPOLLERR | EPOLLHUP;
    if ((events & descriptor.mask & ~always & ~wanted) != 0) {  // what nobody waits for any more
        static_cast<void>(set(fd, descriptor, wanted));
    } else if (++descriptor.fruitless == most_fruitless) {
        start_anew();
    } else if ((descriptor.mask & EPOLLET) == 0) {
        // An error that no request takes away, as in the error queue of a socket.
        static_cast<void>(set(fd, descriptor, wanted | EPOLLET));
    }
}

void Descriptors::forget(int fd) noexcept {
    if (fd < 0 || static_cast<std::size_t>(fd) / chunk_size >= chunks_.size()) {
        return;
    }
    Descriptor* const descriptor = find_or_make(fd);
    if (descriptor != nullptr && descriptor->mask != 0) {
        static_cast<void>(stop(fd, *descriptor));
    }
}

int Descriptors::add_own(int fd, std::uint64_t token) noexcept {
    try {
        own_.push_back({fd, token});
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    const int result = control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, token);
    if (result != 0) {
        own_.pop_back();
    }
    return result;
}

// A new instance, with those on which somebody waits. Without a descriptor left it takes the number
// of the old one, which would never let the loop sleep; should another thread take that first, the
// next entry of the kernel fails.
void Descriptors::start_anew() noexcept {
    UniqueFd fresh(new_epoll());
    if (!fresh) {
        epoll_.reset();
        fresh.reset(new_epoll());
    }
    epoll_ = std::move(fresh);
    for (const Own& own : own_) {
        static_cast<void>(control(EPOLL_CTL_ADD, own.fd, EPOLLIN | EPOLLET, own.token));
    }
    for (std::size_t chunk = 0; chunk < chunks_.size(); ++chunk) {
        for (std::size_t at = 0; chunks_[chunk] && at < chunk_size; ++at) {
            Descriptor& descriptor = chunks_[chunk][at];
            descriptor.mask = 0;
            descriptor.fruitless = 0;
            if (!descriptor.is_idle()) {
                const int fd = static_cast<int>(chunk * chunk_size + at);
                static_cast<void>(set(fd, descriptor, descriptor.wanted()));
            }
        }
    }
}

}  // namespace ringio::detail
