// What the suites have in common that every Kernel has to pass: the list of kernels, and a Driver,
// which writes entries to the queues of one as Ring does and keeps the books of its completions.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dirent.h>
#include <liburing.h>

#include <ringio/ring.hpp>
#include <ringio/ring/epoll_kernel.hpp>
#include <support/catch.hpp>

#include "faults/faulty_kernel.hpp"

namespace ringio::testing {

struct KernelUnderTest {
    std::string_view name;
    std::unique_ptr<Kernel> (*make)(unsigned entries, unsigned cq_entries);
};

/// Another kernel is one more line here. Whoever goes through the list needs io_uring: [uring].
inline constexpr KernelUnderTest kernels_under_test[] = {
    {"io_uring",
     [](unsigned entries, unsigned cq_entries) -> std::unique_ptr<Kernel> {
         return std::make_unique<UringKernel>(UringOptions{entries, cq_entries});
     }},
    {"epoll",
     [](unsigned entries, unsigned cq_entries) -> std::unique_ptr<Kernel> {
         return std::make_unique<EpollKernel>(EpollOptions{entries, cq_entries, {}});
     }},
};

/// In their place where a fault is planted.
inline constexpr KernelUnderTest faulty_kernels[] = {{"faulty", make_faulty_kernel}};

/// Checks that every descriptor that was opened meanwhile was closed.
class DescriptorBalance {
public:
    DescriptorBalance() = default;
    DescriptorBalance(const DescriptorBalance&) = delete;
    DescriptorBalance& operator=(const DescriptorBalance&) = delete;
    ~DescriptorBalance() { CHECK(count() == before_); }

private:
    static std::size_t count() {
        std::size_t entries = 0;
        if (DIR* const folder = ::opendir("/proc/self/fd")) {
            while (::readdir(folder) != nullptr) {
                ++entries;
            }
            ::closedir(folder);
        }
        return entries;
    }

    std::size_t before_ = count();
};

/// Runs `body` once for each kernel, each time in a section of its name.
template <class Body>
void for_each_kernel(std::string_view title, Body body) {
    const std::span<const KernelUnderTest> all =
        planted_fault().empty() ? std::span<const KernelUnderTest>(kernels_under_test)
                                : std::span<const KernelUnderTest>(faulty_kernels);
    for (const KernelUnderTest& kernel : all) {
        DYNAMIC_SECTION(kernel.name << ": " << title) {
            const DescriptorBalance balance;
            body(kernel);
        }
    }
}

/// Outcomes that a test accepts: results, or one of these.
using Outcomes = std::set<int>;
inline constexpr int a_descriptor = 0x7fff'0001;  // any result >= 0
inline constexpr int an_end = 0x7fff'0002;        // events of which one is POLLHUP or POLLERR
inline constexpr int not_over = 0x7fff'0003;      // there is no result yet

inline bool is_one_of(const Outcomes& accepted, int result) {
    constexpr int ends = 0x18;  // POLLHUP | POLLERR
    return accepted.contains(result) ||
           (accepted.contains(a_descriptor) && result >= 0 && result < a_descriptor) ||
           (accepted.contains(an_end) && result > 0 && result < a_descriptor &&
            (result & ends) != 0);
}

/// What a cancel makes of a request that waits. Kernel: -EINTR from a worker thread of io_uring.
inline const Outcomes cancel_results = {-ECANCELED, -EINTR};

/// What a cancel answers, when it is heard: that it found the request, or that it did not, or that
/// the request runs and cannot be stopped.
inline const Outcomes cancel_found = {0};
inline const Outcomes cancel_found_none = {-ENOENT, -EALREADY};

/// The memory that multishot receives draw from.
class Buffers {
public:
    static constexpr std::size_t size = 64;

    explicit Buffers(Kernel& kernel, unsigned count = 8) : kernel_(kernel), memory_(count * size) {
        constexpr std::size_t page = 4096;
        ring_ = static_cast<io_uring_buf_ring*>(std::aligned_alloc(page, page));
        std::fill_n(reinterpret_cast<char*>(ring_), page, '\0');
        REQUIRE(kernel.register_buffers(*ring_, entries, 0) == 0);
        for (unsigned id = 0; id < count; ++id) {
            give_back(id);
        }
    }
    Buffers(const Buffers&) = delete;
    Buffers& operator=(const Buffers&) = delete;
    ~Buffers() {
        kernel_.unregister_buffers(0);
        std::free(ring_);
    }

