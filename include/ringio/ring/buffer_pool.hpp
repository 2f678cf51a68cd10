// BufferPool: the memory that receives without a buffer of their own are answered in. A few hot
// buffers per ring serve all connections: the kernel takes one when data is there, and it comes
// back as soon as the bytes were looked at. So an idle connection holds no memory, and the bytes of
// a busy loop stay in the cache.
#pragma once

#include <ringio/base/assert.hpp>
#include <ringio/base/intrusive_ptr.hpp>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

struct io_uring_buf_ring;

namespace ringio {

class BufferPool;
class Kernel;

namespace detail {

/// The pool of the loop that runs on this thread, or null.
RINGIO_VARIABLE(thread_local BufferPool* buffers_in_use, = nullptr);

/// How many buffers were borrowed on this thread and not given back.
RINGIO_VARIABLE(thread_local std::ptrdiff_t buffers_on_thread, = 0);

}  // namespace detail

/// A group of buffers provided to one Kernel. Made by Ring::buffers(); used on the ring's thread,
/// save give_back().
///
/// *Lifetime*: counted, and it stays until the last buffer that was kept is given back, so that the
/// bytes stay even when the ring goes first.
class BufferPool {
public:
    static constexpr unsigned count = 24;           ///< as many as one entry of the kernel fills
    static constexpr std::size_t size = 16 * 1024;  ///< of one buffer
    static constexpr std::uint16_t group = 0;       ///< how requests name the pool

    /// Makes a pool and registers it; null when the kernel refuses or there is no memory.
    static IntrusivePtr<BufferPool> make(Kernel& kernel) noexcept;

    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;

    /// Tells whether a completion brings a buffer (IORING_CQE_F_BUFFER). To be asked of every one,
    /// errors too, for the buffer has to be borrowed and given back.
    static constexpr bool comes_with(std::uint32_t flags) noexcept { return (flags & 1U) != 0; }
    /// Which one it is.
    static constexpr unsigned id_of(std::uint32_t flags) noexcept { return flags >> 16U; }

    /// Takes over a buffer that the kernel filled with `length` bytes; they stay until recycle().
    std::string_view borrow(unsigned id, std::size_t length) noexcept {
        RINGIO_ASSERT(id < count && (borrowed_ >> id & 1U) == 0 && length <= size,
                      "the kernel lends a buffer that it does not have");
        borrowed_ |= std::uint64_t{1} << id;
        ++detail::buffers_on_thread;
        return {memory_ + id * stride, length};
    }

    /// Gives a buffer back to the kernel, behind all those that it has.
    void recycle(unsigned id) noexcept;

    /// How many are borrowed, and how many the kernel may still take.
    unsigned borrowed() noexcept {
        collect();
        return static_cast<unsigned>(std::popcount(borrowed_));
    }
    unsigned available() noexcept { return count - borrowed(); }

    /// Asks to keep a borrowed buffer beyond this turn of the loop, until give_back(). Half of them
    /// may be kept, so that the other half serves everybody else; false: copy the bytes and give it
    /// back.
    bool try_keep() noexcept {
        if (kept_ == count / 2) [[unlikely]] {
            collect();
        }
        return kept_ < count / 2 && (++kept_, true);
    }

    /// Gives a buffer back that was kept; on any thread, at any time. Where the pool is in use, the
    /// kernel has it at once; what comes from elsewhere is collected when buffers run short.
    void give_back(unsigned id) noexcept {
        if (detail::buffers_in_use == this) [[likely]] {
            --kept_;
            recycle(id);
        } else {
            give_back_from_outside(id);
        }
    }

    /// Says that from now on the ring of `pool` runs on this thread; null: that none does.
    static void set_in_use(BufferPool* pool) noexcept { detail::buffers_in_use = pool; }

    /// Number of buffers borrowed on this thread, for the books of tests.
    static std::ptrdiff_t borrowed_on_thread() noexcept { return detail::buffers_on_thread; }

    /// Takes the pool away from the kernel, which has no request in flight any more.
    void unregister(Kernel& kernel) noexcept;

    friend void intrusive_add_ref(BufferPool* pool) noexcept { ++pool->references_; }
    friend void intrusive_release(BufferPool* pool) noexcept {
        if (--pool->references_ == 0) {
            pool->retire();
        }
    }

private:
    // Not a power of two: the first lines of all buffers would fall into one set of the cache.
    static constexpr std::size_t stride = size + 64;
    static_assert(count < 64, "one bit for each buffer, and one more");
    static constexpr std::uint64_t retired = std::uint64_t{1} << count;
    static constexpr std::uint64_t complete = (retired << 1U) - 1;

    BufferPool(io_uring_buf_ring* ring, char* memory) noexcept : ring_(ring), memory_(memory) {}
    ~BufferPool();

    void retire() noexcept;
    void provide(unsigned id) noexcept;
    void give_back_from_outside(unsigned id) noexcept;
    void collect() noexcept {
        if (returned_.load(std::memory_order_relaxed) != 0) [[unlikely]] {
            collect_returned();
        }
    }
    void collect_returned() noexcept;

    io_uring_buf_ring* ring_;  // a page of its own, shared with the kernel; the memory follows it
    char* memory_;
    std::uint64_t borrowed_ = 0;  // a bit for each
    unsigned kept_ = 0;           // of the borrowed ones
    std::uint32_t references_ = 0;

    // Legend: a bit for each buffer that was given back from outside and not collected yet. When
    // nobody is left to collect, those that were not kept are added, and `retired`: whoever makes
    // it complete destroys the pool, and the others do not look at it any more.
    std::atomic<std::uint64_t> returned_ = 0;
};

}  // namespace ringio
