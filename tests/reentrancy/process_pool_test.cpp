// What a process pool calls of the user's in this process: the writing of arguments and reading of
// results, their destructors, and done callbacks, which its manager calls.
#include "acting.hpp"
#include "calls.hpp"

#include <ringio/process/process_pool_executor.hpp>
#include <support/no_processes.hpp>
#include <support/printed.hpp>
#include <support/worker_calls.hpp>

#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace ringio::test_support::process_pool_calls {
namespace {

using concurrent::CancelRunning;
using concurrent::Future;
using concurrent::ProcessPoolExecutor;

const char* const many_threads = "no loop belongs to it; what closes one has a table of its own";

/// A value that acts when this process writes it, reads it, or destroys what it has read; in a
/// worker there is nothing to do.
struct Traveller {
    static inline std::function<void()> at_writing;
    static inline std::function<void()> at_reading;
    static inline std::function<void()> at_end;

    std::string text = long_text;
    bool is_read = false;

    Traveller() = default;
    Traveller(const Traveller& other) = default;
    Traveller(Traveller&& other) noexcept
        : text(other.text), is_read(std::exchange(other.is_read, false)) {}
    Traveller& operator=(const Traveller&) = default;
    ~Traveller() {
        if (is_read) {
            act(at_end);
        }
    }

    template <class Archive>
    void serialize(Archive& archive) {
        archive(text);
        is_read = Archive::is_loading;
        act(Archive::is_loading ? at_reading : at_writing);
    }

private:
    static void act(std::function<void()>& once) {
        if (const auto action = std::exchange(once, nullptr)) {
            action();
        }
    }
};

std::size_t take(const Traveller& traveller) { return traveller.text.size(); }
Traveller give() { return {}; }
void give_none() {}

/// Until a pool that is gone has ended, of which nobody can be told.
void wait_for_end(std::size_t descriptors) {
    while (!has_no_child() || descriptor_count() != descriptors) {
        std::this_thread::yield();
    }
}

/// A pool, whose only worker waits at the gate: what is submitted is queued.
struct BusyPool {
    std::unique_ptr<ProcessPoolExecutor> pool = std::make_unique<ProcessPoolExecutor>(1);
    ProcessGate gate;
    Future<int> first = pool->submit(pass_with, gate.name(), 1);

