#include <ringio/core/report.hpp>

#include <ringio/core/exceptions.hpp>

#include <cstdio>
#include <string>
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

void print_exception_context(const ExceptionContext& context) noexcept {
    try {
        std::string text = context.message + "\n";
        for (const auto& [key, value] : context.details) {
            text += key + ": " + value + "\n";
        }
        if (context.exception) {
            text += describe_exception(context.exception) + "\n";
        }
        std::fputs(text.c_str(), stderr);
    } catch (...) {
        print_plain_report(context.message.c_str(), context.exception);
    }
}

}  // namespace ringio::detail
