#include <ringio/core/exceptions.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>

#include <support/catch.hpp>

using namespace ringio;
using detail::ExceptionKind;

namespace {

ExceptionKind kind_while_handling(const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (...) {
        return detail::current_exception_kind();
    }
}

}  // namespace

TEST_CASE("exceptions: a cancellation is no std::exception, the others are") {
    static_assert(!std::is_base_of_v<std::exception, CancelledError>);
    static_assert(std::is_base_of_v<std::runtime_error, TimeoutError>);
    static_assert(std::is_base_of_v<std::logic_error, InvalidStateError>);
    static_assert(std::is_base_of_v<std::runtime_error, DeadlockError>);
    static_assert(!std::is_base_of_v<std::exception, KeyboardInterrupt>);
    bool swallowed = false;
    try {
        try {
            throw CancelledError("stop");
        } catch (const std::exception&) {
            swallowed = true;
        }
    } catch (const CancelledError& error) {
        CHECK(error.message() == "stop");
    }
    CHECK_FALSE(swallowed);
    CHECK(CancelledError().message().empty());
}

TEST_CASE("exceptions: a TimeoutError says so") {
    CHECK(std::string(TimeoutError().what()) == "timed out");
}

TEST_CASE("exceptions: the texts of asyncio") {
    const IncompleteReadError known("abc", 5);
    CHECK(std::string(known.what()) == "3 bytes read on a total of 5 expected bytes");
    CHECK(known.partial() == "abc");
    CHECK(known.expected() == 5);
    const IncompleteReadError unknown("", IncompleteReadError::unknown);
    CHECK(std::string(unknown.what()) == "0 bytes read on a total of undefined expected bytes");
    const LimitOverrunError overrun("too long", 8);
    CHECK(overrun.consumed() == 8);
    CHECK(std::string(overrun.what()) == "too long");
}

TEST_CASE("exceptions: kinds are told apart, stored or being handled") {
    const auto check = [](const std::exception_ptr& exception, ExceptionKind kind) {
        CHECK(detail::exception_kind(exception) == kind);
        CHECK(kind_while_handling(exception) == kind);
    };
    check(std::make_exception_ptr(CancelledError()), ExceptionKind::cancelled);
    check(std::make_exception_ptr(KeyboardInterrupt()), ExceptionKind::interrupt);
    check(std::make_exception_ptr(std::runtime_error("x")), ExceptionKind::ordinary);
    check(std::make_exception_ptr(5), ExceptionKind::ordinary);
    CHECK(detail::exception_kind(nullptr) == ExceptionKind::ordinary);
    CHECK(detail::current_exception_kind() == ExceptionKind::ordinary);
}

TEST_CASE("exceptions: are described for a report and for a repr") {
    const auto boom = std::make_exception_ptr(std::runtime_error("boom"));
    CHECK(detail::describe_exception(boom) == "std::runtime_error: boom");
    CHECK(detail::repr_exception(boom) == "std::runtime_error('boom')");
    const auto timeout = std::make_exception_ptr(TimeoutError());
    CHECK(detail::describe_exception(timeout) == "ringio::TimeoutError: timed out");
    CHECK(detail::repr_exception(timeout) == "ringio::TimeoutError('timed out')");
    const auto cancelled = std::make_exception_ptr(CancelledError("why"));
    CHECK(detail::describe_exception(cancelled) == "ringio::CancelledError: why");
    CHECK(detail::describe_exception(std::make_exception_ptr(5)) == "int");
    CHECK(detail::describe_exception(nullptr) == "no exception");
    CHECK(detail::repr_exception(nullptr) == "None");
    const auto system =
        std::make_exception_ptr(std::system_error(ENOENT, std::system_category(), "openat"));
    CHECK(detail::describe_exception(system) ==
          "std::system_error: openat: No such file or directory");
}
