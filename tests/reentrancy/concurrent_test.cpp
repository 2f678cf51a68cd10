// What concurrent/ calls: done callbacks in whatever thread ends the wait, the code of values, and
// the jobs of a pool. None of it is called under a lock.
#include "acting.hpp"
#include "calls.hpp"

#include <ringio/base/scope_exit.hpp>
#include <ringio/concurrent.hpp>
#include <support/gate.hpp>
#include <support/printed.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <string>

namespace ringio::test_support::concurrent_calls {
using ringio::InvalidStateError;
using ringio::concurrent::Future;
using ringio::concurrent::Promise;
using ringio::concurrent::ThreadPoolExecutor;

namespace {

const char* const many_threads = "no loop belongs to it; what closes one has a table of its own";

// A done callback.

void callback_cancels() {
    Promise<int> promise;
    Future<int> future = promise.get_future();
    std::optional<bool> accepted;
    future.add_done_callback([&](const Future<int>& done) { accepted = done.cancel(); });
    promise.set_result(1);
    CHECK(accepted == false);
    CHECK(future.result() == 1);
}

void callback_adds_another() {
    Promise<int> promise;
    Future<int> future = promise.get_future();
    std::string log;
    future.add_done_callback([&](const Future<int>& done) {
        log += "first";
        done.add_done_callback([&log] { log += " inner"; });
    });
    future.add_done_callback([&log] { log += " second"; });
    promise.set_result(1);
    CHECK(log == "first inner second");
}

void callback_destroys_future() {
    auto promise = std::make_unique<Promise<int>>();
    auto future = std::make_unique<Future<int>>(promise->get_future());
    std::string log;
    future->add_done_callback([&, text = long_text](const Future<int>& done) {
        future.reset();
        promise.reset();
        log += text == long_text && done.result() == 1 ? "first" : "destroyed";
    });
    future->add_done_callback([&log] { log += " second"; });
    promise->set_result(1);
    CHECK(log == "first second");
    CHECK(promise == nullptr);
}

void callback_of_cancelled_destroys_future() {
    auto promise = std::make_unique<Promise<int>>();
    auto future = std::make_unique<Future<int>>(promise->get_future());
    future->add_done_callback([&] {
        future.reset();
        promise.reset();
    });
    CHECK(future->cancel());
    CHECK(future == nullptr);
    callback_destroys_future();
}

void callback_throws() {
    auto promise = std::make_unique<Promise<int>>();
    promise->get_future().add_done_callback([&](Future<int> done) {
        done = Future<int>();
        promise.reset();
        boom();
    });
    CHECK_THAT(printed([&] { promise->set_result(1); }),
               Catch::Matchers::Contains("exception calling callback for <Future at "));
}

// The move of a callback, as it is added.

void move_of_callback_asks() {
    for (int nth = 1; nth < 8; ++nth) {
        Promise<int> promise;
        Future<int> future = promise.get_future();
        future.add_done_callback(AtMove(nth, [&] { CHECK_FALSE(future.done()); }));
        promise.set_result(1);
    }
}

void move_of_callback_cancels() {
    for (int nth = 1; nth < 8; ++nth) {
        Promise<int> promise;
        Future<int> future = promise.get_future();
        future.add_done_callback(AtMove(nth, [&] { future.cancel(); }));
        CHECK(future.done() == future.cancelled());
    }
}

void move_of_callback_destroys_future() {
    for (int nth = 2; nth < 8; ++nth) {
        auto promise = std::make_unique<Promise<int>>();
        const Future<int> future = promise->get_future();
        future.add_done_callback(AtMove(nth, [&] { promise.reset(); }));
        CHECK(future.cancelled() == (promise == nullptr));
    }
}

// The making of a value.

void value_cancels() {
    Promise<Item> promise;
    const Future<Item> future = promise.get_future();
    std::optional<bool> accepted;
    promise.set_result(Item(1, acts(&Acts::at_move, [&] {
                                accepted = future.cancel();
                                CHECK(future.running());
                                CHECK_FALSE(future.done());
                            })));
    CHECK(accepted == false);
    CHECK(future.result().number() == 1);
}

void value_sets_another() {
    Promise<Item> promise;
    std::string refusal;
    promise.set_result(Item(1, acts(&Acts::at_move, [&] {
                                try {
                                    promise.set_result(Item(2));
                                } catch (const InvalidStateError& error) {
                                    refusal = error.what();
                                }
                            })));
    CHECK_THAT(refusal, Catch::Matchers::StartsWith("the future is being given its value"));
    CHECK(promise.get_future().result().number() == 1);
}

void value_destroys_promise() {
    auto promise = std::make_unique<Promise<Item>>();
    const Future<Item> future = promise->get_future();
    promise->set_result(Item(1, acts(&Acts::at_move, [&] { promise.reset(); })));
    CHECK(future.result().number() == 1);
    auto alone = std::make_unique<Promise<Item>>();
    alone->set_result(Item(1, acts(&Acts::at_move, [&] { alone.reset(); })));
    CHECK(alone == nullptr);
    auto failing = std::make_unique<Promise<Item>>();
    const Future<Item> abandoned = failing->get_future();
    const auto destroy_and_throw = [&] {
        failing.reset();
        boom();
    };
    CHECK_THROWS_WITH(failing->set_result(Item(1, acts(&Acts::at_move, destroy_and_throw))),
                      "boom");
    CHECK(abandoned.cancelled());
}

void value_throws() {
    Promise<Item> promise;
    const Future<Item> future = promise.get_future();
    CHECK_THROWS_WITH(promise.set_result(Item(1, acts(&Acts::at_move, boom))), "boom");
    CHECK_FALSE(future.done());
    CHECK_FALSE(future.running());
    promise.set_result(Item(2));
    CHECK(future.result().number() == 2);
}

// A job of a pool, called by a worker.

void job_shuts_down() {
    ThreadPoolExecutor pool(1);
    Future<int> future = pool.submit([&pool] {
        pool.shutdown();
        CHECK_THROWS_WITH(pool.submit([] {}), "cannot schedule new futures after shutdown");
        return 1;
    });
    CHECK(future.result() == 1);
}

void job_cancels() {
    Gate gate;
    ThreadPoolExecutor pool(1);
    const ScopeExit opened([&gate] { gate.open(); });
    std::optional<Future<int>> own;
    std::optional<bool> accepted;
    own = pool.submit([&] {
        gate.pass();
        accepted = own->cancel();
        return 1;
    });
    const Future<int> queued = pool.submit([] { return 2; });
    gate.open();
    CHECK(own->result() == 1);
    CHECK(accepted == false);
    CHECK(queued.result() == 2);
}

void job_submits_another() {
    ThreadPoolExecutor pool(1);
    Future<Future<int>> outer = pool.submit([&pool] { return pool.submit([] { return 3; }); });
    CHECK(std::move(outer).result().result() == 3);
}

void job_destroys_pool() {
    auto pool = std::make_unique<ThreadPoolExecutor>(1);
    Gate gate;
    std::string text;
    auto job = [&, kept = long_text] {
        gate.pass();
        pool.reset();
        return kept;
    };
    Future<std::string> future = pool->submit(job);
    gate.open();
    CHECK(future.result() == long_text);
    CHECK(pool == nullptr);
}

void job_throws() {
    ThreadPoolExecutor pool(1);
    CHECK_THROWS_WITH(pool.submit(boom).result(), "boom");
}

// The move and the destructor of a job.

void move_of_job_enters_again() {
    for (int nth = 1; nth < 8; ++nth) {
        ThreadPoolExecutor pool(1);
        AtMove job(nth, [&pool] { pool.submit([] {}); });
        pool.submit(ringio::by_move(job)).result();
        pool.post(AtMove(nth, [&pool] { pool.post([] {}); }));
    }
}

void move_of_job_shuts_down() {
    for (int nth = 1; nth < 8; ++nth) {
        ThreadPoolExecutor pool(1);
        AtMove job(nth, [&pool] { pool.shutdown(); });
        try {
            pool.submit(ringio::by_move(job)).result();
        } catch (const std::runtime_error& error) {
            CHECK(std::string(error.what()) == "cannot schedule new futures after shutdown");
        }
    }
}

/// Submits a job that calls `action` when it is destroyed.
Future<void> submit_ending(ThreadPoolExecutor& pool, std::function<void()> action) {
    auto job = [end = AtEnd(std::move(action))] {};
    return pool.submit(ringio::by_move(job));
}

/// A pool whose only worker waits at the gate, so that what is submitted is queued.
struct BusyPool {
    Gate gate;
    ThreadPoolExecutor pool{1};

