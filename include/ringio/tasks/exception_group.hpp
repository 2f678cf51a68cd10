// ExceptionGroup: several errors at once, as they come out of a task group.
#pragma once

#include <ringio/base/config.hpp>

#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ringio {

/// Several exceptions thrown as one; Python's ExceptionGroup. Groups may hold groups.
class RINGIO_API ExceptionGroup : public std::runtime_error {
public:
    /// *Errors*: std::invalid_argument when there is no exception, or a null one.
    ExceptionGroup(const std::string& message, std::vector<std::exception_ptr> exceptions);

    /// Returns the text without the count that what() adds.
    const std::string& message() const noexcept { return message_; }
    const std::vector<std::exception_ptr>& exceptions() const noexcept { return exceptions_; }

    /// Says whether an exception of type E is in the group, or in a group within it.
    template <class E>
    bool contains() const {
        return !select<E>().empty();
    }

    /// Returns the exceptions of type E, also those of nested groups; what `except*` catches.
    template <class E>
    std::vector<std::exception_ptr> select() const {
        return part([](const std::exception_ptr& error) { return is<E>(error); }).first;
    }

    /// Returns the exceptions that are not of type E, also those of nested groups.
    template <class E>
    std::vector<std::exception_ptr> without() const {
        return part([](const std::exception_ptr& error) { return is<E>(error); }).second;
    }

    /// Throws the exception itself when there is only one.
    void rethrow_if_single() const;

private:
    using Parted = std::pair<std::vector<std::exception_ptr>, std::vector<std::exception_ptr>>;

    template <class E>
    static bool is(const std::exception_ptr& error) {
        try {
            std::rethrow_exception(error);
        } catch (const E&) {
            return true;
        } catch (...) {
            return false;
        }
    }
    Parted part(bool (*wanted)(const std::exception_ptr&)) const;

    std::string message_;
    std::vector<std::exception_ptr> exceptions_;
};

}  // namespace ringio
