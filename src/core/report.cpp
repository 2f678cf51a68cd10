#include <ringio/core/report.hpp>

#include <ringio/core/exceptions.hpp>

#include <cstdio>

namespace ringio::detail {

void print_plain_report(const char* message, const std::exception_ptr& exception) noexcept {
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
