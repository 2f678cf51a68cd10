#include <ringio/core/frame_allocator.hpp>

namespace ringio::detail {
namespace {

// Trims the pool when the thread ends; what is freed later goes through the empty lists unharmed.
struct TrimAtThreadExit {
    ~TrimAtThreadExit() { frame_pool.trim(); }
};

}  // namespace

void* FramePool::allocate_slowly(std::size_t size) {
    static thread_local TrimAtThreadExit trim_at_thread_exit;
    (void)trim_at_thread_exit;
    try {
        return ::operator new(class_of(size) * granularity);
    } catch (...) {
        --live_;
        throw;
    }
}

// What arrives is freed into the lists of this thread, which nobody here may ever draw from: they
// are emptied from time to time.
void FramePool::arrive() noexcept {
    constexpr unsigned arrivals_per_trim = 1024;
    ++live_;
    if (++arrived_ % arrivals_per_trim == 0) {
        trim();
    }
}

void FramePool::trim() noexcept {
    for (std::size_t index = 0; index < class_count; ++index) {
        while (free_[index] != nullptr) {
            Block* block = free_[index];
            free_[index] = block->next;
            ::operator delete(block);
        }
        spare_[index] = 0;
    }
}

}  // namespace ringio::detail
