// How control goes from one coroutine to the next within a step of a task: by symmetric transfer,
// with a way back to the loop before the stack has grown too far.
#pragma once

#include <ringio/base/config.hpp>

#include <coroutine>

namespace ringio::detail {

/// So many transfers may follow each other before control goes back to the loop.
inline constexpr int transfers_in_a_row = 64;

RINGIO_VARIABLE(thread_local int transfers_left, = transfers_in_a_row);

/// Where the loop that makes steps on this thread looks for what it is to resume next. It is not
/// found through running_loop: in the child of a fork(2) a step goes on without one.
RINGIO_VARIABLE(thread_local std::coroutine_handle<>* next_transfer, = nullptr);

/// Leaves `next` to Machine::resume(), to which the coroutine that returns this handle returns.
std::coroutine_handle<> transfer_through_loop(std::coroutine_handle<> next) noexcept;

/// Continues with `next`.
///
/// GCC 12: a transfer is a jump at -O2, but a call at -O0, -O1, -Og, with
/// -fno-optimize-sibling-calls and under ASan or TSan, and no macro tells (PR100897). So all of
/// them are counted alike: units of different flags may meet in one program, and the linker keeps
/// one copy of this function.
inline std::coroutine_handle<> transfer(std::coroutine_handle<> next) noexcept {
    if (--transfers_left == 0) [[unlikely]] {
        return transfer_through_loop(next);
    }
    return next;
}

}  // namespace ringio::detail
