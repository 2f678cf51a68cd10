// A ring that allows only a part: the restricted one, and those of others that lack what ringio
// needs.
#include "../../src/ring/uring_probe.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <liburing.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ringio/ring/uring_kernel.hpp>
#include <support/catch.hpp>

#include "chosen_kernel.hpp"
#include "every_operation.hpp"
#include "probe.hpp"
#include "scripted_kernel.hpp"

using namespace ringio;
using namespace ringio::testing;

namespace {

// A ring that somebody else set up, with the restrictions he likes.
class ForeignKernel final : public Kernel {
public:
    explicit ForeignKernel(unsigned entries = 32) {
        io_uring_params params{};
        params.flags = IORING_SETUP_R_DISABLED;
        REQUIRE(io_uring_queue_init_params(entries, &queues(), &params) == 0);
    }
    ~ForeignKernel() override { io_uring_queue_exit(&queues()); }

    // Allows all that ringio uses, less `missing`.
    void allow_all_but(unsigned missing) {
        std::vector<io_uring_restriction> allowed;
        for (const detail::UsedOperation& operation : detail::used_operations) {
            if (operation.opcode != missing) {
                io_uring_restriction next{};
                next.opcode = IORING_RESTRICTION_SQE_OP;
                next.sqe_op = operation.opcode;
                allowed.push_back(next);
            }
        }
        call(IORING_REGISTER_RESTRICTIONS, allowed.data(), static_cast<unsigned>(allowed.size()));
        call(IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
    }
    void allow_what_is_used() { REQUIRE(detail::restrict_ring(queues()) == 0); }

    int enter(bool wait, std::optional<std::chrono::nanoseconds>) noexcept override {
        return io_uring_enter2(static_cast<unsigned>(queues().enter_ring_fd), publish(),
                               wait ? 1 : 0, IORING_ENTER_GETEVENTS, nullptr, _NSIG / 8);
    }
    int try_now(const io_uring_sqe&) noexcept override { return -EAGAIN; }
    std::string_view name() const noexcept override { return "foreign"; }

    int registers(unsigned opcode) {
        return static_cast<int>(
            ::syscall(__NR_io_uring_register, queues().ring_fd, opcode, nullptr, 0));
    }

private:
    void call(unsigned opcode, const void* argument, unsigned count) {
        REQUIRE(::syscall(__NR_io_uring_register, queues().ring_fd, opcode, argument, count) == 0);
    }
};

// Of what it has done, it tells the first, and the rest as much later as the test likes. It sleeps
// as long as it may, by its own clock.
class LateKernel final : public Kernel {
public:
    explicit LateKernel(std::chrono::seconds late, unsigned at_once = 1)
        : late_(late), at_once_(at_once) {
        real_.allow_what_is_used();
        queues() = real_.queues();
        queues().cq.ktail = &shown_;
    }

