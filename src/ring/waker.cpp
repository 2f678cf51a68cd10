#include <ringio/ring/waker.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace ringio {

Waker::~Waker() = default;

EventFd::EventFd() : fd_(::eventfd(0, EFD_CLOEXEC)) {
    if (!fd_) {
        throw std::system_error(errno, std::system_category(),
                                "cannot create the event loop's eventfd");
    }
}

void EventFd::wake() noexcept {
    const int saved = errno;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(fd_.get(), &one, sizeof(one));
    errno = saved;
}

}  // namespace ringio
