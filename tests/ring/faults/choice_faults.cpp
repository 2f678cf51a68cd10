// Wrong ways to choose a kernel, each of them once taken by somebody.
#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <liburing.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ringio/base/unique_fd.hpp>
#include <ringio/ring/epoll_kernel.hpp>
#include <ringio/ring/uring_kernel.hpp>

#include "../passing_kernel.hpp"
#include "faulty_choice.hpp"
#include "faulty_kernel.hpp"

namespace ringio::testing {
namespace {

class NamelessKernel final : public PassingKernel {
    using PassingKernel::PassingKernel;
    std::string_view name() const noexcept override { return "a kernel"; }
    std::string_view remark() const noexcept override { return ""; }
};

// Takes it for granted that the kernel has what the C library has.
class NeedsPwait2 final : public PassingKernel {
public:
    NeedsPwait2() : PassingKernel(std::make_unique<EpollKernel>()) {}
    int enter(bool wait, std::optional<std::chrono::nanoseconds> timeout) noexcept override {
        epoll_event event{};
        const timespec none{};
        if (wait && timeout && ::epoll_pwait2(epoll_.get(), &event, 1, &none, nullptr) < 0) {
            return -errno;
        }
        return PassingKernel::enter(wait, timeout);
    }

private:
    UniqueFd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
};

// A ring that was set up, of which nobody saw that it works.
class UntriedUring final : public Kernel {
public:
    explicit UntriedUring(unsigned entries) {
        const int result = io_uring_queue_init(entries, &queues(), 0);
        if (result < 0) {
            throw std::system_error(-result, std::system_category());
        }
    }
    ~UntriedUring() override { io_uring_queue_exit(&queues()); }
    int enter(bool wait, std::optional<std::chrono::nanoseconds>) noexcept override {
        return io_uring_enter2(static_cast<unsigned>(queues().ring_fd), publish(), wait ? 1 : 0,
                               IORING_ENTER_GETEVENTS, nullptr, _NSIG / 8);
    }
    int try_now(const io_uring_sqe&) noexcept override { return -EAGAIN; }
    std::string_view name() const noexcept override { return "io_uring"; }
};

using Made = std::unique_ptr<Kernel>;

// The errors that count as a refusal lack one.
template <int missing>
Made lacks_an_error(KernelSource& right, unsigned entries) {
    try {
        return uring_kernel().make(entries);
    } catch (const std::system_error& error) {
        if (error.code().value() == missing) {
            throw;
        }
    }
    return right.make(entries);
}

// Asks by a call of its own, before it looks whether it may.
Made asks_first(KernelSource& right, unsigned entries) {
    io_uring_params params{};
    const UniqueFd ring(static_cast<int>(::syscall(__NR_io_uring_setup, 2, &params)));
    return right.make(entries);
}

Made refusal_ends_the_program(KernelSource& right, unsigned entries) {
    try {
        return uring_kernel().make(entries);
    } catch (const std::system_error&) {
        ::_exit(1);
    }
    return right.make(entries);
}

// A smaller ring works, so the right one must.
Made believes_a_smaller_ring(KernelSource& right, unsigned entries) {
    io_uring ring{};
    if (io_uring_queue_init(2, &ring, 0) != 0) {
        return right.make(entries);
    }
    io_uring_queue_exit(&ring);
    return uring_kernel().make(entries);
}

// What is only for speed is needed, too.
Made needs_all(KernelSource& right, unsigned entries) {
    io_uring ring{};
    unsigned workers[2] = {0, 0};
    if (io_uring_queue_init(2, &ring, 0) == 0) {
        const int result = io_uring_register_iowq_max_workers(&ring, workers);
        io_uring_queue_exit(&ring);
        if (result < 0) {
            return epoll_kernel().make(entries);
        }
    }
    return right.make(entries);
}

// The first request will show.
Made believes_the_set_up(KernelSource& right, unsigned entries) {
    try {
        return std::make_unique<UntriedUring>(entries);
    } catch (const std::system_error&) {
        return right.make(entries);
    }
}

Made says_no_name(KernelSource& right, unsigned entries) {
    return std::make_unique<NamelessKernel>(right.make(entries));
}

class FaultyChoice final : public KernelSource {
public:
    using Make = Made (*)(KernelSource& right, unsigned entries);

    FaultyChoice(Make choose, KernelSource& right) : make_(choose), right_(right) {}
    Made make(unsigned entries) override { return make_(right_, entries); }

private:
    Make make_;
    KernelSource& right_;
};

// Null where the planted fault is none of a choice.
FaultyChoice::Make planted_choice() {
    struct NamedChoice {
        std::string_view name;
        FaultyChoice::Make make;
    };
    static constexpr NamedChoice choices[] = {
        {"not_supported_is_no_refusal", lacks_an_error<EOPNOTSUPP>},
        {"not_permitted_is_no_refusal", lacks_an_error<EPERM>},
        {"asks_first", asks_first},
        {"refusal_ends_the_program", refusal_ends_the_program},
        {"believes_a_smaller_ring", believes_a_smaller_ring},
        {"needs_all", needs_all},
        {"believes_the_set_up", believes_the_set_up},
        {"says_no_name", says_no_name},
    };
    for (const NamedChoice& choice : choices) {
        if (choice.name == planted_fault()) {
            return choice.make;
        }
    }
    return nullptr;
}

KernelSource& source_under_test(KernelSource& right, FaultyChoice& faulty) {
    return planted_choice() != nullptr ? static_cast<KernelSource&>(faulty) : right;
}

}  // namespace

KernelSource& automatic_choice() {
    static FaultyChoice faulty(planted_choice(), automatic_kernel());
    return source_under_test(automatic_kernel(), faulty);
}

KernelSource& default_choice() {
    static FaultyChoice faulty(planted_choice(), default_kernel());
    return source_under_test(default_kernel(), faulty);
}

std::unique_ptr<Kernel> plain_epoll_kernel() {
    if (planted_fault() == "needs_pwait2") {
        return std::make_unique<NeedsPwait2>();
    }
    return std::make_unique<EpollKernel>();
}

}  // namespace ringio::testing
