// What a loop keeps for others: tasks, and what the layers above have end with it.
#include <ringio/core/loop_books.hpp>

#include <ringio/core.hpp>
#include <ringio/testing.hpp>
#include <support/catch.hpp>

#include <functional>
#include <memory>
#include <vector>

using namespace ringio;
using ringio::testing::EventLog;

namespace {

struct Ending : detail::EndsWithLoop {
    ~Ending() override {
        if (at_end) {
            at_end();
        }
    }
    std::function<void()> at_end;
};
struct FirstEnding final : Ending {};
struct OtherEnding final : Ending {};

Task<> note_at_end(EventLog& events) {
    const std::shared_ptr<void> end(nullptr, [&](void*) { events("task"); });
    const Promise<> never = get_running_loop().create_future<void>();
    co_await never.get_future();
}

}  // namespace

TEST_CASE("loop books: what ends with a loop is made at first use, and found by its type") {
    EventLoop loop;
    detail::LoopBooks& books = loop.machine().books();
    CHECK(books.find<FirstEnding>() == nullptr);
    FirstEnding& first = books.find_or_make<FirstEnding>();
    OtherEnding& other = books.find_or_make<OtherEnding>();
    CHECK(&books.find_or_make<FirstEnding>() == &first);
    CHECK(books.find<FirstEnding>() == &first);
    CHECK(books.find<OtherEnding>() == &other);
    loop.close();
    CHECK(books.find<FirstEnding>() == nullptr);
}

TEST_CASE("loop books: it ends after the tasks, and what it makes meanwhile ends, too") {
    EventLog events;
    EventLoop loop;
    loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    detail::LoopBooks& books = loop.machine().books();
    books.find_or_make<FirstEnding>().at_end = [&] {
        events("first");
        books.find_or_make<OtherEnding>().at_end = [&] { events("other"); };
    };
    loop.create_task(note_at_end(events));
    loop.call_soon([&] { loop.stop(); });
    loop.run_forever();
    loop.close();
    CHECK(events.joined() == "task first other");
}

TEST_CASE("loop books: what is made for a closed loop ends with its memory") {
    EventLog events;
    {
        EventLoop loop;
        loop.close();
        loop.machine().books().find_or_make<FirstEnding>().at_end = [&] { events("end"); };
        CHECK(events.joined().empty());
    }
    CHECK(events.joined() == "end");
}

TEST_CASE("loop books: pending tasks stand in the order of their creation") {
    EventLoop loop;
    auto nothing = []() -> Task<> { co_return; };
    const TaskHandle<> a = loop.create_task(nothing());
    const TaskHandle<> b = loop.create_task(nothing());
    detail::LoopBooks& books = loop.machine().books();
    CHECK(books.pending_tasks() ==
          std::vector<detail::TaskStateBase*>{
              static_cast<detail::TaskStateBase*>(a.shared_state().get()),
              static_cast<detail::TaskStateBase*>(b.shared_state().get())});
    CHECK(books.task_count == 2);
    loop.run_until_complete(b);
    CHECK(books.pending_tasks().empty());
}
