// What the primitives of sync/ call: the code of the items that queues and channels move, compare,
// format and destroy, a Condition's predicate, what a borrower of a CapacityLimiter leaves behind.
#include "acting.hpp"
#include "calls.hpp"

#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include <support/ends.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ringio::test_support::sync_calls {
using testing::EventLog;

namespace {

const char* const in_its_own_function =
    "the queue outlives those who use it, and its member function runs";

/// Waits until `future` is done, however it ends.
Task<> wait_for_end(AnyFuture future) {
    const std::vector<AnyFuture> futures(1, future);
    co_await wait(futures);
}

/// Runs a test for each kind of queue.
template <class Test>
void for_each_queue(Test test) {
    Queue<Item> fifo;
    test(fifo);
    LifoQueue<Item> lifo;
    test(lifo);
    PriorityQueue<Item> priority;
    test(priority);
}

// The destructor of an item that shutdown(true) drops.

Task<> dropped_item_cancels() {
    Queue<Item> queue;
    AnyTask waiting = create_task(queue.join());
    queue.put_nowait(Item(1, acts(&Acts::at_end, [&] { waiting.cancel(); })));
    co_await turns(1);
    queue.shutdown(true);
    co_await turns(2);
    CHECK(waiting.done());
}

Task<> dropped_item_shuts_down() {
    for_each_queue([](auto& queue) {
        queue.put_nowait(Item(1, acts(&Acts::at_end, [&] { queue.shutdown(true); })));
        queue.put_nowait(Item(2));
        queue.shutdown(true);
        CHECK(queue.empty());
    });
    co_return;
}

Task<> dropped_item_gives_itself_back() {
    for_each_queue([](auto& queue) {
        int refused = 0;
        const auto give_back = [&] {
            try {
                queue.put_nowait(Item(3));
            } catch (const QueueShutDown&) {
                ++refused;
            }
            CHECK_THROWS_AS(queue.get_nowait(), QueueShutDown);
        };
        queue.put_nowait(Item(1, acts(&Acts::at_end, give_back)));
        queue.put_nowait(Item(2, acts(&Acts::at_end, give_back)));
        queue.shutdown(true);
        CHECK(refused == 2);
        CHECK(queue.qsize() == 0);
        CHECK_THAT(queue.repr(), Catch::Matchers::EndsWith(" shutdown>"));
    });
    co_return;
}

Task<> dropped_item_destroys_queue() {
    auto queue = std::make_unique<Queue<Item>>();
    queue->put_nowait(Item(1, acts(&Acts::at_end, [&] { queue.reset(); })));
    queue->put_nowait(Item(2));
    queue->shutdown(true);
    CHECK(queue == nullptr);
    co_return;
}

// The destructor of an item that is left in a queue when that is destroyed.

Task<> left_item_gives_itself_back() {
    int refused = 0;
    const auto fill = [&](auto& queue) {
        queue.put_nowait(Item(1, acts(&Acts::at_end, [&] {
                                  try {
                                      queue.put_nowait(Item(2));
                                  } catch (const QueueShutDown&) {
                                      ++refused;
                                  }
                                  queue.shutdown(true);
                              })));
        queue.put_nowait(Item(3));
    };
    {
        Queue<Item> fifo;
        fill(fifo);
        LifoQueue<Item> lifo;
        fill(lifo);
        PriorityQueue<Item> priority;
        fill(priority);
    }
    CHECK(refused == 3);
    co_return;
}

// The move of an item, into the queue and out of it.

Task<> moved_item_cancels() {
    Queue<Item> queue(1);
    queue.put_nowait(Item(1));
    AnyTask putting = create_task(queue.put(Item(2)));
    co_await turns(1);
    Queue<Item> other;
    other.put_nowait(Item(3, acts(&Acts::at_move, [&] { putting.cancel(); })));
    CHECK_AWAIT(is_cancelled(putting), true);
    CHECK(other.get_nowait().whole());
}

Task<> moved_item_shuts_down() {
    for_each_queue([](auto& queue) {
        queue.put_nowait(Item(1));
        CHECK_THROWS_AS(
            queue.put_nowait(Item(2, acts(&Acts::at_move, [&] { queue.shutdown(true); }))),
            QueueShutDown);
        CHECK(queue.empty());
    });
    Queue<Item> queue;
    const auto made = std::make_shared<Acts>();
    queue.put_nowait(Item(1, made));
    queue.put_nowait(Item(2));
    made->at_move = [&] { queue.shutdown(true); };
    CHECK(queue.get_nowait().number() == 1);
    CHECK_THROWS_AS(queue.get_nowait(), QueueShutDown);
    co_return;
}

Task<> moved_item_puts_another() {
    Queue<Item> queue(1);
    CHECK_THROWS_AS(
        queue.put_nowait(Item(1, acts(&Acts::at_move, [&] { queue.put_nowait(Item(2)); }))),
        QueueFull);
    CHECK(queue.get_nowait().number() == 2);
    for_each_queue([](auto& each) {
        const auto made = std::make_shared<Acts>();
        each.put_nowait(Item(1, made));
        made->at_move = [&] {
            each.put_nowait(Item(2));
            each.put_nowait(Item(3));
        };
        CHECK(each.get_nowait().number() == 1);
        CHECK(each.qsize() == 2);
        CHECK(each.get_nowait().whole());
        CHECK(each.get_nowait().whole());
    });
    co_return;
}

Task<> moved_item_throws() {
    for_each_queue([](auto& queue) {
        CHECK_THROWS_WITH(queue.put_nowait(Item(1, acts(&Acts::at_move, boom))), "boom");
        CHECK(queue.empty());
        const auto made = std::make_shared<Acts>();
        queue.put_nowait(Item(2, made));
        made->at_move = boom;
        CHECK_THROWS_WITH(queue.get_nowait(), "boom");
        CHECK(queue.qsize() == 1);
        CHECK(queue.get_nowait().number() == 2);
    });
    co_return;
}

// The comparison of two items of a PriorityQueue.

/// A queue whose next comparison calls `action`.
std::shared_ptr<Acts> fill(PriorityQueue<Item>& queue) {
    const auto made = std::make_shared<Acts>();
    for (int number = 5; number > 1; --number) {
        queue.put_nowait(Item(number, made));
    }
    return made;
}

Task<> comparison_cancels() {
    PriorityQueue<Item> queue;
    AnyTask waiting = create_task(queue.get());
    co_await turns(1);
    const auto made = fill(queue);
    made->at_compare = [&] { waiting.cancel(); };
    queue.put_nowait(Item(1, made));
    CHECK_AWAIT(is_cancelled(waiting), true);
    CHECK(queue.get_nowait().number() == 1);
}

Task<> comparison_shuts_down() {
    PriorityQueue<Item> queue;
    const auto made = fill(queue);
    made->at_compare = [&] { queue.shutdown(true); };
    CHECK_THROWS_AS(queue.put_nowait(Item(1, made)), QueueShutDown);
    CHECK(queue.empty());
    PriorityQueue<Item> other;
    const auto others = fill(other);
    others->at_compare = [&] { other.shutdown(true); };
    CHECK_THROWS_AS(other.get_nowait(), QueueShutDown);
    CHECK(other.empty());
    PriorityQueue<Item> open;
    const auto opens = fill(open);
    opens->at_compare = [&] { open.shutdown(); };
    CHECK(open.get_nowait().number() == 2);
    CHECK(open.get_nowait().number() == 3);
    co_return;
}

/// Numbers lie in the list itself.
Task<> comparison_of_numbers_shuts_down() {
    PriorityQueue<int, std::function<bool(int, int)>>* shut = nullptr;
    const auto compare = [&shut](const int& a, const int& b) {
        if (auto* const queue = std::exchange(shut, nullptr)) {
            queue->shutdown(true);
        }
        return a < b;
    };
    PriorityQueue<int, std::function<bool(int, int)>> queue(0, compare);
    for (const int number : {4, 3, 2}) {
        queue.put_nowait(number);
    }
    shut = &queue;
    CHECK_THROWS_AS(queue.get_nowait(), QueueShutDown);
    CHECK(queue.empty());
    co_await comparison_shuts_down();
}

Task<> comparison_enters_again() {
    PriorityQueue<Item> queue;
    const auto made = fill(queue);
    const std::string text =
        "a comparison or formatter of a queue's items cannot put to the queue or get from it";
    made->at_compare = [&] { queue.put_nowait(Item(9)); };
    CHECK_THROWS_WITH(queue.put_nowait(Item(1, made)), text);
    made->at_compare = [&] { queue.get_nowait(); };
    CHECK_THROWS_WITH(queue.get_nowait(), text);
    made->at_compare = [&] { CHECK(queue.qsize() == 4); };
    for (int number = 2; number < 6; ++number) {
        CHECK(queue.get_nowait().number() == number);
    }
    co_return;
}

Task<> comparison_throws() {
    PriorityQueue<Item> queue;
    const auto made = fill(queue);
    made->at_compare = boom;
    CHECK_THROWS_WITH(queue.put_nowait(Item(1, made)), "boom");
    made->at_compare = boom;
    CHECK_THROWS_WITH(queue.get_nowait(), "boom");
    for (int number = 2; number < 6; ++number) {
        CHECK(queue.get_nowait().number() == number);
    }
    co_return;
}

// The formatter of an item, in repr().

Task<> item_formatter_cancels() {
    Queue<Item> queue;
    AnyTask waiting = create_task(queue.join());
    queue.put_nowait(Item(1, acts(&Acts::at_format, [&] { waiting.cancel(); })));
    co_await turns(1);
    CHECK_THAT(queue.repr(), Catch::Matchers::Contains("_queue=[1]"));
    CHECK_AWAIT(is_cancelled(waiting), true);
}

Task<> item_formatter_shuts_down() {
    for_each_queue([](auto& queue) {
        queue.put_nowait(Item(1, acts(&Acts::at_format, [&] {
                                  static_cast<void>(queue.repr());
                                  queue.shutdown(true);
                                  static_cast<void>(queue.repr());
                              })));
        queue.put_nowait(Item(2));
        CHECK_THAT(queue.repr(), Catch::Matchers::Contains("_queue=[1] shutdown"));
        CHECK(queue.empty());
    });
    co_return;
}

Task<> item_formatter_enters_again() {
    for_each_queue([](auto& queue) {
        int refusals = 0;
        queue.put_nowait(Item(1, acts(&Acts::at_format, [&] {
                                  CHECK_THROWS_AS(queue.put_nowait(Item(3)), std::runtime_error);
                                  CHECK_THROWS_AS(queue.get_nowait(), std::runtime_error);
                                  ++refusals;
                              })));
        CHECK_THAT(queue.repr(), Catch::Matchers::Contains("_queue=[1]"));
        CHECK(refusals == 1);
        CHECK(queue.get_nowait().number() == 1);
    });
    co_return;
}

Task<> item_formatter_throws() {
    Queue<Item> queue;
    queue.put_nowait(Item(1, acts(&Acts::at_format, boom)));
    CHECK_THAT(queue.repr(), Catch::Matchers::Contains("_queue=[<value>]"));
    queue.put_nowait(Item(2));
    CHECK(queue.qsize() == 2);
    co_return;
}

// The move of an item into a channel and out of it.

Task<> sent_item_closes() {
    Channel<Item> channel(1);
    AnyTask receiving = create_task([](Channel<Item>& from) -> Task<> {
        const std::optional<Item> item = co_await from.receive();
        CHECK_FALSE(item);
    }(channel));
    co_await turns(1);
    try {
        static_cast<void>(
            channel.try_send(Item(1, acts(&Acts::at_move, [&] { channel.close(); }))));
        FAIL("sent on a channel that is closed");
    } catch (const Undelivered<Item>& undelivered) {
        CHECK(undelivered.item().number() == 1);
    }
    co_await receiving;
    Channel<Item> other(1);
    const auto made = std::make_shared<Acts>();
    CHECK(other.try_send(Item(2, made)));
    made->at_move = [&] { other.close(); };
    const std::optional<Item> last = other.try_receive();
    CHECK(last->number() == 2);
    CHECK(other.at_end());
}

/// The item of a sender that waits is taken while that sender is cancelled.
Task<> sent_item_cancels() {
    Channel<Item> channel(0);
    const auto made = std::make_shared<Acts>();
    const auto send = [](Channel<Item>& to, int number, std::shared_ptr<Acts> its) -> Task<> {
        co_await to.send(Item(number, std::move(its)));
    };
    auto first = create_task(send(channel, 1, made));
    auto second = create_task(send(channel, 2, nullptr));
    co_await turns(1);
    made->at_move = [&] { first.cancel(); };
    std::optional<Item> item = channel.try_receive();
    CHECK(item->number() == 1);
    item = channel.try_receive();
    CHECK(item->number() == 2);
    co_await wait_for_end(first);
    co_await second;
}

Task<> sent_item_sends_another() {
    Channel<Item> channel(1);
    CHECK(
        channel.try_send(Item(1, acts(&Acts::at_move, [&] { CHECK(channel.try_send(Item(2))); }))));
    CHECK(channel.statistics().items == 2);
    CHECK(channel.try_receive()->number() == 2);
    CHECK(channel.try_receive()->number() == 1);
    Channel<Item> other(2);
    const auto made = std::make_shared<Acts>();
    CHECK(other.try_send(Item(3, made)));
    CHECK(other.try_send(Item(4)));
    made->at_move = [&] { CHECK(other.try_receive()->number() == 4); };
    CHECK(other.try_receive()->number() == 3);
    CHECK(other.statistics().items == 0);
    co_return;
}

Task<> sent_item_destroys_channel() {
    auto [sender, receiver] = channel<Item>(1);
    auto sending = std::make_unique<Sender<Item>>(std::move(sender));
    auto receiving = std::make_unique<Receiver<Item>>(std::move(receiver));
    const auto destroy = [&] {
        sending.reset();
        receiving.reset();
    };
    CHECK_THROWS_AS(static_cast<void>(sending->try_send(Item(1, acts(&Acts::at_move, destroy)))),
                    ChannelClosed);
    auto [other_sender, other_receiver] = channel<Item>(1);
    sending = std::make_unique<Sender<Item>>(std::move(other_sender));
    receiving = std::make_unique<Receiver<Item>>(std::move(other_receiver));
    const auto made = std::make_shared<Acts>();
    CHECK(sending->try_send(Item(2, made)));
    made->at_move = destroy;
    const std::optional<Item> item = receiving->try_receive();
    CHECK(item->number() == 2);
    CHECK(receiving == nullptr);
    co_return;
}

Task<> sent_item_throws() {
    Channel<Item> channel(1);
    CHECK_THROWS_WITH(static_cast<void>(channel.try_send(Item(1, acts(&Acts::at_move, boom)))),
                      "boom");
    CHECK(channel.statistics().items == 0);
    const auto made = std::make_shared<Acts>();
    CHECK(channel.try_send(Item(2, made)));
    made->at_move = boom;
    CHECK_THROWS_WITH(static_cast<void>(channel.try_receive()), "boom");
    CHECK(channel.try_receive()->number() == 2);
    co_return;
}

// The destructor of an item that is left in a channel without receivers.

Task<> left_in_channel_closes() {
    auto [sender, receiver] = channel<Item>(2);
    Sender<Item> sending = std::move(sender);
    Receiver<Item> receiving = std::move(receiver);
    CHECK(sending.try_send(Item(1, acts(&Acts::at_end, [&] {
                                    CHECK_THROWS_AS(static_cast<void>(sending.try_send(Item(3))),
                                                    ChannelClosed);
                                    sending.close();
                                }))));
    CHECK(sending.try_send(Item(2)));
    receiving.close();
    CHECK_THROWS_AS(static_cast<void>(sending.try_send(Item(4))), ChannelClosed);
    co_return;
}

Task<> left_in_channel_cancels() {
    auto [sender, receiver] = channel<Item>(1);
    Receiver<Item> receiving = std::move(receiver);
    const Sender<Item> sending = std::move(sender);
    AnyTask waiting =
        create_task([](Sender<Item> to) -> Task<> { co_await to.send(Item(2)); }(sending));
    CHECK(sending.try_send(Item(1, acts(&Acts::at_end, [&] { waiting.cancel(); }))));
    co_await turns(1);
    receiving.close();
    CHECK_AWAIT(is_cancelled(waiting), true);
}

// A Condition's predicate.

Task<> predicate_cancels() {
    Condition condition;
    auto held = co_await condition.scoped();
    AnyTask me = current_task();
    auto predicate = [&me] {
        me.cancel();
        return false;
    };
    CHECK_AWAIT(is_cancelled(condition.wait_for(predicate)), true);
    current_task().uncancel();
    CHECK(condition.locked());
}

Task<> predicate_releases() {
    Condition condition;
    co_await condition.acquire();
    auto predicate = [&condition] {
        condition.release();
        return false;
    };
    CHECK_AWAIT(text_of<std::runtime_error>(condition.wait_for(predicate)),
                "cannot wait on un-acquired lock");
}

Task<> predicate_throws() {
    Condition condition;
    auto held = co_await condition.scoped();
    auto predicate = []() -> bool { boom(); };
    CHECK_AWAIT(text_of<std::runtime_error>(condition.wait_for(predicate)), "boom");
    CHECK(condition.locked());
}

// The value of a task that has ended, and whose token is given back: the limiter knows it last.

Task<Item> give(std::shared_ptr<Acts> its, CapacityLimiter& limiter,
                std::optional<CapacityToken>& token) {
    token.emplace(co_await limiter.scoped());
    co_return Item(1, std::move(its));
}

Task<> borrower_releases() {
    CapacityLimiter limiter(3);
    std::optional<CapacityToken> first;
    std::optional<CapacityToken> second;
    std::optional<CapacityToken> third;
    const auto made = std::make_shared<Acts>();
    for (std::optional<CapacityToken>* token : {&first, &second, &third}) {
        co_await wait_for_end(create_task(give(made, limiter, *token)));
    }
    co_await turns(2);
    made->at_end = [&] {
        third->release();
        first->release();
    };
    second->release();
    CHECK(limiter.borrowed_tokens() == 0);
    CHECK(limiter.repr() == "<CapacityLimiter [borrowed:0/3]>");
}

Task<> borrower_cancels() {
    CapacityLimiter limiter(1);
    std::optional<CapacityToken> token;
    const auto made = std::make_shared<Acts>();
    co_await wait_for_end(create_task(give(made, limiter, token)));
    AnyTask waiting = create_task([](CapacityLimiter& from) -> Task<> {
        const CapacityToken held = co_await from.scoped();
    }(limiter));
    co_await turns(2);
    made->at_end = [&] { waiting.cancel(); };
    token->release();
    CHECK_AWAIT(is_cancelled(waiting), true);
    CHECK(limiter.borrowed_tokens() == 0);
}

}  // namespace