    void give_back(unsigned id) {
        io_uring_buf_ring_add(ring_, memory_.data() + id * size, size,
                              static_cast<unsigned short>(id), io_uring_buf_ring_mask(entries), 0);
        io_uring_buf_ring_advance(ring_, 1);
    }
    std::string_view bytes(unsigned id, int length) const {
        return {memory_.data() + id * size, static_cast<std::size_t>(length)};
    }

private:
    static constexpr unsigned entries = 32;

    Kernel& kernel_;
    io_uring_buf_ring* ring_ = nullptr;
    std::vector<char> memory_;
};

struct Cqe {
    int result;
    std::uint32_t flags;
};

/// One kernel at work. Requests are known by the order of their submission. Whatever is in flight
/// at the end is cancelled and counted down.
class Driver {
public:
    using Id = std::size_t;
    using Prepare = std::function<void(io_uring_sqe&)>;

    explicit Driver(const KernelUnderTest& which, unsigned entries = 8, unsigned cq_entries = 0)
        : kernel_(which.make(entries, cq_entries)) {}
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    ~Driver() { finish(); }

    Kernel& kernel() { return *kernel_; }
    io_uring& queues() { return kernel_->queues(); }
    std::size_t in_flight() const { return in_flight_; }
    unsigned entries_made() const { return entries_made_; }

    Buffers& buffers(unsigned count = 8) {
        if (!buffers_) {
            buffers_ = std::make_unique<Buffers>(*kernel_, count);
        }
        return *buffers_;
    }

    /// Writes a request to the queue; a full one is handed over first.
    Id submit(const Prepare& prepare) { return write(prepare, true); }
    template <class Request>
        requires requires(const Request& request, io_uring_sqe& sqe) { request.prepare(sqe); }
    Id submit(const Request& request) {
        return submit([&](io_uring_sqe& sqe) { request.prepare(sqe); });
    }

    /// Writes a cancel as Ring does. Its answer, when there is one, is result() of what it returns.
    Id cancel(Id target) { return write_cancel(tag(target), 0, IOSQE_CQE_SKIP_SUCCESS); }
    Id cancel_all() {
        return write_cancel(0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
                            IOSQE_CQE_SKIP_SUCCESS);
    }
    /// The same, and its answer always comes.
    Id ask_cancel(Id target) { return write_cancel(tag(target), 0, 0); }
    Id ask_cancel_all() {
        return write_cancel(0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL, 0);
    }

    /// Enters without sleeping, and reaps.
    int enter() { return enter_for(false, std::nullopt); }
    void turn(int times = 3) {
        while (times-- > 0) {
            enter();
        }
    }
    /// Enters and sleeps until something comes. That nothing comes is a failure.
    void sleep() { REQUIRE(enter_for(true, patience()) != -ETIME); }
    int enter_for(bool wait, std::optional<std::chrono::nanoseconds> timeout) {
        ++entries_made_;
        const int entered = kernel_->enter(wait, timeout);
        if (entered < 0 && !Kernel::is_transient(entered)) {
            FAIL("enter() says " << entered);
        }
        reap();
        return entered;
    }

    /// Goes on until the request is over, or has had so many completions. That others are busy all
    /// the while is a failure, too.
    void until_over(Id id) {
        const auto latest = kernel_->now() + 3 * patience();
        while (!is_over(id)) {
            sleep();
            if (!is_over(id) && kernel_->now() >= latest) {
                FAIL("others are busy, and a request does not end");
            }
        }
    }
    void until_seen(Id id, std::size_t completions) {
        while (!is_over(id) && seen(id).size() < completions) {
            sleep();
        }
    }
    int result_of(Id id) {
        until_over(id);
        return result(id);
    }
    template <class Request>
    int perform(const Request& request) {
        return result_of(submit(request));
    }
    /// Cancels until it takes hold, as Ring does where a worker thread has the request.
    int cancelled_result_of(Id id) {
        while (!is_over(id)) {
            cancel(id);
            enter();
            if (!is_over(id)) {
                enter_for(true, std::chrono::milliseconds(10));
            }
        }
        return result(id);
    }
    void finish() {
        for (int round = 0; in_flight_ != 0 && round < 500; ++round) {
            cancel_all();
            enter();
            if (in_flight_ != 0) {
                enter_for(true, std::chrono::milliseconds(20));
            }
        }
        CHECK(in_flight_ == 0);
    }

