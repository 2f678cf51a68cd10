// A call that another process makes: which functions can be called there, with what, and how the
// caller's values become the callee's.
#pragma once

#include <ringio/process/archive.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ringio::detail {

/// The address of a function, whatever its type.
using CodePointer = void (*)();

/// Reads the arguments, calls `function` and writes its result: one for each type of a call.
using RemoteThunk = void (*)(CodePointer function, concurrent::ArchiveIn& in,
                             concurrent::ArchiveOut& out);

/// Begins the message of a call with what is called. *Errors*: std::invalid_argument when that is
/// in no file that the process was loaded from.
void write_callee(concurrent::ArchiveOut& out, RemoteThunk thunk, CodePointer function);

template <class... Ts>
struct TypeList {};

/// The parameters of a function or of the one operator() of a class; void when it is a template.
template <class Fn>
struct ParametersOf {
    using type = void;
};
template <class R, class... P>
struct ParametersOf<R (*)(P...)> {
    using type = TypeList<P...>;
};
template <class R, class... P>
struct ParametersOf<R (*)(P...) noexcept> {
    using type = TypeList<P...>;
};
template <class R, class C, class... P>
struct ParametersOf<R (C::*)(P...)> {
    using type = TypeList<P...>;
};
template <class R, class C, class... P>
struct ParametersOf<R (C::*)(P...) const> {
    using type = TypeList<P...>;
};
template <class R, class C, class... P>
struct ParametersOf<R (C::*)(P...) noexcept> {
    using type = TypeList<P...>;
};
template <class R, class C, class... P>
struct ParametersOf<R (C::*)(P...) const noexcept> {
    using type = TypeList<P...>;
};
template <class Fn>
    requires requires { &Fn::operator(); }
struct ParametersOf<Fn> : ParametersOf<decltype(&Fn::operator())> {};

/// What travels: of a parameter a value, which the given argument is converted to; where nobody can
/// tell the parameters, of the argument.
template <class Parameters, class... Args>
struct TravellersOf {
    using type = TypeList<std::decay_t<Args>...>;
};
template <class... P, class... Args>
    requires(sizeof...(P) == sizeof...(Args))
struct TravellersOf<TypeList<P...>, Args...> {
    using type = TypeList<std::remove_cvref_t<P>...>;
};

template <class T>
inline constexpr bool is_changeable_reference =
    std::is_lvalue_reference_v<T> && !std::is_const_v<std::remove_reference_t<T>>;

template <class Parameters>
inline constexpr bool takes_changeable = false;
template <class... P>
inline constexpr bool takes_changeable<TypeList<P...>> = (is_changeable_reference<P> || ...);

/// Refuses what cannot be called in another process with `Args`.
template <class Fn, class... Args>
constexpr void require_remote_callable() {
    constexpr bool is_function =
        std::is_pointer_v<Fn> && std::is_function_v<std::remove_pointer_t<Fn>>;
    static_assert(
        !std::is_member_pointer_v<Fn>,
        "ringio: a pointer to a member cannot be called in another process; pass a function, "
        "or a lambda without captures, that calls the member");
    static_assert(
        is_function || std::is_member_pointer_v<Fn> ||
            (std::is_class_v<Fn> && std::is_empty_v<Fn> && std::is_default_constructible_v<Fn>),
        "ringio: another process can call a function, or a lambda without captures; what a "
        "lambda captures refers to this process: pass it as arguments");
    static_assert(
        !takes_changeable<typename ParametersOf<Fn>::type>,
        "ringio: a worker process cannot change an object of the caller: take a value or a "
        "const reference, and return what has changed");
    static_assert(std::is_invocable_v<Fn, Args...>,
                  "ringio: the function cannot be called with these arguments");
}

template <class Fn>
Fn callable_of(CodePointer function) {
    if constexpr (std::is_pointer_v<Fn>) {
        return reinterpret_cast<Fn>(function);
    } else {
        return Fn();
    }
}

