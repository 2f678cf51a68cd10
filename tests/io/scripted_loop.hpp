// An event loop whose kernel the test plays.
#pragma once

#include <ring/scripted_kernel.hpp>
#include <ringio/core.hpp>
#include <ringio/tasks.hpp>
#include <ringio/testing/balance.hpp>
#include <support/catch.hpp>
#include <support/ends.hpp>

#include <fcntl.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace ringio::test_support {

/// The kernel's side of one receive after the other, on one descriptor.
class ScriptedReceive {
public:
    static constexpr std::uint32_t more = IORING_CQE_F_MORE;

    explicit ScriptedReceive(int fd) noexcept : fd_(fd) {}

    static testing::ScriptedKernel& kernel() { return *kernel_; }

    /// Says whether a receive is with the kernel, and of which kind.
    bool in_flight() const { return index().has_value(); }
    bool is_multishot() const {
        return in_flight() && (kernel().held[*index()].flags & IOSQE_BUFFER_SELECT) != 0;
    }

    /// Answers it with bytes, in a provided buffer or in the memory that it names.
    void bring(std::string_view bytes, std::uint32_t flags = more) const {
        const std::size_t at = index().value();
        if (is_multishot()) {
            kernel().answer_with_buffer(at, bytes, flags);
        } else {
            const io_uring_sqe& request = kernel().held[at];
            const std::size_t size = std::min<std::size_t>(bytes.size(), request.len);
            std::memcpy(reinterpret_cast<void*>(request.addr), bytes.data(), size);
            kernel().answer(at, static_cast<int>(size));
        }
    }
    /// Ends it: 0 is the end of the stream, -ENOBUFS ...
    void end(int result) const { kernel().answer(index().value(), result); }
    /// Ends it with a result that brings a buffer all the same.
    void end_with_buffer(int result) const {
        kernel().answer_with_buffer(index().value(), "", result, 0);
    }

    static std::unique_ptr<Kernel> make_kernel(unsigned) {
        auto made = std::make_unique<testing::ScriptedKernel>(64, 256);
        made->refuses_buffers = refuses_buffers;
        kernel_ = made.get();
        return made;
    }
    inline static bool refuses_buffers = false;

private:
    std::optional<std::size_t> index() const {
        for (std::size_t at = 0; at < kernel().held.size(); ++at) {
            if (kernel().held[at].fd == fd_ && kernel().held[at].opcode == IORING_OP_RECV) {
                return at;
            }
        }
        return std::nullopt;
    }

    inline static testing::ScriptedKernel* kernel_ = nullptr;
    int fd_;
};

/// Runs a coroutine on such a loop; everything is given back when it is over.
inline void run_scripted(Task<> (*body)(), bool with_buffers = true) {
    const testing::Balance balance;
    {
        ScriptedReceive::refuses_buffers = !with_buffers;
        LoopOptions options;
        options.kernel = testing::kernel_from<&ScriptedReceive::make_kernel>();
        EventLoop loop(options);
        loop.run_until_complete(body());
        CHECK(loop.statistics().buffers == 0);
        loop.close();
        CHECK(loop.statistics().operations == 0);
    }
    CHECK(balance.difference() == "");
}

/// A descriptor that only the scripted kernel looks at.
inline UniqueFd some_descriptor() { return UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)); }

}  // namespace ringio::test_support

#define SCRIPTED_TEST_CASE_JOIN(a, b) a##b
#define SCRIPTED_TEST_CASE_NAMED(function, ...)                               \
    static ringio::Task<> function();                                         \
    TEST_CASE(__VA_ARGS__) { ringio::test_support::run_scripted(&function); } \
    static ringio::Task<> function()
#define SCRIPTED_TEST_CASE_UNIQUE(line, ...) \
    SCRIPTED_TEST_CASE_NAMED(SCRIPTED_TEST_CASE_JOIN(scripted_test_body_, line), __VA_ARGS__)
#define SCRIPTED_TEST_CASE(...) SCRIPTED_TEST_CASE_UNIQUE(__COUNTER__, __VA_ARGS__)
