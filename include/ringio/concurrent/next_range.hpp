// NextRange: makes a range, to be read once, of a next() that gives one value after the other.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>

namespace ringio::detail {

/// The range of what `std::optional<T> Source::next()` gives, until it gives nothing. `Source`
/// derives from it publicly. Each value may be moved out: `for (T value : source)`.
template <class Source, class T>
class NextRange {
public:
    /// Each increment asks for one value; so does begin().
    class Iterator {
    public:
        using iterator_concept = std::input_iterator_tag;
        using value_type = T;
        using difference_type = std::ptrdiff_t;

        explicit Iterator(NextRange& range) : range_(&range) { ++*this; }

        T&& operator*() const noexcept { return std::move(*range_->current_); }
        Iterator& operator++() {
            range_->read();
            return *this;
        }
        void operator++(int) { ++*this; }
        bool is_at_end() const noexcept { return !range_->current_; }
        // GCC 12: a friend of a nested class may not use what is private of that.
        friend bool operator==(const Iterator& at, std::default_sentinel_t) noexcept {
            return at.is_at_end();
        }

    private:
        NextRange* range_;
    };

    /// Goes on where the last one stopped.
    Iterator begin() { return Iterator(*this); }
    std::default_sentinel_t end() const noexcept { return {}; }

protected:
    NextRange() = default;
    NextRange(NextRange&&) = default;
    ~NextRange() = default;

private:
    void read() {
        current_.reset();  // before the wait: what was given is not kept
        if (std::optional<T> value = static_cast<Source&>(*this).next()) {
            current_.emplace(std::move(*value));
        }
    }

    std::optional<T> current_;
};

}  // namespace ringio::detail
