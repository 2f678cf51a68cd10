#include <ringio/core/coroutine.hpp>

#include <new>
#include <utility>

namespace ringio::detail {
namespace {

// What is left of a frame whose memory is kept; it lies below the promise.
struct Hollow {
    std::size_t size;  // to be freed; 0: the memory is part of another frame
};

constinit thread_local std::size_t kept_size = 0;

}  // namespace

std::coroutine_handle<> transfer_through_loop(std::coroutine_handle<> next) noexcept {
    transfers_left = transfers_in_a_row;
    *next_transfer = next;
    return std::noop_coroutine();
}

void PromiseBase::keep_hollow(void*, std::size_t size) noexcept { kept_size = size; }

// A frame refers to what its awaiter's frame holds (arguments taken by reference), never the other
// way round: so the innermost goes first. Its owner, a Task in the awaiter's frame mostly, finds it
// hollow.
void destroy_chain(std::coroutine_handle<> innermost, std::coroutine_handle<> root) noexcept {
    for (std::coroutine_handle<> frame = innermost; frame && frame != root;) {
        PromiseBase& promise = PromiseBase::of(frame);
        const std::coroutine_handle<> awaiting = promise.continuation;
        if (promise.use == FrameUse::claimed) {  // else a generator, which its step destroys
            void* const outer = std::exchange(kept_frame, frame.address());
            frame.destroy();
            kept_frame = outer;
            ::new (frame.address()) Hollow{std::exchange(kept_size, 0)};
            promise.use = FrameUse::hollow;
        }
        frame = awaiting;
    }
    root.destroy();
}

void free_hollow(std::coroutine_handle<> frame) noexcept {
    const std::size_t size = static_cast<const Hollow*>(frame.address())->size;
    if (size != 0) {
        frame_pool.deallocate(frame.address(), size);
    }
}

}  // namespace ringio::detail