    int enter(bool wait, std::optional<std::chrono::nanoseconds> timeout) noexcept override {
        real_.queues().sq = queues().sq;
        const bool is_late = passed_ < late_;
        const int entered = real_.enter(wait && !is_late, std::nullopt);
        const unsigned done = *real_.queues().cq.ktail;
        shown_ = is_late ? std::min(done, at_once_) : done;
        if (wait && shown_ == *queues().cq.khead) {
            passed_ += timeout.value_or(std::chrono::hours(1));
            return -ETIME;
        }
        return entered;
    }
    int try_now(const io_uring_sqe&) noexcept override { return -EAGAIN; }
    Clock::time_point now() const noexcept override { return Clock::time_point() + passed_; }
    std::string_view name() const noexcept override { return "late"; }

private:
    ForeignKernel real_;
    std::chrono::nanoseconds late_;
    std::chrono::nanoseconds passed_{0};
    unsigned at_once_;
    unsigned shown_ = 0;
};

// Asks with an entry of the test's own, past the requests that ringio has.
int answer_to(Kernel& kernel, unsigned opcode, unsigned flags = 0) {
    io_uring_sq& sq = kernel.queues().sq;
    io_uring_sqe& entry = sq.sqes[sq.sqe_tail++ & sq.ring_mask];
    std::memset(&entry, 0, sizeof entry);
    entry.opcode = static_cast<unsigned char>(opcode);
    entry.flags = static_cast<unsigned char>(flags);
    entry.fd = -1;
    io_uring_cq& cq = kernel.queues().cq;
    while (*cq.ktail == *cq.khead) {
        REQUIRE(kernel.enter(true, std::nullopt) >= 0);
    }
    const int result = cq.cqes[*cq.khead & cq.ring_mask].res;
    io_uring_smp_store_release(cq.khead, *cq.khead + 1);
    return result;
}

std::string refused_by(Kernel& kernel) {
    const char* const name = detail::find_refused_operation(kernel);
    return name != nullptr ? name : "none";
}

}  // namespace

TEST_CASE("uring probe: a ring that may do all refuses nothing, whatever its size", "[uring]") {
    for (const unsigned entries : {1U, 2U, 8U, 64U}) {
        UringKernel kernel(UringOptions{entries, entries});
        CHECK(refused_by(kernel) == "none");
        CHECK(*kernel.queues().cq.khead == *kernel.queues().cq.ktail);
        CHECK(*kernel.queues().sq.khead == kernel.queues().sq.sqe_tail);
        Ring ring(std::make_unique<UringKernel>(UringOptions{entries, entries}));
        CHECK(perform(ring, NopRequest{}) == 0);
    }
}

TEST_CASE("uring probe: names the operation that a restriction leaves out, each of them",
          "[uring]") {
    for (const detail::UsedOperation& missing : detail::used_operations) {
        ForeignKernel kernel;
        kernel.allow_all_but(missing.opcode);
        CHECK(refused_by(kernel) == missing.name);
    }
}

TEST_CASE("uring probe: an operation that ringio does not use may be missing", "[uring]") {
    ForeignKernel kernel;
    kernel.allow_what_is_used();
    CHECK(answer_to(kernel, IORING_OP_SPLICE) == -EACCES);
    CHECK(refused_by(kernel) == "none");
}

TEST_CASE("uring probe: every operation has a name of its own") {
    std::string names = " ";
    for (const detail::UsedOperation& operation : detail::used_operations) {
        const std::string name = operation.name + std::string(" ");
        CHECK(names.find(' ' + name) == std::string::npos);
        names += name;
    }
}

TEST_CASE("uring probe: requests that are accepted and never answered are a refusal of all") {
    ScriptedKernel kernel(32, 32);
    CHECK(refused_by(kernel).empty());
}

TEST_CASE("uring probe: a kernel that fails to be entered is one, too") {
    ScriptedKernel kernel(32, 32);
    kernel.refusals = 1;
    kernel.refusal = -ENOSYS;
    CHECK(refused_by(kernel).empty());
}

TEST_CASE("uring probe: the refusal of one operation is told by its name", "[uring]") {
    const std::string text =
        explain_setup_failure(EACCES, 0, SetupLimits{.entries = 8, .operation = "STATX"});
    CHECK(begins_with(text, "io_uring cannot be used: its operation STATX is refused"));
    CHECK(text.find("docs/kernels.md") != std::string::npos);
}

TEST_CASE("uring kernel: a restricted ring serves all that ringio asks for", "[uring]") {
    Ring ring(restricted_uring_kernel().make(8));
    CHECK(failures_of_every_operation(ring).empty());
}

TEST_CASE("uring kernel: a restricted ring refuses other operations, with EACCES", "[uring]") {
    UringKernel kernel(UringOptions{.restricted = true});
    unsigned refused = 0;
    for (unsigned opcode = 0; opcode < IORING_OP_LAST; ++opcode) {
        bool used = false;
        for (const detail::UsedOperation& operation : detail::used_operations) {
            used = used || operation.opcode == opcode;
        }
        if (!used) {
            INFO("operation " << opcode);
            CHECK(answer_to(kernel, opcode) == -EACCES);
            ++refused;
        }
    }
    CHECK(refused + detail::used_operations_count == IORING_OP_LAST);
}

TEST_CASE("uring kernel: a restricted ring refuses flags and registrations that ringio has not",
          "[uring]") {
    UringKernel kernel(UringOptions{.restricted = true});
    CHECK(answer_to(kernel, IORING_OP_NOP) == 0);
    for (const unsigned flag : {IOSQE_IO_LINK, IOSQE_FIXED_FILE, IOSQE_IO_DRAIN}) {
        CHECK(answer_to(kernel, IORING_OP_NOP, flag) == -EACCES);
    }
    errno = 0;
    CHECK(::syscall(__NR_io_uring_register, kernel.queues().ring_fd, IORING_UNREGISTER_FILES,
                    nullptr, 0) < 0);
    CHECK(errno == EACCES);
}

TEST_CASE("uring kernel: an unrestricted ring does not", "[uring]") {
    UringKernel kernel;
    CHECK(answer_to(kernel, IORING_OP_SPLICE) != -EACCES);
    Ring ring(std::make_unique<UringKernel>());
    CHECK(failures_of_every_operation(ring).empty());
}

TEST_CASE("uring probe: who has answered is real, and may take longer than a stub is given",
          "[uring]") {
    LateKernel busy(std::chrono::seconds(30));
    CHECK(detail::find_refused_operation(busy) == nullptr);
    LateKernel stub(std::chrono::seconds(30), 0);
    REQUIRE(detail::find_refused_operation(stub) != nullptr);
    CHECK(std::string_view(detail::find_refused_operation(stub)).empty());
    CHECK(stub.now() < Clock::time_point() + std::chrono::seconds(3));
}
