// CapacityLimiter: so many at a time, as a Semaphore, but it knows who holds a token.
#pragma once

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/format.hpp>
#include <ringio/sync/wait_queue.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace ringio {

class CapacityLimiter;

/// What statistics() of a CapacityLimiter tells.
struct CapacityLimiterStatistics {
    std::size_t total_tokens = 0;
    std::size_t borrowed_tokens = 0;
    std::size_t waiting = 0;
};

/// Holds a token of a CapacityLimiter until it is destroyed; made by scoped(). Any task may destroy
/// it: it knows for whom it was taken. *Lifetime*: the limiter must outlive it.
class [[nodiscard]] CapacityToken {
public:
    CapacityToken(CapacityLimiter& limiter, const void* borrower) noexcept
        : limiter_(&limiter), borrower_(borrower) {}
    CapacityToken(CapacityToken&& other) noexcept
        : limiter_(std::exchange(other.limiter_, nullptr)), borrower_(other.borrower_) {}
    CapacityToken& operator=(CapacityToken&& other) noexcept {
        CapacityToken(std::move(other)).swap(*this);
        return *this;
    }
    ~CapacityToken() { release(); }
    void swap(CapacityToken& other) noexcept {
        std::swap(limiter_, other.limiter_);
        std::swap(borrower_, other.borrower_);
    }

    /// Gives the token back early; does nothing when it was given back.
    void release() noexcept;

    /// Says whether it still holds the token.
    explicit operator bool() const noexcept { return limiter_ != nullptr; }

private:
    CapacityLimiter* limiter_;
    const void* borrower_;
};

namespace detail {

class BorrowWait;
class AcquireToken;
class AcquireTokenScoped;

/// What the methods of a limiter return: awaited, it borrows; null stands for the current task.
template <class Awaiter>
class [[nodiscard]] Borrow {
public:
    Borrow(CapacityLimiter& limiter, const void* borrower) noexcept
        : limiter_(&limiter), borrower_(borrower) {}
    Awaiter operator co_await() const { return Awaiter(*limiter_, borrower_); }

private:
    CapacityLimiter* limiter_;
    const void* borrower_;
};

}  // namespace detail

/// Limits how many do something at a time; trio.CapacityLimiter. A token belongs to who borrowed
/// it, nobody has two, and only the borrower can give it back. Fair as a Semaphore is.
///
/// *Lifetime*: outlives those who use it; a wait in it may be cancelled after that.
class CapacityLimiter {
public:
    /// *Errors*: std::invalid_argument "total_tokens must be >= 1".
    explicit CapacityLimiter(std::ptrdiff_t total_tokens);
    CapacityLimiter(const CapacityLimiter&) = delete;
    CapacityLimiter& operator=(const CapacityLimiter&) = delete;

    /// Awaited, borrows a token for the current task, waiting for one if need be.
    ///
    /// *Errors*: std::runtime_error when it has one already, or waits in another loop than before.
    /// *Cancellation*: no token is borrowed; one that was on the way goes to the next.
    detail::Borrow<detail::AcquireToken> acquire() noexcept {
        return detail::Borrow<detail::AcquireToken>(*this, nullptr);
    }

    /// As acquire(), but gives a guard: `auto token = co_await limiter.scoped();`.
    detail::Borrow<detail::AcquireTokenScoped> scoped() noexcept {
        return detail::Borrow<detail::AcquireTokenScoped>(*this, nullptr);
    }

    /// As acquire(), for a borrower that is no task: any address that is its own.
    detail::Borrow<detail::AcquireToken> acquire_on_behalf_of(const void* borrower) noexcept {
        return detail::Borrow<detail::AcquireToken>(*this, borrower);
    }

    /// Borrows a token if one is free, and says whether it did; trio's raises WouldBlock instead.
    /// Nobody who waits is overtaken. *Errors*: as acquire().
    bool acquire_nowait();
    /// The same for a borrower that is no task.
    bool acquire_on_behalf_of_nowait(const void* borrower);

    /// Gives the token of the current task back. *Errors*: std::runtime_error when it has none.
    void release();
    /// The same for a borrower that is no task.
    void release_on_behalf_of(const void* borrower);

    std::size_t total_tokens() const noexcept { return total_; }
    /// Sets how many there are. More wake those who wait; fewer are reached as tokens come back.
    /// *Errors*: as the constructor.
    void set_total_tokens(std::ptrdiff_t total_tokens);

    /// Returns how many are borrowed, or on the way to one who waits.
    std::size_t borrowed_tokens() const noexcept { return borrowed_; }
    std::size_t available_tokens() const noexcept {
        return total_ > borrowed_ ? total_ - borrowed_ : 0;
    }
    CapacityLimiterStatistics statistics() const noexcept {
        return {.total_tokens = total_, .borrowed_tokens = borrowed_, .waiting = waiters_.size()};
    }

    /// "<CapacityLimiter [borrowed:2/8, waiters:1]>".
    std::string repr() const;

private:
    friend class detail::BorrowWait;

    /// A task is kept, so that its address stays its own.
    struct Borrower {
        const void* identity;
        IntrusivePtr<detail::FutureStateBase> task;
    };

    std::vector<Borrower>::iterator position_of(const void* borrower) noexcept;
    bool is_borrower(const void* borrower) noexcept;
    bool borrow_nowait(const void* borrower, detail::TaskStateBase* task);
    void insert(const void* borrower, detail::TaskStateBase* task);
    void put_back() noexcept;
    void hand_out() noexcept;

    std::size_t total_;
    std::size_t borrowed_ = 0;
    std::vector<Borrower> borrowers_;  // in the order of their addresses
    detail::LoopBinding binding_{"CapacityLimiter"};
    detail::WaitQueue waiters_{binding_, "CapacityLimiter.acquire()"};
};

namespace detail {

/// Waits for a token.
class BorrowWait : public QueuedWait {
public:
    BorrowWait(CapacityLimiter& limiter, const void* borrower);

    bool await_ready();

protected:
    ~BorrowWait() = default;

    void finish();
    CapacityToken token() const noexcept { return CapacityToken(limiter_, borrower_); }

private:
    CapacityLimiter& limiter_;
    TaskStateBase* own_task_;  // null when the borrower is no task
    const void* borrower_;
};

class AcquireToken final : public BorrowWait {
public:
    using BorrowWait::BorrowWait;
    void await_resume() { finish(); }
};

class AcquireTokenScoped final : public BorrowWait {
public:
    using BorrowWait::BorrowWait;
    CapacityToken await_resume() {
        finish();
        return token();
    }
};

}  // namespace detail
}  // namespace ringio

template <>
struct fmt::formatter<ringio::CapacityLimiter>
    : ringio::detail::ReprFormatter<ringio::CapacityLimiter> {};
