// Stdio: what a program that is started gets as a standard stream.
#pragma once

#include <ringio/base/unique_fd.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace ringio {

/// What becomes of one standard stream of a program: `Stdio::inherit` (the default), `Stdio::pipe`
/// (a stream of the Process), `Stdio::null` (/dev/null), for its errors `Stdio::to_stdout`; a
/// descriptor's number, which stays the caller's; or what owns one and gives it away: a UniqueFd,
/// an end of open_pipe().
///
/// *Lifetime*: what gives a descriptor away is referred to until the function that takes the
/// options has been called, which then has it.
class Stdio {
public:
    static const Stdio inherit;
    static const Stdio pipe;
    static const Stdio null;
    static const Stdio to_stdout;

    constexpr Stdio() noexcept = default;
    constexpr Stdio(int fd) noexcept : kind_(Kind::number), number_(fd) {}
    template <class Owner>
        requires(!std::is_lvalue_reference_v<Owner> && !std::is_const_v<Owner> &&
                 !std::same_as<Owner, Stdio> && std::convertible_to<Owner &&, UniqueFd>)
    constexpr Stdio(Owner&& owner) noexcept
        : kind_(Kind::owner),
          owner_(&owner),
          take_([](void* object) -> UniqueFd { return std::move(*static_cast<Owner*>(object)); }) {}

    enum class Kind : unsigned char { inherit, pipe, null, to_stdout, number, owner };
    Kind kind() const noexcept { return kind_; }
    /// Of `number`.
    int number() const noexcept { return number_; }
    /// Takes the descriptor of `owner`. *Errors*: what it throws when it has none to give.
    UniqueFd take() const { return take_(owner_); }

private:
    constexpr explicit Stdio(Kind kind) noexcept : kind_(kind) {}

    Kind kind_ = Kind::inherit;
    int number_ = -1;
    void* owner_ = nullptr;
    UniqueFd (*take_)(void* object) = nullptr;
};

inline constexpr Stdio Stdio::inherit{Kind::inherit};
inline constexpr Stdio Stdio::pipe{Kind::pipe};
inline constexpr Stdio Stdio::null{Kind::null};
inline constexpr Stdio Stdio::to_stdout{Kind::to_stdout};

}  // namespace ringio
