// The loop's part in closing generators, with entries that only pretend to be some.
#include <ringio/core/async_generator_hook.hpp>

#include <ringio/core/loop_books.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

#include <chrono>
#include <functional>
#include <stdexcept>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

class Entry final : public detail::AsyncGeneratorHook {
public:
    explicit Entry(std::function<Task<>()> closing) : closing_(std::move(closing)) {
        EventLoop& loop = get_running_loop();
        loop.machine().books().add_generator(loop, *this);
    }
    Task<> aclose() override { return closing_(); }
    std::string repr() const override { return "<entry>"; }

private:
    std::function<Task<>()> closing_;
};

}  // namespace

ASYNC_TEST_CASE("shutdown_asyncgens: closes all at the same time, in the order of their begin") {
    testing::EventLog log;
    auto close = [&log](std::string name) -> Task<> {
        log(name);
        co_await sleep(1s);
        log("~" + name);
    };
    EventLoop& loop = get_running_loop();
    CHECK_FALSE(loop.machine().books().has_generators());
    const Entry a([&] { return close("a"); });
    const Entry b([&] { return close("b"); });
    CHECK(loop.machine().books().has_generators());
    const auto begin = loop.time();
    co_await loop.shutdown_asyncgens();
    CHECK(loop.time() - begin == 1s);
    CHECK(log.joined() == "a b ~a ~b");
    CHECK_FALSE(loop.machine().books().has_generators());
    co_await loop.shutdown_asyncgens();
}

ASYNC_TEST_CASE("shutdown_asyncgens: also where tasks start eagerly") {
    testing::EventLog log;
    auto close = [&log](std::string name) -> Task<> {
        log(name);
        co_return;
    };
    EventLoop& loop = get_running_loop();
    loop.set_task_factory(eager_task_factory);
    const Entry a([&] { return close("a"); });
    const Entry b([&] { return close("b"); });
    co_await loop.shutdown_asyncgens();
    CHECK(log.joined() == "a b");
}

ASYNC_TEST_CASE("shutdown_asyncgens: reports errors and goes on") {
    testing::EventLog log;
    auto fail = []() -> Task<> {
        throw std::runtime_error("bad");
        co_return;
    };
    auto cancelled = []() -> Task<> {
        throw CancelledError();
        co_return;
    };
    auto good = [&log]() -> Task<> {
        log("good");
        co_return;
    };
    const Reported reported;
    const Entry a(fail);
    const Entry b(cancelled);
    const Entry c(good);
    co_await get_running_loop().shutdown_asyncgens();
    CHECK(log.joined() == "good");
    REQUIRE(reported.messages.size() == 1);
    CHECK(reported.messages[0] ==
          "an error occurred during closing of asynchronous generator <entry>");
}

ASYNC_TEST_CASE("shutdown_asyncgens: an entry that goes before its turn is not closed") {
    testing::EventLog log;
    auto closing = [&log]() -> Task<> {
        log("closed");
        co_return;
    };
    auto entry = std::make_unique<Entry>(closing);
    std::unique_ptr<Entry> other;
    auto drops_other = [&]() -> Task<> {
        other.reset();
        co_return;
    };
    const Entry first(drops_other);
    other = std::make_unique<Entry>(closing);
    co_await get_running_loop().shutdown_asyncgens();
    CHECK(log.joined() == "closed");
}

ASYNC_TEST_CASE("shutdown_asyncgens: cancelling it cancels the closings") {
    testing::EventLog log;
    auto waits = [&log]() -> Task<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log("cancelled");
            throw;
        }
    };
    const Entry a(waits);
    const Entry b(waits);
    auto closing = create_task(get_running_loop().shutdown_asyncgens());
    co_await turns(2);
    closing.cancel();
    CHECK_AWAIT(is_cancelled(closing), true);
    co_await turns(1);
    CHECK(log.joined() == "cancelled cancelled");
}

ASYNC_TEST_CASE("shutdown_asyncgens: in debug mode, a generator that begins later is reported") {
    EventLoop& loop = get_running_loop();
    auto closing = []() -> Task<> { co_return; };
    const Reported reported;
    co_await loop.shutdown_asyncgens();
    {
        const Entry silent(closing);
    }
    loop.set_debug(true);
    const Entry late(closing);
    REQUIRE(reported.messages.size() == 1);
    CHECK(reported.messages[0] ==
          "asynchronous generator <entry> was scheduled after loop.shutdown_asyncgens() call");
}

TEST_CASE("shutdown_asyncgens: an entry may outlive its loop") {
    std::unique_ptr<Entry> entry;
    {
        EventLoop loop;
        auto body = [&]() -> Task<> {
            entry = std::make_unique<Entry>([]() -> Task<> { co_return; });
            co_return;
        };
        loop.run_until_complete(body());
        CHECK(entry->is_linked());
    }
    CHECK_FALSE(entry->is_linked());
}