template <class Fn>
CodePointer code_of(Fn function) {
    if constexpr (std::is_pointer_v<Fn>) {
        return reinterpret_cast<CodePointer>(function);
    } else {
        static_cast<void>(function);
        return nullptr;
    }
}

/// What stands for a call in reports: the function, or where there is none, as of a lambda, what
/// makes the call.
inline CodePointer code_for_report(CodePointer function, RemoteThunk thunk) {
    return function != nullptr ? function : reinterpret_cast<CodePointer>(thunk);
}

/// Writes `argument` as the value that travels.
template <class Traveller, class Arg>
void write_argument(concurrent::ArchiveOut& out, Arg&& argument) {
    require_archivable<Traveller>();
    if constexpr (std::is_same_v<std::remove_cvref_t<Arg>, Traveller>) {
        out(argument);
    } else {
        const auto converted = static_cast<Traveller>(std::forward<Arg>(argument));
        out(converted);
    }
}

/// One call of `Fn`, whose values travel as `Travellers`.
template <class Fn, class Travellers>
struct RemoteCall;

template <class Fn, class... Travellers>
struct RemoteCall<Fn, TypeList<Travellers...>> {
    using Result = std::remove_cvref_t<std::invoke_result_t<Fn, Travellers...>>;

    /// What is called, for a report.
    static CodePointer code(Fn function) { return code_for_report(code_of(function), &run); }

    static void run(CodePointer function, concurrent::ArchiveIn& in, concurrent::ArchiveOut& out) {
        std::tuple<Travellers...> arguments{in.read<Travellers>()...};
        in.require_end();
        if constexpr (std::is_void_v<Result>) {
            std::apply(callable_of<Fn>(function), std::move(arguments));
        } else {
            require_archivable<Result>();
            const Result result = std::apply(callable_of<Fn>(function), std::move(arguments));
            out(result);
        }
    }

    template <class... Args>
    static void write(concurrent::ArchiveOut& out, Fn function, Args&&... args) {
        write_callee(out, &run, code_of(function));
        (write_argument<Travellers>(out, std::forward<Args>(args)), ...);
    }
};

/// Calls of `Fn` one after the other, as map() sends them: each parameter travels as a std::vector.
template <class Fn, class Travellers>
struct RemoteChunk;

template <class Fn, class... Travellers>
struct RemoteChunk<Fn, TypeList<Travellers...>> {
    using Result = std::remove_cvref_t<std::invoke_result_t<Fn, Travellers...>>;
    using Arguments = std::tuple<std::vector<Travellers>...>;
    using Results = std::vector<std::conditional_t<std::is_void_v<Result>, std::monostate, Result>>;

    static CodePointer code(Fn function) { return code_for_report(code_of(function), &run); }

    static void write(concurrent::ArchiveOut& out, Fn function, const Arguments& arguments) {
        (require_archivable<Travellers>(), ...);
        write_callee(out, &run, code_of(function));
        std::apply([&](const auto&... each) { out(each...); }, arguments);
    }

    static void run(CodePointer function, concurrent::ArchiveIn& in, concurrent::ArchiveOut& out) {
        Arguments arguments{in.read<std::vector<Travellers>>()...};
        in.require_end();
        const std::size_t size = std::get<0>(arguments).size();
        Results results;
        results.reserve(size);
        for (std::size_t index = 0; index < size; ++index) {
            const auto call = [&](auto&... each) -> Result {
                return callable_of<Fn>(function)(
                    static_cast<Travellers>(std::move(each[index]))...);
            };
            if constexpr (std::is_void_v<Result>) {
                std::apply(call, arguments);
                results.emplace_back();
            } else {
                results.push_back(std::apply(call, arguments));
            }
        }
        out(results);
    }
};

template <class Fn, class... Args>
using RemoteCallOf =
    RemoteCall<std::decay_t<Fn>,
               typename TravellersOf<typename ParametersOf<std::decay_t<Fn>>::type, Args...>::type>;

}  // namespace ringio::detail
