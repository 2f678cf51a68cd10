#include <ringio/sync/wait_queue.hpp>

#include "sync_scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;
using detail::LoopBinding;
using detail::WaitEnd;
using detail::WaitQueue;

namespace {

class PlainWait final : public detail::QueuedWait {
public:
    explicit PlainWait(WaitQueue& queue) noexcept : QueuedWait(queue) {}
    bool await_ready() const noexcept { return false; }
    WaitEnd await_resume() noexcept { return leave(); }
};

Task<> wait_in(WaitQueue& queue, EventLog& log, std::string name) {
    const detail::WaitOn<PlainWait, WaitQueue> wait(queue);
    const WaitEnd end = co_await wait;
    static constexpr const char* texts[] = {"", ":cancelled", ":passed over", ":orphaned"};
    log(name + texts[static_cast<std::size_t>(end)]);
}

}  // namespace

ASYNC_TEST_CASE("WaitQueue: wakes in order, those that are cancelled left out") {
    LoopBinding binding("Thing");
    WaitQueue queue(binding, "Thing.wait()");
    EventLog log;
    CHECK_FALSE(queue.wake_next());
    auto a = create_task(wait_in(queue, log, "a"));
    auto b = create_task(wait_in(queue, log, "b"));
    auto c = create_task(wait_in(queue, log, "c"));
    auto d = create_task(wait_in(queue, log, "d"));
    co_await turns(1);
    CHECK(queue.repr_suffix() == ", waiters:4");
    CHECK_THAT(fmt::format("{}", a), Catch::Matchers::Contains("wait_for=<Future pending"));
    b.cancel();
    CHECK(queue.wake_next());
    CHECK(queue.wake_next());
    c.cancel();
    a.cancel();
    d.cancel();
    CHECK_FALSE(queue.wake_next());
    CHECK(queue.size() == 4);
    CHECK(queue.has_live());
    co_await turns(2);
    CHECK(log.joined() == "b:cancelled a:passed over c:passed over d:cancelled");
    CHECK(queue.size() == 0);
    CHECK_FALSE(queue.has_live());
}

ASYNC_TEST_CASE("WaitQueue: wake_first() waits for the first to run") {
    LoopBinding binding("Thing");
    WaitQueue queue(binding, "Thing.wait()");
    EventLog log;
    auto a = create_task(wait_in(queue, log, "a"));
    auto b = create_task(wait_in(queue, log, "b"));
    co_await turns(1);
    a.cancel();
    queue.wake_first();
    co_await turns(1);
    CHECK(log.joined() == "a:cancelled");
    queue.wake_first();
    queue.wake_first();
    co_await turns(1);
    CHECK(log.joined() == "a:cancelled b");
}

ASYNC_TEST_CASE("WaitQueue: those left when it is destroyed are orphans") {
    LoopBinding binding("Thing");
    auto queue = std::make_unique<WaitQueue>(binding, "Thing.wait()");
    EventLog log;
    auto a = create_task(wait_in(*queue, log, "a"));
    auto b = create_task(wait_in(*queue, log, "b"));
    co_await turns(1);
    queue->wake_next();
    queue.reset();
    b.cancel();
    co_await turns(2);
    CHECK(log.joined() == "a:orphaned b:orphaned");
}

TEST_CASE("WaitQueue: survives the destruction of the tasks in it") {
    LoopBinding binding("Thing");
    WaitQueue queue(binding, "Thing.wait()");
    EventLog log;
    {
        EventLoop loop;
        loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
        loop.create_task(wait_in(queue, log, "a"));
        loop.create_task(wait_in(queue, log, "b"));
        loop.run_until_complete(turns(2));
        CHECK(queue.wake_next());
    }
    CHECK(queue.size() == 0);
    CHECK_FALSE(queue.wake_next());
    CHECK(log.joined() == "");
}
