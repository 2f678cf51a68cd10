// report: how noexcept code tells the exception handler of an error. To build the texts takes
// memory, and the want of it must not end the program.
#pragma once

#include <ringio/core/event_loop.hpp>

#include <exception>

namespace ringio::detail {

/// Has print_plain_report() print nothing on this thread, as long as it lives; for a harness whose
/// shortage of memory is of its own making.
class SilencePlainReports {
public:
    SilencePlainReports() noexcept;
    SilencePlainReports(const SilencePlainReports&) = delete;
    SilencePlainReports& operator=(const SilencePlainReports&) = delete;
    ~SilencePlainReports();

private:
    bool before_;
};

/// Prints "message", and what the exception (may be null) says, to standard error.
void print_plain_report(const char* message, const std::exception_ptr& exception) noexcept;

/// Prints "message", then "key: value" lines and the exception to standard error.
void print_exception_context(const ExceptionContext& context) noexcept;

/// Hands what `make` returns to the exception handler of `loop` (null: prints it). Without memory
/// for that, prints `message`.
template <class MakeContext>
void report(EventLoop* loop, const char* message, const std::exception_ptr& exception,
            MakeContext make) noexcept {
    try {
        const ExceptionContext context = make();
        if (loop != nullptr) {
            loop->call_exception_handler(context);
        } else {
            print_exception_context(context);
        }
    } catch (...) {
        print_plain_report(message, exception);
    }
}

}  // namespace ringio::detail
