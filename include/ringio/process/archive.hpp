// The archive: how the arguments and the results of a ProcessPoolExecutor travel from process to
// process. Both run the same program, so there are no versions and no byte orders.
#pragma once

#include <ringio/base/config.hpp>
#include <ringio/process/archive_kinds.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ringio {
namespace concurrent {

/// Thrown when a message does not hold what is read from it.
class RINGIO_API ArchiveError final : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Writes values into a message.
///
/// What can be carried: numbers, enums, `std::string`, `std::filesystem::path`, `std::chrono`'s
/// types; containers, `std::array`, `std::pair`, `std::tuple`, `std::optional`, `std::variant` of
/// such; aggregates of up to 16 such members; other types whose bytes can be copied, as long as
/// they have no pointer (which nobody can check where the members are private). A class of one's
/// own with a member or a free function `serialize`, as for the library cereal:
///
///     template <class Archive> void serialize(Archive& archive) { archive(name_, values_); }
///
/// Refused at compile time: pointers, references, views, lambdas that capture.
/// *Errors*: ArchiveError for a std::variant without a value.
class ArchiveOut {
public:
    /// For a serialize() that does one thing when it writes and another when it reads.
    static constexpr bool is_loading = false;

    template <class... Ts>
    ArchiveOut& operator()(const Ts&... values) {
        (write(values), ...);
        return *this;
    }

    void reserve(std::size_t size) { bytes_.reserve(size); }
    void write_bytes(const void* bytes, std::size_t size) {
        bytes_.append(static_cast<const char*>(bytes), size);
    }

    /// What was written.
    const std::string& bytes() const& noexcept { return bytes_; }
    std::string bytes() && noexcept { return std::move(bytes_); }

private:
    template <class T>
    void write(const T& value);
    template <class T>
    void write_size(const T& container) {
        write(static_cast<std::uint64_t>(std::size(container)));
    }
    template <class T>
    void write_sequence(const T& container);

    std::string bytes_;
};

/// Reads values from a message, in the order in which they were written.
///
/// *Errors*: ArchiveError when the message ends before the value, or says what cannot be; nothing
/// is read from beyond its end, and no more memory is taken than its size accounts for. *Lifetime*:
/// refers to the message.
class ArchiveIn {
public:
    /// For a serialize() that does one thing when it writes and another when it reads.
    static constexpr bool is_loading = true;

    explicit ArchiveIn(std::string_view message) noexcept : left_(message) {}

    /// Reads into `values`, which may be anything that was default-constructed.
    template <class... Ts>
    ArchiveIn& operator()(Ts&... values) {
        (read_into(values), ...);
        return *this;
    }

    /// Reads and returns a value.
    template <class T>
    T read();

    void read_bytes(void* bytes, std::size_t size);

    /// How many bytes have not been read.
    std::size_t left() const noexcept { return left_.size(); }

    /// *Errors*: ArchiveError unless all has been read.
    void require_end() const;

private:
    template <class T>
    void read_into(T& value);
    template <class T>
    void read_sequence(T& container);
    /// Reads how many elements follow, which is no more than there are bytes.
    std::size_t read_size();
    void require_elements(std::size_t count, std::size_t size_of_one) const;

    std::string_view left_;
};

}  // namespace concurrent

namespace detail {

/// Throws ArchiveError for the index of an alternative that a variant has not got.
[[noreturn]] void throw_no_alternative(std::size_t index, std::size_t count);
[[noreturn]] void throw_valueless_variant();

/// Whether the elements of a container lie one behind the other, and travel as their bytes.
template <class T>
inline constexpr bool is_plain_sequence =
    std::ranges::contiguous_range<T> &&
    archive_kind<std::remove_cv_t<std::ranges::range_value_t<T>>>() == ArchiveKind::plain;

template <class Variant, std::size_t index = 0>
void read_alternative(concurrent::ArchiveIn& in, Variant& variant, std::size_t wanted) {
    if constexpr (index == std::variant_size_v<Variant>) {
        throw_no_alternative(wanted, std::variant_size_v<Variant>);
    } else if (wanted == index) {
        variant.template emplace<index>(in.read<std::variant_alternative_t<index, Variant>>());
    } else {
        read_alternative<Variant, index + 1>(in, variant, wanted);
    }
}

}  // namespace detail

