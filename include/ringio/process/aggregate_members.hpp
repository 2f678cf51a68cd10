// The members of an aggregate: how many there are, and all of them as references, for the archive.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace ringio::detail {

inline constexpr std::size_t aggregate_members_max = 16;

/// Becomes whatever a member is initialized with, but no base of its `Owner`.
template <class Owner>
struct AnyMember {
    template <class T>
        requires(!std::is_base_of_v<T, Owner> && !std::is_base_of_v<Owner, T>)
    operator T() const;
};

/// Becomes a base of its `Owner` only.
template <class Owner>
struct AnyBase {
    template <class T>
        requires(std::is_base_of_v<T, Owner> && !std::is_same_v<T, Owner>)
    operator T() const;
};

/// Whether a `T` can be made of as many empty braces, each of which makes one member.
template <class T, std::size_t count>
constexpr bool takes_braces() {
    if constexpr (count == 0) {
        return requires { T{}; };
    } else if constexpr (count == 1) {
        return requires { T{{}}; };
    } else if constexpr (count == 2) {
        return requires { T{{}, {}}; };
    } else if constexpr (count == 3) {
        return requires { T{{}, {}, {}}; };
    } else if constexpr (count == 4) {
        return requires { T{{}, {}, {}, {}}; };
    } else if constexpr (count == 5) {
        return requires { T{{}, {}, {}, {}, {}}; };
    } else if constexpr (count == 6) {
        return requires { T{{}, {}, {}, {}, {}, {}}; };
    } else if constexpr (count == 7) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}}; };
    } else if constexpr (count == 8) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}, {}}; };
    } else if constexpr (count == 9) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}}; };
    } else if constexpr (count == 10) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
    } else if constexpr (count == 11) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
    } else if constexpr (count == 12) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
    } else if constexpr (count == 13) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
    } else if constexpr (count == 14) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
    } else if constexpr (count == 15) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
    } else if constexpr (count == 16) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; };
    } else {
        return false;
    }
}

/// The same with one more member, of whatever type, behind them.
template <class T, std::size_t count>
constexpr bool takes_one_more() {
    if constexpr (count == 0) {
        return requires { T{AnyMember<T>()}; };
    } else if constexpr (count == 1) {
        return requires { T{{}, AnyMember<T>()}; };
    } else if constexpr (count == 2) {
        return requires { T{{}, {}, AnyMember<T>()}; };
    } else if constexpr (count == 3) {
        return requires { T{{}, {}, {}, AnyMember<T>()}; };
    } else if constexpr (count == 4) {
        return requires { T{{}, {}, {}, {}, AnyMember<T>()}; };
    } else if constexpr (count == 5) {
        return requires { T{{}, {}, {}, {}, {}, AnyMember<T>()}; };
    } else if constexpr (count == 6) {
        return requires { T{{}, {}, {}, {}, {}, {}, AnyMember<T>()}; };
    } else if constexpr (count == 7) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}, AnyMember<T>()}; };
    } else if constexpr (count == 8) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, AnyMember<T>()}; };
    } else if constexpr (count == 9) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, AnyMember<T>()}; };
    } else if constexpr (count == 10) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, AnyMember<T>()}; };
    } else if constexpr (count == 11) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, AnyMember<T>()}; };
    } else if constexpr (count == 12) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, AnyMember<T>()}; };
    } else if constexpr (count == 13) {
        return requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, AnyMember<T>()}; };
    } else if constexpr (count == 14) {
        return requires {
            T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, AnyMember<T>()};
        };
    } else if constexpr (count == 15) {
        return requires {
            T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, AnyMember<T>()};
        };
    } else if constexpr (count == 16) {
        return requires {
            T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, AnyMember<T>()};
        };
    } else {
        return true;
    }
}

/// How many members a `T` has, if each can be made of empty braces, else fewer.
template <class T, std::size_t count = aggregate_members_max>
constexpr std::size_t members_made_of_braces() {
    if constexpr (count == 0 || takes_braces<T, count>()) {
        return count;
    } else {
        return members_made_of_braces<T, count - 1>();
    }
}

/// How many members an aggregate has that has_members().
template <class T>
inline constexpr std::size_t member_count = members_made_of_braces<T>();

/// Whether the members of `T` can be had: it is an aggregate without a base, has at most
/// `aggregate_members_max` of them, and each can be made of empty braces.
template <class T>
constexpr bool has_members() {
    if constexpr (std::is_aggregate_v<T> && std::is_class_v<T>) {
        return takes_braces<T, 0>() && !requires { T{AnyBase<T>()}; } &&
               !takes_one_more<T, member_count<T>>();
    } else {
        return false;
    }
}

/// Calls `visitor(members...)` and returns what it returns.
template <class T, class Visitor>
constexpr decltype(auto) visit_members(T& value, Visitor&& visitor) {
    constexpr std::size_t count = member_count<std::remove_const_t<T>>;
    if constexpr (count == 0) {
        return visitor();
    } else if constexpr (count == 1) {
        auto& [m1] = value;
        return visitor(m1);
    } else if constexpr (count == 2) {
        auto& [m1, m2] = value;
        return visitor(m1, m2);
    } else if constexpr (count == 3) {
        auto& [m1, m2, m3] = value;
        return visitor(m1, m2, m3);
    } else if constexpr (count == 4) {
        auto& [m1, m2, m3, m4] = value;
        return visitor(m1, m2, m3, m4);
    } else if constexpr (count == 5) {
        auto& [m1, m2, m3, m4, m5] = value;
        return visitor(m1, m2, m3, m4, m5);
    } else if constexpr (count == 6) {
        auto& [m1, m2, m3, m4, m5, m6] = value;
        return visitor(m1, m2, m3, m4, m5, m6);
    } else if constexpr (count == 7) {
        auto& [m1, m2, m3, m4, m5, m6, m7] = value;
        return visitor(m1, m2, m3, m4, m5, m6, m7);
    } else if constexpr (count == 8) {
        auto& [m1, m2, m3, m4, m5, m6, m7, m8] = value;
        return visitor(m1, m2, m3, m4, m5, m6, m7, m8);
    } else if constexpr (count == 9) {
        auto& [m1, m2, m3, m4, m5, m6, m7, m8, m9] = value;
        return visitor(m1, m2, m3, m4, m5, m6, m7, m8, m9);
    } else if constexpr (count == 10) {
        auto& [m1, m2, m3, m4, m5, m6, m7, m8, m9, m10] = value;
        return visitor(m1, m2, m3, m4, m5, m6, m7, m8, m9, m10);
    } else if constexpr (count == 11) {
        auto& [m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11] = value;
        return visitor(m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11);
    } else if constexpr (count == 12) {
        auto& [m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12] = value;
        return visitor(m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12);
    } else if constexpr (count == 13) {
        auto& [m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13] = value;
        return visitor(m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13);
    } else if constexpr (count == 14) {
        auto& [m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14] = value;
        return visitor(m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14);
    } else if constexpr (count == 15) {
        auto& [m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15] = value;
        return visitor(m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15);
    } else if constexpr (count == 16) {
        auto& [m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16] = value;
        return visitor(m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16);
    }
}

}  // namespace ringio::detail
