#include <ringio/core/exceptions.hpp>

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace ringio {
namespace {

std::string incomplete_text(std::size_t partial, std::size_t expected) {
    return std::to_string(partial) + " bytes read on a total of " +
           (expected == IncompleteReadError::unknown ? std::string("undefined")
                                                     : std::to_string(expected)) +
           " expected bytes";
}

struct Description {
    std::string type;
    std::string text;
    std::string source = {};  // of a cancellation
};

Description describe(const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const CancelledError& error) {
        return {"ringio::CancelledError", error.message(), error.source().text()};
    } catch (const KeyboardInterrupt&) {
        return {"ringio::KeyboardInterrupt", "interrupted by SIGINT"};
    } catch (const std::exception& error) {
        return {detail::type_name(typeid(error)), error.what()};
    } catch (...) {
        const std::type_info* type = abi::__cxa_current_exception_type();
        return {type != nullptr ? detail::type_name(*type) : "unknown exception", ""};
    }
}

detail::ExceptionKind kind_of(const std::type_info* type) noexcept {
    if (type == nullptr) {
        return detail::ExceptionKind::ordinary;
    }
    if (*type == typeid(CancelledError)) {
        return detail::ExceptionKind::cancelled;
    }
    return *type == typeid(KeyboardInterrupt) ? detail::ExceptionKind::interrupt
                                              : detail::ExceptionKind::ordinary;
}

}  // namespace

CancelledError::CancelledError(std::string message)
    : request_(new detail::Cancellation(std::move(message), CancelSource())) {}

const std::string& CancelledError::message() const noexcept {
    static const std::string none;
    return request_ ? request_->message : none;
}

const CancelSource& CancelledError::source() const noexcept {
    static const CancelSource unknown;
    return request_ ? request_->source : unknown;
}

IncompleteReadError::IncompleteReadError(std::string partial, std::size_t expected)
    : std::runtime_error(incomplete_text(partial.size(), expected)),
      partial_(std::move(partial)),
      expected_(expected) {}

namespace detail {

ExceptionKind current_exception_kind() noexcept {
    return kind_of(abi::__cxa_current_exception_type());
}

ExceptionKind exception_kind(const std::exception_ptr& exception) noexcept {
    return exception ? kind_of(exception.__cxa_exception_type()) : ExceptionKind::ordinary;
}

std::string type_name(const std::type_info& type) {
    if (type == typeid(std::string)) {
        return "std::string";  // which is std::__cxx11::basic_string<...>
    }
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> name(
        abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
    return status == 0 && name ? name.get() : type.name();
}

std::string exception_type_name(const std::exception_ptr& exception) {
    return exception ? describe(exception).type : "no exception";
}

std::string describe_exception(const std::exception_ptr& exception) {
    if (!exception) {
        return "no exception";
    }
    const Description description = describe(exception);
    return description.type + (description.text.empty() ? "" : ": " + description.text) +
           (description.source.empty() ? "" : " (" + description.source + ")");
}

std::string repr_exception(const std::exception_ptr& exception) {
    if (!exception) {
        return "None";
    }
    const Description description = describe(exception);
    return description.type + (description.text.empty() ? "()" : "('" + description.text + "')");
}

}  // namespace detail
}  // namespace ringio