// Each value takes a byte at least, also one whose serialize() writes nothing: a number of elements
// that is larger than the rest of the message is a lie.
template <class T>
void concurrent::ArchiveOut::write(const T& value) {
    detail::require_archivable<T>();
    using enum detail::ArchiveKind;
    constexpr detail::ArchiveKind kind = detail::archive_kind<T>();
    if constexpr (kind == plain) {
        write_bytes(std::addressof(value), sizeof(value));
    } else if constexpr (kind == serialize_member) {
        write('\0');
        const_cast<T&>(value).serialize(*this);  // as in cereal: one function reads and writes
    } else if constexpr (kind == serialize_function) {
        write('\0');
        serialize(*this, const_cast<T&>(value));
    } else if constexpr (kind == path) {
        write(value.native());
    } else if constexpr (kind == optional) {
        write(value.has_value());
        if (value) {
            write(*value);
        }
    } else if constexpr (kind == variant) {
        if (value.valueless_by_exception()) {
            detail::throw_valueless_variant();
        }
        write(static_cast<std::uint32_t>(value.index()));
        std::visit([this](const auto& alternative) { (*this)(alternative); }, value);
    } else if constexpr (kind == associative) {
        write_size(value);
        for (const auto& element : value) {
            if constexpr (requires { typename T::mapped_type; }) {
                write(element.first);
                write(element.second);
            } else {
                write(element);
            }
        }
    } else if constexpr (kind == sequence) {
        write_sequence(value);
    } else if constexpr (kind == array) {
        for (const auto& element : value) {
            write(element);
        }
    } else if constexpr (kind == tuple_like) {
        std::apply([&](const auto&... elements) { (*this)(elements...); }, value);
    } else if constexpr (kind == aggregate) {
        detail::visit_members(value, [&](const auto&... members) { (*this)(members...); });
    }
}

template <class T>
void concurrent::ArchiveOut::write_sequence(const T& container) {
    write_size(container);
    if constexpr (detail::is_plain_sequence<T>) {
        write_bytes(std::data(container), std::size(container) * sizeof(*std::data(container)));
    } else {
        for (const auto& element : container) {
            write(static_cast<const typename T::value_type&>(element));
        }
    }
}

template <class T>
T concurrent::ArchiveIn::read() {
    detail::require_archivable<T>();
    if constexpr (detail::archive_kind<T>() == detail::ArchiveKind::plain &&
                  !std::is_same_v<T, bool> && std::is_trivially_copyable_v<T>) {
        std::array<std::byte, sizeof(T)> bytes;
        read_bytes(bytes.data(), bytes.size());
        return std::bit_cast<T>(bytes);
    } else {
        static_assert(std::is_default_constructible_v<T>,
                      "ringio: what comes from another process is default-constructed before it is "
                      "read; give this type a default constructor");
        T value{};
        read_into(value);
        return value;
    }
}

template <class T>
void concurrent::ArchiveIn::read_into(T& value) {
    detail::require_archivable<T>();
    using enum detail::ArchiveKind;
    constexpr detail::ArchiveKind kind = detail::archive_kind<T>();
    if constexpr (std::is_same_v<T, bool>) {
        value = read<unsigned char>() != 0;
    } else if constexpr (kind == plain) {
        read_bytes(std::addressof(value), sizeof(value));
    } else if constexpr (kind == serialize_member) {
        read<char>();
        value.serialize(*this);
    } else if constexpr (kind == serialize_function) {
        read<char>();
        serialize(*this, value);
    } else if constexpr (kind == path) {
        value = read<std::filesystem::path::string_type>();
    } else if constexpr (kind == optional) {
        value.reset();
        if (read<bool>()) {
            value.emplace(read<typename T::value_type>());
        }
    } else if constexpr (kind == variant) {
        detail::read_alternative(*this, value, read<std::uint32_t>());
    } else if constexpr (kind == associative) {
        value.clear();
        for (std::size_t left = read_size(); left > 0; --left) {
            auto key = read<typename T::key_type>();
            if constexpr (requires { typename T::mapped_type; }) {
                value.emplace(std::move(key), read<typename T::mapped_type>());
            } else {
                value.insert(std::move(key));
            }
        }
    } else if constexpr (kind == sequence) {
        read_sequence(value);
    } else if constexpr (kind == array) {
        for (auto& element : value) {
            read_into(element);
        }
    } else if constexpr (kind == tuple_like) {
        std::apply([&](auto&... elements) { (*this)(elements...); }, value);
    } else if constexpr (kind == aggregate) {
        detail::visit_members(value, [&](auto&... members) { (*this)(members...); });
    }
}

template <class T>
void concurrent::ArchiveIn::read_sequence(T& container) {
    using Element = typename T::value_type;
    std::size_t size = read_size();
    container.clear();
    if constexpr (detail::is_plain_sequence<T> && std::is_default_constructible_v<Element>) {
        require_elements(size, sizeof(Element));
        if constexpr (std::is_same_v<Element, char>) {
            const std::string_view bytes = left_.substr(0, size);
            container.assign(bytes.begin(), bytes.end());  // not filled with zeros before
            left_.remove_prefix(size);
        } else {
            container.resize(size);
            read_bytes(std::data(container), size * sizeof(Element));
        }
    } else {
        if constexpr (requires { container.reserve(size); }) {
            container.reserve(std::min(size, left_.size() / sizeof(Element) + 1));
        }
        for (; size > 0; --size) {
            container.push_back(read<Element>());
        }
    }
}

}  // namespace ringio
