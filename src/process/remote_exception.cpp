#include "remote_exception.hpp"

#include <ringio/core/exceptions.hpp>
#include <ringio/process/remote_error.hpp>

#include <unistd.h>

#include <any>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <ios>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <typeinfo>
#include <variant>

namespace ringio::detail {
namespace {

using concurrent::ArchiveIn;
using concurrent::ArchiveOut;
using concurrent::RemoteError;

constexpr std::size_t longest_text = 64UL << 10U;

// What an exception says of itself: all that travels.
struct Told {
    std::string type_name;
    std::string text;
    std::int32_t code = 0;  // of a std::system_error
    std::string category;   // and the name of the category
    std::int32_t worker_pid = 0;
};

// Makes an exception of that very type from its text, when it is one that has nothing else to it.
template <class E>
std::exception_ptr made_of_text(const Told& told) {
    if constexpr (std::is_constructible_v<E, const std::string&>) {
        return std::make_exception_ptr(E(told.text));
    } else {
        return std::make_exception_ptr(E());
    }
}

struct KnownType {
    const std::type_info* type;
    std::exception_ptr (*make)(const Told& told);
};

template <class E>
constexpr KnownType known{&typeid(E), &made_of_text<E>};

const KnownType known_types[] = {known<std::runtime_error>,
                                 known<std::logic_error>,
                                 known<std::invalid_argument>,
                                 known<std::domain_error>,
                                 known<std::length_error>,
                                 known<std::out_of_range>,
                                 known<std::range_error>,
                                 known<std::overflow_error>,
                                 known<std::underflow_error>,
                                 known<std::bad_alloc>,
                                 known<std::bad_cast>,
                                 known<std::bad_typeid>,
                                 known<std::bad_optional_access>,
                                 known<std::bad_variant_access>,
                                 known<std::bad_any_cast>,
                                 known<std::bad_function_call>,
                                 known<TimeoutError>,
                                 known<InvalidStateError>,
                                 known<CancelledError>,
                                 known<concurrent::ArchiveError>};

const std::error_category* category_named(std::string_view name) {
    for (const std::error_category* const each :
         {&std::system_category(), &std::generic_category(), &std::iostream_category(),
          &std::future_category()}) {
        if (name == each->name()) {
            return each;
        }
    }
    return nullptr;
}

// what() without ": message of the code", which the constructor appends again.
std::string text_before_message(const std::system_error& error) {
    std::string text = error.what();
    const std::string message = error.code().message();
    if (text == message) {
        return {};
    }
    if (text.ends_with(": " + message)) {
        text.resize(text.size() - message.size() - 2);
    }
    return text;
}

Told tell_current_exception() {
    Told told;
    told.worker_pid = ::getpid();
    try {
        throw;
    } catch (const RemoteError& error) {  // of a pool that the worker has
        told.type_name = error.type_name();
        told.text = error.what();
        told.worker_pid = error.worker_pid();
        return told;
    } catch (const std::system_error& error) {
        if (typeid(error) == typeid(std::system_error) &&
            category_named(error.code().category().name()) != nullptr) {
            told.text = text_before_message(error);
            told.code = error.code().value();
            told.category = error.code().category().name();
        } else {
            told.text = error.what();
        }
    } catch (const std::exception& error) {
        told.text = error.what();
    } catch (const CancelledError& error) {
        told.text = error.message();
    } catch (...) {
    }
    told.type_name = exception_type_name(std::current_exception());
    if (told.text.empty() && told.category.empty()) {
        told.text = told.type_name;
    }
    return told;
}

}  // namespace

void write_current_exception(ArchiveOut& out) {
    Told told = tell_current_exception();
    for (std::string* const each : {&told.type_name, &told.text}) {
        if (each->size() > longest_text) {
            each->resize(longest_text);
            each->append("...");
        }
    }
    static_assert(2 * longest_text + 1000 < longest_exception);
    out(told);
}

std::exception_ptr read_exception(ArchiveIn& in) {
    const auto told = in.read<Told>();
    if (const std::error_category* const category = category_named(told.category)) {
        const std::error_code code(told.code, *category);
        return std::make_exception_ptr(told.text.empty() ? std::system_error(code)
                                                         : std::system_error(code, told.text));
    }
    for (const KnownType& each : known_types) {
        if (told.type_name == type_name(*each.type)) {
            return each.make(told);
        }
    }
    return std::make_exception_ptr(RemoteError(told.type_name, told.text, told.worker_pid));
}

}  // namespace ringio::detail
