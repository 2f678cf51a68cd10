// A shared owner of an object that counts its own owners: one pointer wide, and the object decides
// whether its count is atomic and how it ends.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace ringio {

/// The type of `adopt`.
struct Adopt {
    explicit constexpr Adopt() noexcept = default;
};

/// Says that an IntrusivePtr takes over a reference that was counted already.
inline constexpr Adopt adopt{};

/// Shares an object of type `T`, or none. Found by argument-dependent lookup,
/// `intrusive_add_ref(T*) noexcept` counts an owner and `intrusive_release(T*) noexcept` discounts
/// one and disposes of the object after the last.
template <class T>
class IntrusivePtr {
public:
    using element_type = T;

    constexpr IntrusivePtr() noexcept = default;
    constexpr IntrusivePtr(std::nullptr_t) noexcept {}

    /// Becomes one more owner of `*object`.
    explicit IntrusivePtr(T* object) noexcept : object_(object) {
        if (object_ != nullptr) {
            intrusive_add_ref(object_);
        }
    }

    /// Takes over an owner's place that the caller holds.
    constexpr IntrusivePtr(T* object, Adopt) noexcept : object_(object) {}

    IntrusivePtr(const IntrusivePtr& other) noexcept : IntrusivePtr(other.object_) {}
    constexpr IntrusivePtr(IntrusivePtr&& other) noexcept : object_(other.release()) {}

    /// Converts from a pointer to a derived class.
    template <class U>
        requires std::is_convertible_v<U*, T*>
    IntrusivePtr(const IntrusivePtr<U>& other) noexcept : IntrusivePtr(other.get()) {}
    template <class U>
        requires std::is_convertible_v<U*, T*>
    constexpr IntrusivePtr(IntrusivePtr<U>&& other) noexcept : object_(other.release()) {}

    /// Assigns; what was owned is let go last, so that its end may look at this pointer.
    IntrusivePtr& operator=(IntrusivePtr other) noexcept {
        swap(other);
        return *this;
    }

    ~IntrusivePtr() {
        if (object_ != nullptr) {
            intrusive_release(object_);
        }
    }

    /// Returns the object, or null.
    constexpr T* get() const noexcept { return object_; }
    constexpr T& operator*() const noexcept { return *object_; }
    constexpr T* operator->() const noexcept { return object_; }

    /// Tells whether there is an object.
    constexpr explicit operator bool() const noexcept { return object_ != nullptr; }

    /// Lets go of the object.
    void reset() noexcept { IntrusivePtr().swap(*this); }

    /// Lets go of the object and becomes one more owner of another.
    void reset(T* object) noexcept { IntrusivePtr(object).swap(*this); }
    void reset(T* object, Adopt) noexcept { IntrusivePtr(object, adopt).swap(*this); }

    /// Gives the object up without discounting an owner: the caller takes that place.
    [[nodiscard]] constexpr T* release() noexcept { return std::exchange(object_, nullptr); }

    constexpr void swap(IntrusivePtr& other) noexcept { std::swap(object_, other.object_); }

    template <class U>
    friend constexpr bool operator==(const IntrusivePtr& left,
                                     const IntrusivePtr<U>& right) noexcept {
        return left.get() == right.get();
    }
    friend constexpr bool operator==(const IntrusivePtr& left, const T* right) noexcept {
        return left.get() == right;
    }
    friend constexpr bool operator==(const IntrusivePtr& left, std::nullptr_t) noexcept {
        return left.get() == nullptr;
    }

private:
    T* object_ = nullptr;
};

}  // namespace ringio
