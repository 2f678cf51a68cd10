#include <ringio/core/frame_allocator.hpp>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include <ringio/base/config.hpp>
#include <ringio/core.hpp>
#include <ringio/tasks.hpp>
#include <support/catch.hpp>

using ringio::detail::frame_pool;
using ringio::detail::FramePool;
using ringio::detail::live_frames;

namespace {

ringio::Task<> nothing() { co_return; }

// Through a pointer that the compiler cannot look through: clang would put the frame on the stack.
ringio::Task<> (*volatile coroutine)() = nothing;

}  // namespace

TEST_CASE("frame allocator: blocks of all sizes are apart, aligned, and as large as asked for") {
    const std::ptrdiff_t before = live_frames();
    std::vector<std::pair<unsigned char*, std::size_t>> blocks;
    for (std::size_t size = 1; size <= 4'096; size += 37) {
        auto* const block = static_cast<unsigned char*>(frame_pool.allocate(size));
        CHECK(reinterpret_cast<std::uintptr_t>(block) % __STDCPP_DEFAULT_NEW_ALIGNMENT__ == 0);
        std::memset(block, static_cast<int>(size % 251), size);
        blocks.emplace_back(block, size);
    }
    CHECK(live_frames() - before == static_cast<std::ptrdiff_t>(blocks.size()));
    for (const auto& [block, size] : blocks) {
        CHECK(block[0] == size % 251);
        CHECK(block[size - 1] == size % 251);
        frame_pool.deallocate(block, size);
    }
    CHECK(live_frames() == before);
}

TEST_CASE("frame allocator: a block that was given back is the next one of its class") {
    if (RINGIO_SANITIZE_ADDRESS != 0) {
        return;  // there, each block is fresh, so that a dangling pointer is found
    }
    void* const first = frame_pool.allocate(100);
    frame_pool.deallocate(first, 100);
    void* const same_class = frame_pool.allocate(112);
    CHECK(same_class == first);
    void* const other_class = frame_pool.allocate(113);
    CHECK(other_class != first);
    frame_pool.deallocate(other_class, 113);
    frame_pool.deallocate(same_class, 112);
}

TEST_CASE("frame allocator: a block may be freed on another thread") {
    const std::ptrdiff_t before = live_frames();
    void* const block = frame_pool.allocate(64);
    std::ptrdiff_t there = 0;
    std::thread([&] {
        frame_pool.deallocate(block, 64);
        there = live_frames();
    }).join();
    CHECK(there == -1);
    CHECK(live_frames() == before + 1);
    // The books of this thread are put right by the counterpart.
    void* other = nullptr;
    std::thread([&] { other = frame_pool.allocate(64); }).join();
    frame_pool.deallocate(other, 64);
    CHECK(live_frames() == before);
}

TEST_CASE("frame allocator: what a thread leaves behind is the next one's") {
    if (RINGIO_SANITIZE_ADDRESS != 0) {
        return;  // there, memory goes back at once
    }
    constexpr std::size_t size = 2'000;  // a class that the rest of the program hardly uses
    constexpr std::size_t count = 400;   // more than one chunk
    std::set<void*> left_behind;
    const auto use = [](std::set<void*>& blocks) {
        for (std::size_t i = 0; i < count; ++i) {
            blocks.insert(frame_pool.allocate(size));
        }
        for (void* const block : blocks) {
            frame_pool.deallocate(block, size);
        }
    };
    std::thread([&] { use(left_behind); }).join();
    CHECK(left_behind.size() == count);
    std::set<void*> taken_up;
    std::thread([&] { use(taken_up); }).join();
    CHECK(taken_up == left_behind);
}

TEST_CASE("frame allocator: trim leaves the live blocks alone") {
    void* const live = frame_pool.allocate(64);
    void* const spare = frame_pool.allocate(64);
    std::memset(live, 1, 64);
    frame_pool.deallocate(spare, 64);
    frame_pool.trim();
    frame_pool.trim();
    CHECK(static_cast<unsigned char*>(live)[63] == 1);
    frame_pool.deallocate(live, 64);
}

TEST_CASE("frame allocator: coroutines, tasks and futures are counted") {
    const std::ptrdiff_t before = live_frames();
    {
        const ringio::Task<> task = coroutine();
        CHECK(live_frames() == before + 1);
    }
    CHECK(live_frames() == before);
    {
        ringio::EventLoop loop;
        const std::ptrdiff_t with_loop = live_frames();
        const ringio::Promise<int> promise = loop.create_future<int>();
        CHECK(live_frames() == with_loop + 1);
    }
    CHECK(live_frames() == before);
}