    BusyPool() { gate.wait_until_reached(); }
};

// The writing of an argument, by whoever submits.

void writing_cancels() {
    BusyPool busy;
    const Future<int> queued = busy.pool->submit(same_number, 2);
    Traveller::at_writing = [&] { CHECK(queued.cancel()); };
    const Future<std::size_t> future = busy.pool->submit(take, Traveller());
    busy.gate.open();
    CHECK(future.result() == long_text.size());
    CHECK(queued.cancelled());
}

void writing_shuts_down() {
    ProcessPoolExecutor pool(1);
    Traveller::at_writing = [&] { pool.shutdown(); };
    CHECK_THROWS_WITH(pool.submit(take, Traveller()), "cannot schedule new futures after shutdown");
}

void writing_submits_another() {
    ProcessPoolExecutor pool(1);
    std::optional<Future<int>> another;
    Traveller::at_writing = [&] { another = pool.submit(same_number, 3); };
    CHECK(pool.submit(take, Traveller()).result() == long_text.size());
    CHECK(another->result() == 3);
}

void writing_throws() {
    ProcessPoolExecutor pool(1);
    Traveller::at_writing = boom;
    CHECK_THROWS_WITH(pool.submit(take, Traveller()).result(), "boom");
    CHECK(pool.submit(same_number, 4).result() == 4);
}

// The reading of a result, by the manager.

void reading_cancels() {
    ProcessPoolExecutor pool({.max_workers = 1, .cancel_running = CancelRunning::kill});
    std::optional<Future<Traveller>> future;
    std::optional<bool> accepted;
    ProcessGate gate;
    const Future<int> first = pool.submit(pass_with, gate.name(), 1);
    Traveller::at_reading = [&] { accepted = future->cancel(); };
    future = pool.submit(give);
    gate.open();
    CHECK_THROWS_AS(future->result(), CancelledError);
    pool.shutdown();
    CHECK(accepted == true);
}

void reading_shuts_down() {
    ProcessPoolExecutor pool(1);
    Traveller::at_reading = [&] { pool.shutdown(); };
    CHECK(pool.submit(give).result().text == long_text);
    CHECK_THROWS_AS(pool.submit(give_none), std::runtime_error);
}

void reading_submits_another() {
    ProcessPoolExecutor pool(1);
    std::optional<Future<int>> another;
    Traveller::at_reading = [&] { another = pool.submit(same_number, 3); };
    CHECK(pool.submit(give).result().text == long_text);
    CHECK(another->result() == 3);
}

void reading_destroys_pool() {
    const std::size_t descriptors = descriptor_count() + 1;  // the gate's
    auto pool = std::make_unique<ProcessPoolExecutor>(1);
    ProcessGate gate;
    const Future<int> first = pool->submit(pass_with, gate.name(), 1);
    Traveller::at_reading = [&] { pool.reset(); };
    const Future<Traveller> future = pool->submit(give);
    gate.open();
    CHECK(future.result().text == long_text);
    CHECK(pool == nullptr);
    wait_for_end(descriptors);
}

void reading_throws() {
    ProcessPoolExecutor pool(1);
    Traveller::at_reading = boom;
    CHECK_THROWS_WITH(pool.submit(give).result(), "boom");
    CHECK(pool.submit(give).result().text == long_text);
}

// The destructor of a result that nobody has kept, in the manager.

/// A call whose future is gone when its result comes, which then calls `action`.
void have_end_call(ProcessPoolExecutor& pool, std::function<void()> action) {
    const auto ended = std::make_shared<std::latch>(1);
    ProcessGate gate;
    const Future<int> first = pool.submit(pass_with, gate.name(), 1);
    pool.submit(give);
    Traveller::at_end = [action, ended] {
        action();
        ended->count_down();
    };
    gate.open();
    ended->wait();
}

void end_cancels() {
    ProcessPoolExecutor pool(1);
    std::optional<Future<void>> running = pool.submit(give_none);
    have_end_call(pool, [&] { running->cancel(); });
    CHECK_NOTHROW(running->result());
}

void end_shuts_down() {
    ProcessPoolExecutor pool(1);
    have_end_call(pool, [&] { pool.shutdown(); });
    CHECK_THROWS_AS(pool.submit(give_none), std::runtime_error);
}

void end_submits_another() {
    ProcessPoolExecutor pool(1);
    std::optional<Future<int>> another;
    have_end_call(pool, [&] { another = pool.submit(same_number, 3); });
    CHECK(another->result() == 3);
}

void end_destroys_pool() {
    const std::size_t descriptors = descriptor_count();
    auto pool = std::make_unique<ProcessPoolExecutor>(1);
    have_end_call(*pool, [&] { pool.reset(); });
    CHECK(pool == nullptr);
    wait_for_end(descriptors);
}

// A done callback: of a call that was made, by the manager; of one that was cancelled, by whoever
// has cancelled it.

void callback_cancels() {
    BusyPool busy;
    const Future<int> next = busy.pool->submit(same_number, 2);
    const Future<int> queued = busy.pool->submit(same_number, 3);
    queued.add_done_callback([&] { CHECK(next.cancel()); });
    CHECK(queued.cancel());
    CHECK(next.cancelled());
    busy.gate.open();
    CHECK(busy.pool->submit(same_number, 4).result() == 4);
}

void callback_shuts_down() {
    for (const bool cancels : {false, true}) {
        BusyPool busy;
        std::optional<Future<int>> queued = busy.pool->submit(same_number, 2);
        queued->add_done_callback(
            [&] { busy.pool->shutdown({.wait = false, .cancel_futures = true}); });
        if (cancels) {
            CHECK(queued->cancel());
        }
        busy.gate.open();
        CHECK(busy.first.result() == 1);
        busy.pool->shutdown();
        CHECK(queued->cancelled() == cancels);
    }
}

void callback_submits_another() {
    BusyPool busy;
    std::optional<Future<int>> another;
    const Future<int> queued = busy.pool->submit(same_number, 2);
    queued.add_done_callback([&] { another = busy.pool->submit(same_number, 3); });
    CHECK(queued.cancel());
    busy.gate.open();
    CHECK(another->result() == 3);
}

void callback_destroys_pool() {
    BusyPool busy;
    const Future<int> queued = busy.pool->submit(same_number, 2);
    queued.add_done_callback([&] {
        busy.gate.open();
        busy.pool.reset();
    });
    CHECK(queued.cancel());
    CHECK(busy.pool == nullptr);
    CHECK(busy.first.result() == 1);
}

void callback_throws() {
    BusyPool busy;
    const Future<int> queued = busy.pool->submit(same_number, 2);
    queued.add_done_callback(boom);
    CHECK_THAT(printed([&] { CHECK(queued.cancel()); }),
               Catch::Matchers::Contains("exception calling callback for <Future at "));
    busy.gate.open();
    CHECK(busy.pool->submit(same_number, 4).result() == 4);
}

}  // namespace

TEST_CASE("reentrancy: what process pools call") {
    check_calls({
        {.code = "the writing of an argument",
         .closes = many_threads,
         .cancels = writing_cancels,
         .shuts_down = writing_shuts_down,
         .replaces_itself = writing_submits_another,
         .destroys_owner = under_its_feet,
         .throws = writing_throws},
        {.code = "the reading of a result",
         .closes = many_threads,
         .cancels = reading_cancels,
         .shuts_down = reading_shuts_down,
         .replaces_itself = reading_submits_another,
         .destroys_owner = reading_destroys_pool,
         .throws = reading_throws},
        {.code = "the destructor of a result",
         .closes = many_threads,
         .cancels = end_cancels,
         .shuts_down = end_shuts_down,
         .replaces_itself = end_submits_another,
         .destroys_owner = end_destroys_pool,
         .throws = destructor},
        {.code = "a done callback of a process pool",
         .closes = many_threads,
         .cancels = callback_cancels,
         .shuts_down = callback_shuts_down,
         .replaces_itself = callback_submits_another,
         .destroys_owner = callback_destroys_pool,
         .throws = callback_throws},
    });
}

}  // namespace ringio::test_support::process_pool_calls
