#include <ringio/ring/buffer_pool.hpp>

#include <bit>
#include <cstddef>
#include <new>

#include <liburing.h>
#include <sys/mman.h>

#include <ringio/ring/kernel.hpp>

namespace ringio {
namespace {

constexpr std::size_t ring_size = 4096;  // a page, of which the entries take a part
constexpr unsigned ring_entries = std::bit_ceil(BufferPool::count);

static_assert(ring_entries * sizeof(io_uring_buf) <= ring_size);
// Trap: in C++, <linux/io_uring.h> of Linux 6.1 has them 8 bytes further; no buffer is found then.
static_assert(offsetof(io_uring_buf_ring, bufs) == 0);
static_assert(IORING_CQE_F_BUFFER == 1 && IORING_CQE_BUFFER_SHIFT == 16);

std::size_t mapping_size(std::size_t stride) { return ring_size + BufferPool::count * stride; }

}  // namespace

IntrusivePtr<BufferPool> BufferPool::make(Kernel& kernel) noexcept {
    void* const mapping = ::mmap(nullptr, mapping_size(stride), PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) {
        return {};
    }
    // Kernel: the page is pinned; it must stay this process's own after a fork(2). The child gets
    // another one in its place, to which buffers may be given back there.
    ::madvise(mapping, ring_size, MADV_WIPEONFORK);
    auto* const ring = static_cast<io_uring_buf_ring*>(mapping);
    auto* const pool = new (std::nothrow) BufferPool(ring, static_cast<char*>(mapping) + ring_size);
    if (pool == nullptr) {
        ::munmap(mapping, mapping_size(stride));
        return {};
    }
    IntrusivePtr<BufferPool> owner(pool);
    if (kernel.register_buffers(*ring, ring_entries, group) < 0) {
        return {};
    }
    io_uring_buf_ring_init(ring);
    for (unsigned id = 0; id < count; ++id) {
        owner->provide(id);
    }
    return owner;
}

BufferPool::~BufferPool() { ::munmap(ring_, mapping_size(stride)); }

// What is still borrowed was kept: all others hold the pool.
void BufferPool::retire() noexcept {
    if (detail::buffers_in_use == this) {
        detail::buffers_in_use = nullptr;
    }
    const std::uint64_t kept = borrowed_;
    const std::uint64_t others = complete & ~kept;
    const std::uint64_t before = returned_.fetch_or(others, std::memory_order_acq_rel);
    detail::buffers_on_thread -= std::popcount(before & kept);
    if ((before | others) == complete) {
        delete this;
    }
}

void BufferPool::give_back_from_outside(unsigned id) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << id;
    const std::uint64_t before = returned_.fetch_or(bit, std::memory_order_acq_rel);
    if ((before & retired) != 0) {
        --detail::buffers_on_thread;
        if ((before | bit) == complete) {
            delete this;
        }
    }
}

void BufferPool::collect_returned() noexcept {
    std::uint64_t returned = returned_.exchange(0, std::memory_order_acquire);
    while (returned != 0) {
        const auto id = static_cast<unsigned>(std::countr_zero(returned));
        returned &= returned - 1;
        --kept_;
        recycle(id);
    }
}

void BufferPool::unregister(Kernel& kernel) noexcept { kernel.unregister_buffers(group); }

void BufferPool::provide(unsigned id) noexcept {
    io_uring_buf_ring_add(ring_, memory_ + id * stride, size, static_cast<unsigned short>(id),
                          io_uring_buf_ring_mask(ring_entries), 0);
    io_uring_buf_ring_advance(ring_, 1);
}

void BufferPool::recycle(unsigned id) noexcept {
    RINGIO_ASSERT(id < count && (borrowed_ >> id & 1U) != 0,
                  "a buffer is given back that was not borrowed");
    borrowed_ &= ~(std::uint64_t{1} << id);
    provide(id);
    --detail::buffers_on_thread;  // last: its address may take a call
}

}  // namespace ringio
