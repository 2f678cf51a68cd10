// Headers: names with values in their order, where a name is the same however it is capitalized.
#pragma once

#include <ringio/http/fields.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringio::http {

/// The headers of a message; multidict.CIMultiDict. A name may come several times; the first counts
/// where one is asked for.
class Headers {
public:
    using value_type = std::pair<std::string, std::string>;
    using const_iterator = FieldList::const_iterator;

    Headers() noexcept = default;
    explicit Headers(FieldList fields) noexcept : fields_(std::move(fields)) {}

    // GCC 12: a temporary in the operand of a co_await is destroyed twice where these are implicit.
    Headers(const Headers& other) : fields_(other.fields_) {}
    Headers(Headers&& other) noexcept : fields_(std::move(other.fields_)) {}
    Headers& operator=(const Headers&) = default;
    Headers& operator=(Headers&&) noexcept = default;
    ~Headers() {}

    bool contains(std::string_view name) const noexcept { return find(name) != nullptr; }
    /// The first value of a name, or null.
    const std::string* find(std::string_view name) const noexcept;
    /// The same, or `otherwise`. *Lifetime*: that of both.
    std::string_view get(std::string_view name, std::string_view otherwise = {}) const noexcept;
    /// The first value of a name. *Errors*: std::out_of_range that names it.
    const std::string& at(std::string_view name) const;
    const std::string& operator[](std::string_view name) const { return at(name); }
    /// All values of a name, in their order.
    std::vector<std::string> getall(std::string_view name) const;

    /// Makes room for so many at once.
    void reserve(std::size_t count) { fields_.reserve(count); }
    /// Puts a header at the end, beside those of its name.
    void add(std::string_view name, std::string_view value) { fields_.emplace_back(name, value); }
    /// Puts a header in the place of those of its name.
    void set(std::string name, std::string value);
    /// Puts more behind the last value, and a blank between: of a header in several lines.
    void append_to_last(std::string_view more);
    /// Removes all of a name; returns how many.
    std::size_t remove(std::string_view name) noexcept;

    const_iterator begin() const noexcept { return fields_.begin(); }
    const_iterator end() const noexcept { return fields_.end(); }
    std::size_t size() const noexcept { return fields_.size(); }
    bool empty() const noexcept { return fields_.empty(); }

    friend bool operator==(const Headers&, const Headers&) = default;

private:
    FieldList fields_;
};

/// Whether two names are the same but for the case of their ASCII letters.
bool same_name(std::string_view a, std::string_view b) noexcept;

namespace detail {

/// Refuses what would end a line of the head of a message, and so add to it.
/// *Errors*: std::invalid_argument that names the header.
void check_header(std::string_view name, std::string_view value);
/// *Errors*: std::invalid_argument when it is no token of RFC 9110.
void check_method(std::string_view method);
/// A text without the blanks at its ends.
std::string_view trimmed(std::string_view text) noexcept;
/// With its ASCII letters in lower case; in upper case.
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
/// For texts of errors: in quotes, without what would break a line, and not endless.
std::string shown(std::string_view text);

}  // namespace detail
}  // namespace ringio::http
