// The layout of user_data, by which a completion finds its request; see the head of ring.hpp.
#pragma once

#include <cstdint>

#include <ringio/ring/completion.hpp>

namespace ringio {

inline constexpr unsigned generation_shift = 48;
inline constexpr std::uint64_t kind_mask = alignof(Completion) - 1;
inline constexpr std::uint64_t address_mask =
    ((std::uint64_t{1} << generation_shift) - 1) & ~kind_mask;
inline constexpr std::uint64_t operation_kind = 0;
inline constexpr std::uint64_t cancel_kind = 1;

static_assert(alignof(Completion) == 16, "the four low bits of the address are the kind");

// Kernel: without a hint mmap(2) gives addresses of 47 bits on x86-64, of 48 on aarch64. A
// sanitizer or allocator that tags pointers uses the bits above.
inline bool fits_user_data(const Completion& completion) noexcept {
    return reinterpret_cast<std::uintptr_t>(&completion) >> generation_shift == 0;
}

inline Completion* completion_of(std::uint64_t user_data) noexcept {
    return reinterpret_cast<Completion*>(static_cast<std::uintptr_t>(user_data & address_mask));
}

inline std::uint64_t user_data_of(const Completion& completion, std::uint16_t generation) noexcept {
    const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&completion));
    return std::uint64_t{generation} << generation_shift | address | operation_kind;
}

}  // namespace ringio
