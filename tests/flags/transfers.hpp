// What the programs of this folder are made of: coroutines whose control goes from one to the next
// millions of times in one step, and a look at how far the stack grew meanwhile.
#pragma once

#include <ringio.hpp>

#include <cstddef>
#include <cstdint>

namespace flags {

/// The span of the stack that coroutines ran on.
class Stack {
public:
    void look() noexcept {
        const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
        lowest_ = lowest_ == 0 || here < lowest_ ? here : lowest_;
        highest_ = here > highest_ ? here : highest_;
    }
    std::size_t span() const noexcept { return highest_ - lowest_; }

private:
    std::uintptr_t lowest_ = 0;
    std::uintptr_t highest_ = 0;
};

inline Stack stack;

/// Awaits `count` coroutines of the other unit that end at once.
ringio::Task<int> many(int count);
/// Ends at once.
ringio::Task<int> one();
/// Awaits itself `levels` deep, sleeps there, and comes all the way back.
ringio::Task<int> deep(int levels);
/// Yields 0 … count - 1.
ringio::AsyncGenerator<int> items(int count);

}  // namespace flags