TEST_CASE("frame allocator: a frame of many kibibytes is an ordinary one") {
    const std::ptrdiff_t before = live_frames();
    auto large = [](unsigned char fill) -> ringio::Task<int> {
        unsigned char buffer[100'000];
        std::memset(buffer, fill, sizeof buffer);
        co_await std::suspend_never();
        co_return buffer[sizeof buffer - 1];
    };
    ringio::EventLoop loop;
    CHECK(loop.run_until_complete(large(7)) == 7);
    loop.close();
    CHECK(live_frames() <= before + 1);  // what anchors the loop object
}

namespace {

#if defined(__SANITIZE_THREAD__)
constexpr bool has_shadow_memory = true;
#elif defined(__clang__)
constexpr bool has_shadow_memory = __has_feature(thread_sanitizer);
#else
constexpr bool has_shadow_memory = false;
#endif

std::size_t resident_kib() {
    long pages = 0;
    std::FILE* const file = std::fopen("/proc/self/statm", "r");
    REQUIRE(file != nullptr);
    REQUIRE(std::fscanf(file, "%*d %ld", &pages) == 1);
    std::fclose(file);
    return static_cast<std::size_t>(pages) * 4;
}

// Plays the loop: what is idle is given back a period later.
void let_two_periods_pass() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    while (frame_pool.has_surplus() && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(
            std::min<std::chrono::nanoseconds>(frame_pool.tend(), std::chrono::milliseconds(100)));
    }
}

}  // namespace

TEST_CASE("frame allocator: blocks that one thread makes and another one frees do not pile up") {
    if (RINGIO_SANITIZE_ADDRESS != 0) {
        return;  // there, memory goes back at once
    }
    constexpr std::size_t size = 1'000;
    constexpr std::size_t batch = 1'000;
    std::vector<void*> blocks(batch);
    const auto hand_over = [&](int rounds) {
        for (int round = 0; round < rounds; ++round) {
            for (void*& block : blocks) {
                block = frame_pool.allocate(size);
            }
            std::thread([&] {  // one that ends
                for (void* const block : blocks) {
                    frame_pool.deallocate(block, size);
                }
            })
                .join();
        }
    };
    hand_over(10);
    const std::size_t before = FramePool::mapped();
    hand_over(30);
    CHECK(FramePool::mapped() == before);

    // And one that goes on, and never needs a block itself.
    std::barrier turn(2);
    constexpr int rounds = 40;
    std::size_t mapped_early = 0;
    std::thread consumer([&] {
        for (int round = 0; round < rounds; ++round) {
            turn.arrive_and_wait();
            for (void* const block : blocks) {
                frame_pool.deallocate(block, size);
            }
            turn.arrive_and_wait();
        }
    });
    for (int round = 0; round < rounds; ++round) {
        for (void*& block : blocks) {
            block = frame_pool.allocate(size);
        }
        turn.arrive_and_wait();
        turn.arrive_and_wait();
        if (round == 10) {
            mapped_early = FramePool::mapped();
        }
    }
    consumer.join();
    CHECK(FramePool::mapped() == mapped_early);
}

TEST_CASE("frame allocator: memory that is not needed any more goes back to the system") {
    if (RINGIO_SANITIZE_ADDRESS != 0) {
        return;  // there, memory goes back at once
    }
    constexpr std::size_t size = 512;
    constexpr std::size_t count = 100'000;
    let_two_periods_pass();
    const std::size_t before = resident_kib();
    const std::size_t mapped_before = FramePool::mapped();
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < count; ++i) {
        void* const block = frame_pool.allocate(size);
        std::memset(block, 1, size);
        blocks.push_back(block);
    }
    CHECK(resident_kib() > before + count * size / 1024 / 2);
    CHECK(FramePool::mapped() >= mapped_before + count * size / 2);
    for (void* const block : blocks) {
        frame_pool.deallocate(block, size);
    }
    blocks = {};
    CHECK(frame_pool.has_surplus());
    let_two_periods_pass();
    CHECK_FALSE(frame_pool.has_surplus());
    if (!has_shadow_memory) {  // which stays
        CHECK(resident_kib() < before + 4 * 1024);
    }
    CHECK(FramePool::mapped() < mapped_before + 4 * 1024 * 1024);
}
