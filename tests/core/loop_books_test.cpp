// What a loop keeps for others.
#include <ringio/core/loop_books.hpp>

#include <ringio/core.hpp>
#include <support/catch.hpp>

#include <vector>

using namespace ringio;

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
