// The depot behind the free lists of all threads: chunks from the system, cut into slabs, cut into
// blocks of one class each.
#pragma once

#include <ringio/core/frame_allocator.hpp>

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

namespace ringio::detail {

/// A piece of a chunk, cut into blocks of one class. Legend: idle (no block is cut) -> open (blocks
/// are here or can be cut: it is in the list of its class) <-> used up (all are with the threads);
/// when all that were cut are here again it is idle. The record lies in the chunk's head, so that
/// the pages of an idle slab hold nothing.
struct FramePool::Slab {
    static constexpr std::size_t size = 16 * 1024;

    Block* free = nullptr;
    Slab* next = nullptr;  // in the list of the class, while open
    Slab* previous = nullptr;
    std::uint16_t free_count = 0;
    std::uint16_t cut = 0;  // blocks, free or with the threads
    std::uint16_t capacity = 0;
    std::uint16_t index = 0;

    bool is_used_up() const noexcept { return free_count == 0 && cut == capacity; }
};

/// Memory from the system, aligned to its size, so that a block finds its slab. The first slab
/// holds the records of all.
struct FramePool::Chunk {
    static constexpr std::size_t slab_count = 64;  // a bit for each
    static constexpr std::size_t size = slab_count * Slab::size;
    static constexpr std::uint64_t all = ~std::uint64_t{1};

    Chunk* next = nullptr;  // in the list of those with an idle slab
    Chunk* previous = nullptr;
    std::uint64_t idle = all;
    std::uint64_t resident = 0;  // of the idle ones, those whose pages may be in memory
    Slab slabs[slab_count];

    static Chunk& of(const void* block) noexcept {
        const auto address = reinterpret_cast<std::uintptr_t>(block);
        return *reinterpret_cast<Chunk*>(address & ~(size - 1));
    }
    char* memory_of(std::size_t slab) noexcept {
        return reinterpret_cast<char*>(this) + slab * Slab::size;
    }
    std::size_t number_of(const Slab& slab) const noexcept {
        return static_cast<std::size_t>(&slab - slabs);
    }
    static Chunk& of(Slab& slab) noexcept { return of(static_cast<const void*>(&slab)); }
    Slab& slab_of(const void* block) noexcept {
        const auto offset = static_cast<std::size_t>(static_cast<const char*>(block) -
                                                     reinterpret_cast<const char*>(this));
        return slabs[offset / Slab::size];
    }
};

/// What all threads share. Never destroyed: a thread may outlive main(). Everything is guarded by
/// the mutex.
struct FramePool::Depot {
    static constexpr std::size_t chunk_size = Chunk::size;

    // Idle slabs, in their number: kept in any case; given back in one call of tend().
    static constexpr std::size_t idle_reserve = 16;
    static constexpr std::size_t released_at_once = 16 * Chunk::slab_count;

    // What was idle here throughout one period goes back at its end: after at most two of them. A
    // thread's own comes here one period after it was too much.
    static constexpr std::chrono::milliseconds period{250};

    std::mutex mutex;
    Slab* open[class_count] = {};
    Chunk* chunks = nullptr;  // those with an idle slab
    std::size_t mapped_chunks = 0;
    std::size_t resident = 0;         // idle slabs whose pages may be in memory
    std::size_t lowest_resident = 0;  // in this period
    std::size_t to_release = 0;       // of the period before
    std::chrono::steady_clock::time_point period_end;

    static_assert(sizeof(Chunk) <= Slab::size);

    static Depot& instance() noexcept {
        static constinit Depot depot;
        return depot;
    }

    template <class Node>
    static void link(Node*& list, Node& node) noexcept {
        node.previous = nullptr;
        node.next = std::exchange(list, &node);
        if (node.next != nullptr) {
            node.next->previous = &node;
        }
    }
    template <class Node>
    static void unlink(Node*& list, Node& node) noexcept {
        (node.previous != nullptr ? node.previous->next : list) = node.next;
        if (node.next != nullptr) {
            node.next->previous = node.previous;
        }
    }

    /// Puts up to `most` blocks of one slab, at least one, on an empty list; returns how many.
    /// *Errors*: std::bad_alloc.
    std::size_t take(std::size_t index, std::size_t most, Block*& list) {
        Slab& slab = open[index] != nullptr ? *open[index] : open_slab(index);
        Block** end = &list;
        std::size_t taken = 0;
        for (; taken < most && slab.free != nullptr; ++taken) {
            *end = slab.free;
            end = &slab.free->next;
            slab.free = slab.free->next;
        }
        slab.free_count = static_cast<std::uint16_t>(slab.free_count - taken);
        const std::size_t size = index * granularity;
        char* next = Chunk::of(slab).memory_of(Chunk::of(slab).number_of(slab)) + slab.cut * size;
        const std::size_t fresh = std::min<std::size_t>(most - taken, slab.capacity - slab.cut);
        for (std::size_t cut = 0; cut < fresh; ++cut) {
            *end = ::new (static_cast<void*>(next)) Block{nullptr};
            end = &(*end)->next;
            next += size;
        }
        *end = nullptr;
        slab.cut = static_cast<std::uint16_t>(slab.cut + fresh);
        if (slab.is_used_up()) {
            unlink(open[index], slab);
        }
        return taken + fresh;
    }

