#include <ringio/core/report.hpp>

#include <ringio/core/exceptions.hpp>

#include <cstdio>
#include <utility>

namespace ringio::detail {
namespace {

constinit thread_local bool is_silent = false;

}  // namespace

SilencePlainReports::SilencePlainReports() noexcept : before_(std::exchange(is_silent, true)) {}

SilencePlainReports::~SilencePlainReports() { is_silent = before_; }

void print_plain_report(const char* message, const std::exception_ptr& exception) noexcept {
    if (is_silent) {
        return;
    }
    std::fprintf(stderr, "%s\n", message);
    if (!exception) {
        return;
    }
    try {
        std::rethrow_exception(exception);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
    } catch (const KeyboardInterrupt&) {
        std::fputs("interrupted by SIGINT\n", stderr);
    } catch (...) {
        std::fputs("an exception of a type that has no text\n", stderr);
    }
}

}  // namespace ringio::detail