TEST_CASE("reentrancy: what queues call") {
    check_calls({
        {.code = "the destructor of an item that shutdown() drops",
         .closes = nothing_to_close,
         .cancels = dropped_item_cancels,
         .shuts_down = dropped_item_shuts_down,
         .replaces_itself = dropped_item_gives_itself_back,
         .destroys_owner = dropped_item_destroys_queue,
         .throws = destructor},
        {.code = "the destructor of an item that is left in a queue",
         .closes = nothing_to_close,
         .cancels = dropped_item_cancels,
         .shuts_down = left_item_gives_itself_back,
         .replaces_itself = left_item_gives_itself_back,
         .destroys_owner = "the queue is being destroyed",
         .throws = destructor},
        {.code = "the move of an item",
         .closes = nothing_to_close,
         .cancels = moved_item_cancels,
         .shuts_down = moved_item_shuts_down,
         .replaces_itself = moved_item_puts_another,
         .destroys_owner = in_its_own_function,
         .throws = moved_item_throws},
        {.code = "the comparison of items",
         .closes = nothing_to_close,
         .cancels = comparison_cancels,
         .shuts_down = comparison_of_numbers_shuts_down,
         .replaces_itself = comparison_enters_again,
         .destroys_owner = in_its_own_function,
         .throws = comparison_throws},
        {.code = "the formatter of an item",
         .closes = nothing_to_close,
         .cancels = item_formatter_cancels,
         .shuts_down = item_formatter_shuts_down,
         .replaces_itself = item_formatter_enters_again,
         .destroys_owner = in_its_own_function,
         .throws = item_formatter_throws},
    });
}

TEST_CASE("reentrancy: what channels, conditions and limiters call") {
    check_calls({
        {.code = "the move of an item through a channel",
         .closes = sent_item_closes,
         .cancels = sent_item_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = sent_item_sends_another,
         .destroys_owner = sent_item_destroys_channel,
         .throws = sent_item_throws},
        {.code = "the destructor of an item that is left in a channel",
         .closes = left_in_channel_closes,
         .cancels = left_in_channel_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = left_in_channel_closes,
         .destroys_owner = left_in_channel_closes,
         .throws = destructor},
        {.code = "the predicate of a Condition",
         .closes = nothing_to_close,
         .cancels = predicate_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = predicate_releases,
         .destroys_owner = "the condition outlives those who wait in it",
         .throws = predicate_throws},
        {.code = "the value of a borrower that a limiter kept",
         .closes = nothing_to_close,
         .cancels = borrower_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = borrower_releases,
         .destroys_owner = under_its_feet,
         .throws = destructor},
    });
}

}  // namespace ringio::test_support::sync_calls
