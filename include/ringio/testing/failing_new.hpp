// Replaces operator new and operator delete of the whole program by ones that AllocationFaults can
// let fail. To be included in exactly one source file of a test program, and never in a library.
#pragma once

#include <ringio/testing/allocation_faults.hpp>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace ringio::detail {

/// Null when the allocation is to fail, or does.
inline void* allocate_or_null(std::size_t size, std::size_t alignment = 0) noexcept {
    if (allocation_fails()) {
        return nullptr;
    }
    if (alignment == 0) {
        return std::malloc(size == 0 ? 1 : size);
    }
    return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

inline void* allocate_or_throw(std::size_t size, std::size_t alignment = 0) {
    void* const memory = allocate_or_null(size, alignment);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

}  // namespace ringio::detail

// All of them, for the sanitizers bring their own, and memory must come and go by the same hand.

void* operator new(std::size_t size) { return ringio::detail::allocate_or_throw(size); }
void* operator new[](std::size_t size) { return ringio::detail::allocate_or_throw(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return ringio::detail::allocate_or_null(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return ringio::detail::allocate_or_null(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    return ringio::detail::allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return ringio::detail::allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return ringio::detail::allocate_or_null(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return ringio::detail::allocate_or_null(size, static_cast<std::size_t>(alignment));
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
    std::free(memory);
}