    BusyPool() {
        pool.post([this] { gate.pass(); });
        gate.wait_until_reached();
    }
    BusyPool(const BusyPool&) = delete;
    BusyPool& operator=(const BusyPool&) = delete;
    ~BusyPool() { gate.open(); }
};

void end_of_job_shuts_down() {
    BusyPool busy;
    int ends = 0;
    const Future<void> future = submit_ending(busy.pool, [&] {
        ++ends;
        busy.gate.open();
        busy.pool.shutdown();
    });
    CHECK(future.cancel());
    CHECK(ends == 1);
}

void end_of_job_cancels() {
    BusyPool busy;
    const Future<void> other = busy.pool.submit([] {});
    const Future<void> future = submit_ending(busy.pool, [&] {
        CHECK(other.cancel());
        busy.gate.open();
    });
    busy.pool.shutdown({.wait = true, .cancel_futures = true});
    CHECK(other.cancelled());
    CHECK(future.cancelled());
}

void end_of_job_submits_another() {
    BusyPool busy;
    int refused = 0;
    const Future<void> future = submit_ending(busy.pool, [&] {
        try {
            busy.pool.submit([] {});
        } catch (const std::runtime_error&) {
            ++refused;
        }
        busy.gate.open();
    });
    busy.pool.shutdown({.wait = true, .cancel_futures = true});
    CHECK(future.cancelled());
    CHECK(refused == 1);
}

void end_of_job_destroys_pool() {
    Gate gate;
    auto pool = std::make_unique<ThreadPoolExecutor>(1);
    pool->post([&gate] { gate.pass(); });
    gate.wait_until_reached();
    const Future<void> future = submit_ending(*pool, [&] {
        gate.open();
        pool.reset();
    });
    CHECK(future.cancel());
    CHECK(pool == nullptr);
}

// The initializer of a thread.

/// A pool of one thread, whose initializer calls `action` of the pool.
template <class Action>
std::unique_ptr<ThreadPoolExecutor> pool_that_begins(std::unique_ptr<ThreadPoolExecutor>& pool,
                                                     Action action) {
    return std::make_unique<ThreadPoolExecutor>(concurrent::ThreadPoolOptions{
        .max_workers = 1, .initializer = [&pool, action] { action(pool); }});
}

void initializer_cancels() {
    Gate gate;
    std::optional<Future<void>> queued;
    std::unique_ptr<ThreadPoolExecutor> pool;
    pool = pool_that_begins(pool, [&](auto&) {
        gate.pass();
        CHECK(queued->cancel());
    });
    queued = pool->submit([] {});
    gate.open();
    CHECK(pool->submit([] { return 1; }).result() == 1);
    CHECK(queued->cancelled());
}

void initializer_shuts_down() {
    Gate gate;
    std::unique_ptr<ThreadPoolExecutor> pool;
    pool = pool_that_begins(pool, [&](auto& self) {
        gate.pass();
        self->shutdown();
    });
    const Future<int> future = pool->submit([] { return 1; });
    gate.open();
    CHECK(future.result() == 1);
    CHECK_THROWS_WITH(pool->submit([] {}), "cannot schedule new futures after shutdown");
}

void initializer_submits_another() {
    Gate gate;
    std::optional<Future<int>> other;
    std::unique_ptr<ThreadPoolExecutor> pool;
    pool = pool_that_begins(pool, [&](auto& self) {
        gate.pass();
        other = self->submit([] { return 2; });
    });
    const Future<int> future = pool->submit([] { return 1; });
    gate.open();
    CHECK(future.result() == 1);
    CHECK(other->result() == 2);
}

void initializer_destroys_pool() {
    Gate gate;
    std::unique_ptr<ThreadPoolExecutor> pool;
    pool = pool_that_begins(pool, [&gate](auto& self) {
        gate.pass();
        self.reset();
    });
    const Future<int> future = pool->submit([] { return 1; });
    gate.open();
    CHECK(future.result() == 1);
    CHECK(pool == nullptr);
}

void initializer_throws() {
    Gate gate;
    std::unique_ptr<ThreadPoolExecutor> pool;
    pool = pool_that_begins(pool, [&gate](auto&) {
        gate.pass();
        boom();
    });
    CHECK_THAT(printed([&] {
                   const Future<int> future = pool->submit([] { return 1; });
                   gate.open();
                   CHECK_THROWS_AS(future.result(), concurrent::BrokenThreadPool);
                   pool->shutdown();
               }),
               Catch::Matchers::Contains("Exception in initializer:"));
}

// The reading of an input of map().

/// An input of three numbers; the second one comes after `action`.
template <class Action>
auto input_that(Action action) {
    return std::views::iota(0, 3) | std::views::transform([action](int value) {
               if (value == 1) {
                   action();
               }
               return value;
           });
}

int same(int value) { return value; }

void input_shuts_down() {
    ThreadPoolExecutor pool(1);
    CHECK_THROWS_WITH(pool.map(same, input_that([&] { pool.shutdown(); })),
                      "cannot schedule new futures after shutdown");
    ThreadPoolExecutor other(1);
    auto results = other.map(same, input_that([&] { other.shutdown(); }), {.buffersize = 1});
    CHECK_THROWS_WITH(results.next(), "cannot schedule new futures after shutdown");
}

void input_maps_another() {
    ThreadPoolExecutor pool(1);
    std::optional<int> inner;
    auto results =
        pool.map(same, input_that([&] { inner = pool.map(same, std::views::single(7)).next(); }));
    CHECK(inner == 7);
    CHECK(results.next() == 0);
}

void input_destroys_pool() {
    auto pool = std::make_unique<ThreadPoolExecutor>(1);
    CHECK_THROWS_WITH(pool->map(same, input_that([&] { pool.reset(); })),
                      "cannot schedule new futures after shutdown");
    CHECK(pool == nullptr);
}

void input_throws() {
    ThreadPoolExecutor pool(1);
    CHECK_THROWS_WITH(pool.map(same, input_that(boom)), "boom");
    auto results = pool.map(same, input_that(boom), {.buffersize = 1});
    CHECK_THROWS_WITH(results.next(), "boom");
    CHECK_FALSE(results.next());
}

}  // namespace

TEST_CASE("reentrancy: what concurrent futures call") {
    check_calls({
        {.code = "a done callback",
         .closes = many_threads,
         .cancels = callback_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = callback_adds_another,
         .destroys_owner = callback_of_cancelled_destroys_future,
         .throws = callback_throws},
        {.code = "the move of a done callback",
         .closes = many_threads,
         .cancels = move_of_callback_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = move_of_callback_asks,
         .destroys_owner = move_of_callback_destroys_future,
         .throws = "a callable whose move throws is held on the heap, and not moved again"},
        {.code = "the making of a value",
         .closes = many_threads,
         .cancels = value_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = value_sets_another,
         .destroys_owner = value_destroys_promise,
         .throws = value_throws},
    });
}

TEST_CASE("reentrancy: what thread pools call") {
    check_calls({
        {.code = "a job",
         .closes = many_threads,
         .cancels = job_cancels,
         .shuts_down = job_shuts_down,
         .replaces_itself = job_submits_another,
         .destroys_owner = job_destroys_pool,
         .throws = job_throws},
        {.code = "the move of a job",
         .closes = many_threads,
         .cancels = "there is no future before submit() returns",
         .shuts_down = move_of_job_shuts_down,
         .replaces_itself = move_of_job_enters_again,
         .destroys_owner = under_its_feet,
         .throws = "submit() throws what the move throws"},
        {.code = "the destructor of a job",
         .closes = many_threads,
         .cancels = end_of_job_cancels,
         .shuts_down = end_of_job_shuts_down,
         .replaces_itself = end_of_job_submits_another,
         .destroys_owner = end_of_job_destroys_pool,
         .throws = destructor},
        {.code = "the initializer of a thread",
         .closes = many_threads,
         .cancels = initializer_cancels,
         .shuts_down = initializer_shuts_down,
         .replaces_itself = initializer_submits_another,
         .destroys_owner = initializer_destroys_pool,
         .throws = initializer_throws},
        {.code = "the reading of an input of map()",
         .closes = many_threads,
         .cancels = "nobody has a future of its calls",
         .shuts_down = input_shuts_down,
         .replaces_itself = input_maps_another,
         .destroys_owner = input_destroys_pool,
         .throws = input_throws},
    });
}

}  // namespace ringio::test_support::concurrent_calls
