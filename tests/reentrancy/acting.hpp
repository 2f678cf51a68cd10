// Code of a user's that acts: when it is moved, copied, compared, formatted or destroyed.
#pragma once

#include <fmt/core.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace ringio::test_support {

/// Longer than what a function holds in place: to read it after its end is seen by the sanitizer.
inline const std::string long_text(100, 'x');

[[noreturn]] inline void boom() { throw std::runtime_error("boom"); }

/// Calls a function when it is destroyed, once, wherever it was moved.
class AtEnd {
public:
    explicit AtEnd(std::function<void()> action) : action_(std::move(action)) {}
    AtEnd(AtEnd&& other) noexcept : action_(std::exchange(other.action_, nullptr)) {}
    AtEnd& operator=(AtEnd&&) = delete;
    ~AtEnd() {
        if (const auto action = std::exchange(action_, nullptr)) {
            action();
        }
    }

private:
    std::function<void()> action_;
};

/// A callable that calls a function when it is moved the `nth` time. Small enough to be held in
/// place, and so moved with what holds it.
class AtMove {
public:
    AtMove(int nth, std::function<void()> action)
        : action_(std::make_shared<std::function<void()>>(std::move(action))), nth_(nth) {}
    AtMove(AtMove&& other) noexcept : action_(std::move(other.action_)), nth_(other.nth_ - 1) {
        if (nth_ == 0) {
            (*action_)();
        }
    }
    AtMove& operator=(AtMove&&) = delete;
    ~AtMove() = default;
    void operator()() const {}

private:
    std::shared_ptr<std::function<void()>> action_;
    int nth_;
};
static_assert(sizeof(AtMove) <= 3 * sizeof(void*));

/// What an Item does, each once.
struct Acts {
    std::function<void()> at_move;
    std::function<void()> at_copy;
    std::function<void()> at_end;
    std::function<void()> at_compare;
    std::function<void()> at_format;
};

/// A value that acts. One that was moved from has nothing to do any more.
class Item {
public:
    explicit Item(int number, std::shared_ptr<Acts> acts = nullptr)
        : number_(number), text_(long_text), acts_(std::move(acts)) {}
    Item(Item&& other) : number_(other.number_), text_(other.text_), acts_(other.acts_) {
        act(&Acts::at_move);  // one that throws leaves the other as it was
        other.acts_.reset();
    }
    Item(const Item& other) : number_(other.number_), text_(other.text_) {
        const std::shared_ptr<Acts> acts = other.acts_;
        acts_ = acts;
        act(&Acts::at_copy);
    }
    Item& operator=(Item other) noexcept {
        std::swap(number_, other.number_);
        acts_.swap(other.acts_);
        return *this;
    }
    ~Item() { act(&Acts::at_end); }

    /// Whole: its memory was not given back.
    bool whole() const { return text_ == long_text; }
    int number() const { return number_; }

    friend bool operator<(const Item& a, const Item& b) {
        a.act(&Acts::at_compare);
        b.act(&Acts::at_compare);
        return a.whole() && b.whole() && a.number_ < b.number_;
    }
    std::string format() const {
        act(&Acts::at_format);
        return whole() ? std::to_string(number_) : "destroyed";
    }

private:
    void act(std::function<void()> Acts::* when) const {
        if (acts_) {
            if (const auto action = std::exchange((*acts_).*when, nullptr)) {
                action();
            }
        }
    }

    int number_;
    std::string text_;
    std::shared_ptr<Acts> acts_;
};

/// The acts of a value that acts at one operation.
inline std::shared_ptr<Acts> acts(std::function<void()> Acts::* when,
                                  std::function<void()> action) {
    const auto made = std::make_shared<Acts>();
    (*made).*when = std::move(action);
    return made;
}

}  // namespace ringio::test_support

template <>
struct fmt::formatter<ringio::test_support::Item> : fmt::formatter<std::string> {
    template <class Context>
    auto format(const ringio::test_support::Item& item, Context& context) const {
        auto out = context.out();
        for (const char character : item.format()) {
            *out++ = character;
        }
        return out;
    }
};
