// What the archive can carry to another process, and by which of its ways. A type that it cannot
// carry is refused by a sentence.
#pragma once

#include <ringio/process/aggregate_members.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>
#include <ranges>
#include <source_location>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <typeindex>
#include <utility>
#include <variant>

namespace ringio::concurrent {

class ArchiveIn;
class ArchiveOut;

}  // namespace ringio::concurrent

namespace ringio::detail {

/// The ways, and the reasons why there is none.
enum class ArchiveKind : unsigned char {
    plain,  ///< its bytes
    serialize_member,
    serialize_function,
    path,
    optional,
    variant,
    associative,
    sequence,
    array,
    tuple_like,
    aggregate,
    // What is refused.
    pointer,
    view,
    closure,
    place,  // of this process: an address in it
    unknown,
};

template <class T>
concept HasSerializeMember =
    requires(T& value, concurrent::ArchiveOut& out, concurrent::ArchiveIn& in) {
        value.serialize(out);
        value.serialize(in);
    };

template <class T>
concept HasSerializeFunction =
    requires(T& value, concurrent::ArchiveOut& out, concurrent::ArchiveIn& in) {
        serialize(out, value);
        serialize(in, value);
    };

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_variant = false;
template <class... Ts>
inline constexpr bool is_variant<std::variant<Ts...>> = true;

template <class T>
inline constexpr bool is_std_array = false;
template <class T, std::size_t size>
inline constexpr bool is_std_array<std::array<T, size>> = true;

template <class T>
inline constexpr bool is_reference_wrapper = false;
template <class T>
inline constexpr bool is_reference_wrapper<std::reference_wrapper<T>> = true;

/// A raw pointer, what behaves as one, and what is made of one.
template <class T>
concept PointerLike =
    std::is_pointer_v<T> || std::is_null_pointer_v<T> || std::is_member_pointer_v<T> ||
    is_reference_wrapper<T> || std::input_or_output_iterator<T> || requires(const T& value) {
        typename T::element_type;
        { value.get() } -> std::convertible_to<typename T::element_type*>;
    };

/// Ends in this process, though its bytes can be copied.
template <class T>
concept PlaceInProcess =
    std::same_as<T, std::error_code> || std::same_as<T, std::error_condition> ||
    std::same_as<T, std::type_index> || std::same_as<T, std::source_location> ||
    std::same_as<T, std::exception_ptr> || requires(const T& handle) {
        { handle.address() } -> std::same_as<void*>;
        handle.done();
    };

template <class T>
concept ViewOfOthers =
    std::ranges::view<T> ||
    (std::ranges::range<T> && std::is_trivially_copyable_v<T> && std::ranges::borrowed_range<T>);

/// A lambda that captures has no default constructor; a random engine has one.
template <class T>
concept CapturingClosure = std::is_class_v<T> && !std::is_empty_v<T> &&
                           !std::is_default_constructible_v<T> && requires { &T::operator(); };

template <class T>
concept AssociativeContainer = requires(T& container, typename T::key_type key) {
    container.clear();
    container.size();
    container.begin();
    container.find(key);
};

template <class T>
concept SequenceContainer =
    std::ranges::forward_range<T> && requires(T& container, typename T::value_type value) {
        container.clear();
        container.size();
        container.push_back(std::move(value));
    };

template <class T>
concept TupleLike = requires { std::tuple_size<T>::value; };

template <class T>
constexpr ArchiveKind archive_kind();

/// All `Ts` travel as their bytes.
template <class... Ts>
constexpr bool are_plain() {
    return ((archive_kind<std::remove_cv_t<std::remove_reference_t<Ts>>>() == ArchiveKind::plain) &&
            ...);
}

/// The kinds of the members decide; of a class whose members nobody can see, nothing speaks against
/// its bytes.
template <class T>
constexpr ArchiveKind kind_of_trivial() {
    if constexpr (has_members<T>()) {
        constexpr auto are_all_plain = [](auto&... members) {
            return std::bool_constant<are_plain<decltype(members)...>()>();
        };
        using Plain = decltype(visit_members(std::declval<T&>(), are_all_plain));
        return Plain::value ? ArchiveKind::plain : ArchiveKind::aggregate;
    } else {
        return std::is_aggregate_v<T> && std::is_class_v<T> && !std::is_empty_v<T>
                   ? ArchiveKind::unknown
                   : ArchiveKind::plain;
    }
}

template <class T>
constexpr ArchiveKind archive_kind() {
    if constexpr (HasSerializeMember<T>) {
        return ArchiveKind::serialize_member;
    } else if constexpr (HasSerializeFunction<T>) {
        return ArchiveKind::serialize_function;
    } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
        return ArchiveKind::plain;
    } else if constexpr (PointerLike<T>) {
        return ArchiveKind::pointer;
    } else if constexpr (PlaceInProcess<T>) {
        return ArchiveKind::place;
    } else if constexpr (std::same_as<T, std::filesystem::path>) {
        return ArchiveKind::path;
    } else if constexpr (std::is_array_v<T> || is_std_array<T>) {
        using Element = std::remove_cvref_t<decltype(std::declval<T&>()[0])>;
        return archive_kind<Element>() == ArchiveKind::plain ? ArchiveKind::plain
                                                             : ArchiveKind::array;
    } else if constexpr (is_optional<T>) {
        return ArchiveKind::optional;
    } else if constexpr (is_variant<T>) {
        return ArchiveKind::variant;
    } else if constexpr (AssociativeContainer<T>) {
        return ArchiveKind::associative;
    } else if constexpr (SequenceContainer<T>) {
        return ArchiveKind::sequence;
    } else if constexpr (TupleLike<T>) {
        return ArchiveKind::tuple_like;
    } else if constexpr (ViewOfOthers<T>) {
        return ArchiveKind::view;
    } else if constexpr (CapturingClosure<T>) {
        return ArchiveKind::closure;
    } else if constexpr (std::is_trivially_copyable_v<T>) {
        return kind_of_trivial<T>();
    } else if constexpr (has_members<T>()) {
        return ArchiveKind::aggregate;
    } else {
        return ArchiveKind::unknown;
    }
}

/// Refuses what the archive cannot carry.
template <class T>
constexpr void require_archivable() {
    static_assert(
        std::is_same_v<T, std::remove_cvref_t<T>>,
        "ringio: a reference, or what is const, cannot be sent to another process; send a "
        "value");
    constexpr ArchiveKind kind = archive_kind<T>();
    static_assert(kind != ArchiveKind::pointer,
                  "ringio: a pointer, an iterator or a reference means nothing in another process; "
                  "send what it points to: for a text a std::string, for an array a std::vector");
    static_assert(kind != ArchiveKind::view,
                  "ringio: a view refers to memory of this process; send a std::string or a "
                  "std::vector");
    static_assert(kind != ArchiveKind::closure,
                  "ringio: a lambda that captures, or a callable with members, cannot be sent to "
                  "another process; pass what it captures as arguments");
    static_assert(
        kind != ArchiveKind::place,
        "ringio: this value refers to an object of this process (an error category, a type, "
        "a coroutine); send what it says, as a number or a std::string");
    static_assert(kind != ArchiveKind::unknown,
                  "ringio: the archive does not know the members of this type; give it `template "
                  "<class Archive> void serialize(Archive& archive) { archive(a, b); }`");
}

}  // namespace ringio::detail