    /// What came for it.
    const std::vector<Cqe>& seen(Id id) const { return books_[id].seen; }
    bool is_over(Id id) const { return books_[id].over; }
    /// The last result, or not_over where there is none.
    int result(Id id) const { return seen(id).empty() ? not_over : seen(id).back().result; }
    /// The bytes that came in buffers, which go back.
    std::string take_bytes(Id id) {
        std::string all;
        for (Cqe& cqe : books_[id].seen) {
            if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) {
                all += buffers_->bytes(cqe.flags >> IORING_CQE_BUFFER_SHIFT, cqe.result);
                buffers_->give_back(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
                cqe.flags &= ~static_cast<unsigned>(IORING_CQE_F_BUFFER);
            }
        }
        return all;
    }
    /// The requests in the order in which they ended.
    const std::vector<Id>& ended() const { return ended_; }

    unsigned flags() { return *static_cast<volatile unsigned*>(queues().sq.kflags); }
    /// The entry that would be read next by the kernel, and how many it has not read.
    unsigned unread() {
        return queues().sq.sqe_tail - __atomic_load_n(queues().sq.khead, __ATOMIC_ACQUIRE);
    }
    unsigned visible() {
        return __atomic_load_n(queues().cq.ktail, __ATOMIC_ACQUIRE) - *queues().cq.khead;
    }

    /// Reads what is visible. Called by each entry; switched off by `keeps_unreaped`.
    unsigned reap() {
        if (keeps_unreaped) {
            return 0;
        }
        io_uring_cq& cq = queues().cq;
        const unsigned head = *cq.khead;
        const unsigned tail = __atomic_load_n(cq.ktail, __ATOMIC_ACQUIRE);
        for (unsigned next = head; next != tail;) {
            const Cqe cqe = {cq.cqes[next & cq.ring_mask].res, cq.cqes[next & cq.ring_mask].flags};
            const std::uint64_t tagged = cq.cqes[next & cq.ring_mask].user_data;
            __atomic_store_n(cq.khead, ++next, __ATOMIC_RELEASE);
            note(tagged, cqe);
        }
        return tail - head;
    }

    bool keeps_unreaped = false;

private:
    struct Book {
        std::vector<Cqe> seen;
        bool over = false;
        bool counted = false;  // a request and no cancel
    };

    static std::uint64_t tag(Id id) { return (std::uint64_t{id} + 1) << 4; }

    Id write(const Prepare& prepare, bool counted) {
        io_uring_sq& sq = queues().sq;
        while (unread() == sq.ring_entries) {
            enter();
        }
        const Id id = books_.size();
        books_.emplace_back().counted = counted;
        io_uring_sqe& sqe = sq.sqes[sq.sqe_tail & sq.ring_mask];
        prepare(sqe);
        sqe.user_data = tag(id);
        ++sq.sqe_tail;
        in_flight_ += counted ? 1U : 0U;
        return id;
    }
    Id write_cancel(std::uint64_t target, unsigned what, unsigned flags) {
        return write(
            [&](io_uring_sqe& sqe) {
                io_uring_prep_cancel64(&sqe, target, static_cast<int>(what));
                io_uring_sqe_set_flags(&sqe, flags);
            },
            false);
    }
    // What is wrong here is said and not thrown: the driver's end goes on reading. And it is no
    // expression, whose type the sanitizer may see for the first time when no descriptor is left.
    void note(std::uint64_t tagged, const Cqe& cqe) {
        const Id id = static_cast<Id>(tagged >> 4) - 1;
        if (id >= books_.size()) {
            FAIL_CHECK("a completion is nobody's");
            return;
        }
        Book& book = books_[id];
        book.seen.push_back(cqe);
        if (book.over) {
            FAIL_CHECK("a request ends twice");
            return;
        }
        if ((cqe.flags & IORING_CQE_F_MORE) == 0) {
            book.over = true;
            in_flight_ -= book.counted ? 1U : 0U;
            ended_.push_back(id);
        }
    }

    std::unique_ptr<Kernel> kernel_;
    std::unique_ptr<Buffers> buffers_;
    std::vector<Book> books_;
    std::vector<Id> ended_;
    std::size_t in_flight_ = 0;
    unsigned entries_made_ = 0;
};

}  // namespace ringio::testing
