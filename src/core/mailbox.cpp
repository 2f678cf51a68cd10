#include <ringio/core/mailbox.hpp>

#include <ringio/ring/file_requests.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace ringio::detail {
namespace {

/// Stands in the place of what was posted to a loop that is closed.
class NoMore final : public Runnable {
public:
    void run() override {}
    void discard() noexcept override {}
};
constinit NoMore no_more;

ReadyQueue in_order(Runnable* newest) noexcept {
    ReadyQueue queue;
    while (newest != nullptr) {
        Runnable* const next = newest->next_ready;
        queue.push_front(*newest);
        newest = next;
    }
    return queue;
}

}  // namespace

void WakeRead::prepare(io_uring_sqe& sqe) noexcept {
    // Kernel: a read of an eventfd that is not O_NONBLOCK waits for the first write.
    ReadRequest{.fd = fd_, .buffer = &count_, .size = sizeof(count_), .offset = 0}.prepare(sqe);
}

void WakeRead::complete(int result, std::uint32_t) noexcept {
    if (!wanted) {
        return;
    }
    if (result >= 0 || result == -EINTR || result == -ECANCELED) {
        ring->submit(*this);
        return;
    }
    // Others last (somebody closed the descriptor, or made it non-blocking): to ask again and again
    // would keep the loop busy for ever.
    failure = -result;
    news->store(true);
}

Mailbox::Mailbox() : wake_fd_(::eventfd(0, EFD_CLOEXEC)), wake_read_(wake_fd_.get()) {
    if (!wake_fd_) {
        throw std::system_error(errno, std::system_category(),
                                "cannot create the event loop's eventfd");
    }
}

void Mailbox::arm_wake(Ring& ring) {
    wake_read_.ring = &ring;
    wake_read_.news = &news_;
    wake_read_.wanted = true;
    if (!wake_read_.in_flight()) {
        ring.submit(wake_read_);
    }
}

void Mailbox::check_wake() {
    if (const int error = std::exchange(wake_read_.failure, 0)) {
        throw std::system_error(
            error, std::system_category(),
            "other threads cannot wake the event loop any more: the read of its "
            "eventfd failed");
    }
}

// The loop stores asleep_ and then looks for news; who brings news stores it and then looks at
// asleep_. Both in the single total order, so at least one of them sees the other.
bool Mailbox::fall_asleep() noexcept {
    asleep_.store(true);
    return posted_.load() == nullptr && !news_.load();
}

ReadyQueue Mailbox::take_calls() noexcept {
    news_.store(false);
    return in_order(posted_.exchange(nullptr, std::memory_order_acquire));
}

void Mailbox::refuse_posts() noexcept {
    Runnable* const newest = posted_.exchange(&no_more);
    if (newest == &no_more) {
        return;
    }
    ReadyQueue dropped = in_order(newest);
    while (Runnable* const call = dropped.pop_front()) {
        call->discard();
    }
}

bool Mailbox::post(std::unique_ptr<PostedCall> call) noexcept {
    Runnable* newest = posted_.load(std::memory_order_relaxed);
    do {
        if (newest == &no_more) {
            return false;
        }
        call->next_ready = newest;
    } while (!posted_.compare_exchange_weak(newest, call.get()));
    static_cast<void>(call.release());
    if (asleep_.load() && asleep_.exchange(false)) {  // the first one wakes for all
        write_wake();
    }
    return true;
}

std::shared_ptr<void> Mailbox::expect_wakeup() {
    expected_->fetch_add(1);
    return std::shared_ptr<void>(nullptr, [expected = expected_](void*) { --*expected; });
}

void Mailbox::notify_interrupt() noexcept {
    if (is_inherited()) {
        return;
    }
    interrupted_.store(true);
    news_.store(true);
    write_wake();
}

void Mailbox::write_wake() const noexcept {
    const int saved = errno;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_.get(), &one, sizeof(one));
    errno = saved;
}

bool post_to(const std::weak_ptr<Mailbox>& mailbox, std::unique_ptr<PostedCall> call) noexcept {
    const std::shared_ptr<Mailbox> alive = mailbox.lock();
    return alive && alive->post(std::move(call));
}

}  // namespace ringio::detail