    void give(Block* block) noexcept {
        Chunk& chunk = Chunk::of(block);
        Slab& slab = chunk.slab_of(block);
        if (slab.is_used_up()) {
            link(open[slab.index], slab);
        }
        block->next = std::exchange(slab.free, block);
        if (++slab.free_count == slab.cut) {
            unlink(open[slab.index], slab);
            become_idle(chunk, slab);
        }
    }

    Slab& open_slab(std::size_t index) {
        if (chunks == nullptr) {
            map_chunk();
        }
        Chunk& chunk = *chunks;
        const bool was_resident = chunk.resident != 0;
        const std::uint64_t candidates = was_resident ? chunk.resident : chunk.idle;
        const auto number = static_cast<std::size_t>(std::countr_zero(candidates));
        const std::uint64_t bit = std::uint64_t{1} << number;
        chunk.idle &= ~bit;
        chunk.resident &= ~bit;
        if (chunk.idle == 0) {
            unlink(chunks, chunk);
        }
        if (was_resident) {
            lowest_resident = std::min(lowest_resident, --resident);
        }
        Slab& slab = chunk.slabs[number];
        slab.index = static_cast<std::uint16_t>(index);
        slab.capacity = static_cast<std::uint16_t>(Slab::size / (index * granularity));
        link(open[index], slab);
        return slab;
    }

    void become_idle(Chunk& chunk, Slab& slab) noexcept {
        const std::uint64_t bit = std::uint64_t{1} << chunk.number_of(slab);
        slab = Slab();
        if (chunk.idle == 0) {
            link(chunks, chunk);
        }
        chunk.idle |= bit;
        chunk.resident |= bit;
        if (++resident == idle_reserve + 1 && !depot_surplus.load(std::memory_order_relaxed)) {
            period_end = std::chrono::steady_clock::now() + period;
            lowest_resident = resident;
            depot_surplus.store(true, std::memory_order_relaxed);
        }
    }

    void map_chunk() {
        // Twice as much, of which the aligned part stays.
        void* const mapping = ::mmap(nullptr, 2 * chunk_size, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (mapping == MAP_FAILED) {
            throw std::bad_alloc();
        }
        char* const begin = static_cast<char*>(mapping);
        const std::size_t before =
            (chunk_size - reinterpret_cast<std::uintptr_t>(begin) % chunk_size) % chunk_size;
        if (before > 0) {
            ::munmap(begin, before);
        }
        ::munmap(begin + before + chunk_size, chunk_size - before);
        // Kernel: a huge page would be looked for while the program waits, and stay for one slab.
        ::madvise(begin + before, chunk_size, MADV_NOHUGEPAGE);
        link(chunks, *::new (begin + before) Chunk);
        ++mapped_chunks;
    }

    /// Gives idle slabs back to the system, about as many as asked for; returns how many.
    std::size_t release(std::size_t wanted) noexcept {
        std::size_t released = 0;
        Chunk* next = chunks;
        while (next != nullptr && released < wanted) {
            Chunk& chunk = *std::exchange(next, next->next);
            released += static_cast<std::size_t>(std::popcount(chunk.resident));
            if (chunk.idle == Chunk::all) {
                unlink(chunks, chunk);
                ::munmap(&chunk, chunk_size);
                --mapped_chunks;
            } else {
                release_pages(chunk);
            }
        }
        resident -= released;
        lowest_resident = std::min(lowest_resident, resident);
        return released;
    }

    static void release_pages(Chunk& chunk) noexcept {
        while (chunk.resident != 0) {
            const int first = std::countr_zero(chunk.resident);
            const int count = std::countr_one(chunk.resident >> first);
            ::madvise(chunk.memory_of(static_cast<std::size_t>(first)),
                      static_cast<std::size_t>(count) * Slab::size, MADV_DONTNEED);
            const std::uint64_t run = ~std::uint64_t{0} >> (64 - count);
            chunk.resident &= ~(run << first);
        }
    }

    std::chrono::nanoseconds tend(std::chrono::steady_clock::time_point now) noexcept {
        using std::chrono::nanoseconds;
        if (to_release == 0) {
            if (now < period_end) {
                return period_end - now;
            }
            to_release = lowest_resident - std::min(lowest_resident, idle_reserve);
            lowest_resident = resident;
            period_end = now + period;
        }
        to_release = std::min(to_release, resident);
        const std::size_t released = release(std::min(to_release, released_at_once));
        to_release -= std::min(to_release, std::max<std::size_t>(released, 1));
        if (to_release > 0) {
            return nanoseconds(0);
        }
        if (resident <= idle_reserve) {
            depot_surplus.store(false, std::memory_order_relaxed);
            return nanoseconds::max();
        }
        return period_end - now;
    }
};

}  // namespace ringio::detail
