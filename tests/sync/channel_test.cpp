#include <ringio/sync/channel.hpp>

#include "sync_scenario.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

/// Receives to the end, and logs each item as "name item" and the end as "name end".
template <class Receives>
Task<> drain(Receives& from, EventLog& log, std::string name) {
    for (;;) {
        const std::optional<int> item = co_await from.receive();
        log(name + (item ? std::to_string(*item) : ":end"));
        if (!item) {
            break;
        }
    }
}

Task<> drain_own(Receiver<int> from, EventLog& log) { co_await drain(from, log, ""); }

/// Keeps a handle for ever.
Task<> hold(Sender<int>) { co_await sleep(24h); }

/// Receives one item.
Task<int> receive_one(Channel<int>& from) {
    const std::optional<int> item = co_await from.receive();
    co_return item.value_or(-1);
}

/// Sends, and logs "item", "item!" when cancelled, "item closed" when it comes back.
Task<> send_and_log(Channel<int>& into, EventLog& log, int item) {
    std::string end;
    try {
        co_await into.send(item);
    } catch (const CancelledError&) {
        end = "!";
    } catch (const Undelivered<int>& undelivered) {
        end = " closed";
        CHECK(undelivered.item() == item);
    }
    log(std::to_string(item) + end);
    if (end == "!") {
        throw CancelledError();
    }
}

}  // namespace

ASYNC_TEST_CASE("Channel: items come out in the order in which they went in", "[any_order]") {
    Channel<int> channel(3);
    for (int item = 1; item <= 3; ++item) {
        co_await channel.send(item);
    }
    CHECK(fmt::format("{}", channel) == "<Channel [open, items:3/3, sending:0, receiving:0]>");
    for (int item = 1; item <= 3; ++item) {
        CHECK_AWAIT(channel.receive(), std::optional<int>(item));
    }
}

ASYNC_TEST_CASE("Channel: a full one makes those who send wait, each in turn") {
    Channel<int> channel(1);
    EventLog log;
    std::vector<TaskHandle<>> senders;
    for (int item = 1; item <= 4; ++item) {
        senders.push_back(create_task(send_and_log(channel, log, item)));
    }
    co_await turns(2);
    CHECK(log.joined() == "1");
    CHECK(channel.statistics().waiting_senders == 3);
    CHECK_AWAIT(channel.receive(), std::optional<int>(1));
    CHECK_AWAIT(channel.receive(), std::optional<int>(2));
    co_await turns(1);
    CHECK(log.joined() == "1 2 3");
    CHECK_AWAIT(channel.receive(), std::optional<int>(3));
    CHECK_AWAIT(channel.receive(), std::optional<int>(4));
    co_await gather(senders);
    CHECK(log.joined() == "1 2 3 4");
}

ASYNC_TEST_CASE("Channel: those who receive get the items in the order in which they came") {
    Channel<int> channel(8);
    auto a = create_task(receive_one(channel));
    auto b = create_task(receive_one(channel));
    auto c = create_task(receive_one(channel));
    co_await turns(1);
    CHECK(channel.statistics().waiting_receivers == 3);
    CHECK(channel.try_send(1));
    CHECK(channel.try_send(2));
    CHECK_FALSE(channel.try_receive());  // both are on the way to others
    CHECK(channel.try_send(3));
    CHECK(channel.try_send(4));
    CHECK(channel.try_receive());
    CHECK_AWAIT(gather(a, b, c), std::tuple(2, 3, 4));
    CHECK(channel.statistics().items == 0);
}

ASYNC_TEST_CASE("Channel: with no capacity an item goes straight from hand to hand") {
    Channel<int> channel(0);
    EventLog log;
    CHECK_FALSE(channel.try_send(0));
    CHECK_FALSE(channel.try_receive());
    auto first = create_task(send_and_log(channel, log, 1));
    auto second = create_task(send_and_log(channel, log, 2));
    co_await turns(2);
    CHECK(log.joined() == "");
    CHECK_AWAIT(channel.receive(), std::optional<int>(1));
    CHECK(channel.try_receive() == 2);
    co_await turns(1);
    CHECK(log.joined() == "1 2");

    auto receiver = create_task(receive_one(channel));
    co_await turns(1);
    CHECK(channel.try_send(3));
    CHECK_FALSE(channel.try_send(4));
    CHECK_AWAIT(receiver, 3);
}

ASYNC_TEST_CASE("Channel: try_send() that fails leaves the item alone; move-only items pass",
                "[any_order]") {
    Channel<std::unique_ptr<int>> channel(1);
    auto first = std::make_unique<int>(1);
    auto second = std::make_unique<int>(2);
    CHECK(channel.try_send(std::move(first)));
    CHECK_FALSE(first);
    CHECK_FALSE(channel.try_send(std::move(second)));
    CHECK(*second == 2);
    channel.close();
    CHECK_THROWS_AS(channel.try_send(std::move(second)), ChannelClosed);
    CHECK(*second == 2);
    auto item = co_await channel.receive();
    CHECK(**item == 1);
}

ASYNC_TEST_CASE("Channel: send() gives the item back when nobody can receive it") {
    auto [sender, receiver] = channel<std::unique_ptr<int>>(0);
    auto back = [](Sender<std::unique_ptr<int>> into) -> Task<int> {
        try {
            auto item = std::make_unique<int>(7);
            co_await into.send(std::move(item));
        } catch (const Undelivered<std::unique_ptr<int>>& undelivered) {
            co_return *std::move(undelivered.item());
        }
        co_return 0;
    };
    auto waiting = create_task(back(sender));
    co_await turns(1);
    receiver.close();
    CHECK_AWAIT(waiting, 7);
    CHECK_AWAIT(back(sender), 7);
    CHECK_AWAIT(text_of<Undelivered<std::unique_ptr<int>>>(sender.send(nullptr)),
                "the channel is closed");
}

ASYNC_TEST_CASE("Channel: close() lets those who receive have what is left, and then the end") {
    Channel<int> channel(2);
    EventLog log;
    co_await channel.send(1);
    co_await channel.send(2);
    auto waiting = create_task(send_and_log(channel, log, 3));
    co_await turns(1);
    channel.close();
    channel.close();
    co_await waiting;
    CHECK(channel.repr() == "<Channel [closed, items:2/2, sending:0, receiving:0]>");
    CHECK_THROWS_WITH(channel.try_send(4), "the channel is closed");
    CHECK_FALSE(channel.at_end());
    co_await drain(channel, log, "");
    CHECK(log.joined() == "3 closed 1 2 :end");
    CHECK(channel.at_end());
    CHECK_FALSE(channel.try_receive());
    CHECK_AWAIT(channel.receive(), std::nullopt);
}

ASYNC_TEST_CASE("Channel: close() ends those who wait to receive") {
    Channel<int> channel(1);
    EventLog log;
    auto a = create_task(drain(channel, log, "a"));
    auto b = create_task(drain(channel, log, "b"));
    co_await turns(1);
    CHECK(channel.try_send(1));
    channel.close();
    co_await gather(a, b);
    CHECK(log.joined() == "a1 a:end b:end");
}

ASYNC_TEST_CASE("channel(): ends when the last sender is gone, sends in progress counted") {
    EventLog log;
    auto [sender, receiver] = channel<int>(0);
    auto reading = create_task(drain(receiver, log, ""));
    auto produce = [](Sender<int> into, int from) -> Task<> {
        for (int item = from; item < from + 2; ++item) {
            co_await into.send(item);
            co_await sleep(1s);
        }
    };
    auto a = create_task(produce(sender, 10));
    auto b = create_task(produce(sender, 20));
    CHECK(sender.statistics().senders == 3);
    auto last = create_task(sender.send(30));
    sender.close();
    CHECK_THROWS_AS(sender.send(1), ChannelClosed);
    co_await gather(a, b, last);
    co_await reading;
    CHECK(log.joined() == "10 20 30 11 21 :end");
}

ASYNC_TEST_CASE("channel(): when the last receiver is gone what is left is destroyed") {
    auto item = std::make_shared<int>(1);
    auto [sender, receiver] = channel<std::shared_ptr<int>>(2);
    {
        const Receiver<std::shared_ptr<int>> other = receiver;
        CHECK(sender.try_send(item));
        receiver.close();
        CHECK(sender.try_send(item));
        CHECK(sender.statistics().items == 2);
        CHECK_THROWS_AS(receiver.receive(), ChannelClosed);
        CHECK_THROWS_AS(receiver.try_receive(), ChannelClosed);
    }
    CHECK(item.use_count() == 1);
    CHECK_THROWS_AS(sender.try_send(item), ChannelClosed);
    co_return;
}

ASYNC_TEST_CASE("channel(): a receive() in progress keeps the receiving side open") {
    auto [sender, receiver] = channel<int>(0);
    auto reading = create_task(receiver.receive());
    co_await turns(1);
    receiver.close();
    co_await sender.send(5);
    CHECK_AWAIT(reading, std::optional<int>(5));
    reading = {};
    co_await turns(1);
    CHECK_THROWS_AS(sender.try_send(6), ChannelClosed);
}

ASYNC_TEST_CASE("Channel: an item on the way to one who is cancelled goes to the next, in order") {
    Channel<int> channel(4);
    auto a = create_task(receive_one(channel));
    auto b = create_task(receive_one(channel));
    auto c = create_task(receive_one(channel));
    co_await turns(1);
    CHECK(channel.try_send(1));
    CHECK(channel.try_send(2));
    a.cancel();
    CHECK_AWAIT(b, 1);
    CHECK_AWAIT(c, 2);
    CHECK_AWAIT(is_cancelled(a), true);
}

ASYNC_TEST_CASE("Channel: an item whose receiver is cancelled stays at the front") {
    for (const std::size_t capacity : {0U, 1U, 4U}) {
        Channel<int> channel(capacity);
        EventLog log;
        auto a = create_task(receive_one(channel));
        co_await turns(1);
        co_await channel.send(1);
        auto later = create_task(send_and_log(channel, log, 2));
        a.cancel();
        CHECK_AWAIT(is_cancelled(a), true);
        CHECK(channel.statistics().items >= 1);
        CHECK_AWAIT(receive_one(channel), 1);
        CHECK_AWAIT(receive_one(channel), 2);
        co_await later;
    }
}

ASYNC_TEST_CASE("Channel: an item is not lost when its receiver's timeout comes in the same turn",
                "[any_order]") {
    Channel<int> channel(1);
    auto late = [&channel]() -> Task<> {
        co_await sleep(1s);
        co_await channel.send(1);
    };
    auto sending = create_task(late());
    CHECK_AWAIT(text_of<TimeoutError>(wait_for(channel.receive(), 1s)), "timed out");
    co_await sending;
    CHECK(channel.try_receive() == 1);
}

ASYNC_TEST_CASE("Channel: the end is not seen before an item that may still come back") {
    Channel<int> channel(1);
    auto a = create_task(receive_one(channel));
    co_await turns(1);
    CHECK(channel.try_send(1));
    channel.close();
    auto b = create_task(receive_one(channel));
    auto cancel = [&a]() -> Task<> {
        a.cancel();
        co_return;
    };
    a.cancel();
    CHECK_AWAIT(b, 1);
    co_await cancel();
    CHECK(channel.at_end());
}

ASYNC_TEST_CASE("Channel: a cancelled send() has not sent, and leaves the room to the next") {
    Channel<int> channel(1);
    EventLog log;
    CHECK(channel.try_send(0));
    auto a = create_task(send_and_log(channel, log, 1));
    auto b = create_task(send_and_log(channel, log, 2));
    co_await turns(1);
    a.cancel();
    CHECK(channel.try_receive() == 0);
    co_await b;
    CHECK(log.joined() == "1! 2");
    CHECK(channel.try_receive() == 2);
    CHECK(a.cancelled());
}

ASYNC_TEST_CASE("Channel: a send() whose item was taken has sent; a cancellation strikes later") {
    Channel<int> channel(0);
    EventLog log;
    auto sender = [&]() -> Task<> {
        co_await channel.send(1);
        log("sent");
        co_await sleep(0s);
        log("never");
    };
    auto sending = create_task(sender());
    co_await turns(1);
    CHECK(channel.try_receive() == 1);
    sending.cancel();
    CHECK_AWAIT(is_cancelled(sending), true);
    CHECK(log.joined() == "sent");
}

ASYNC_TEST_CASE("Channel: a send() whose item is taken as its timeout comes has sent") {
    Channel<int> channel(0);
    EventLog log;
    get_running_loop().call_later(1s, [&] { CHECK(channel.try_receive() == 1); });
    auto sender = [&]() -> Task<> {
        co_await wait_for(channel.send(1), 1s);
        log("sent");
        co_await sleep(0s);
        log("goes on");
    };
    co_await sender();
    CHECK(log.joined() == "sent goes on");
}

ASYNC_TEST_CASE("Channel: waits outlive the object") {
    EventLog log;
    auto channel = std::make_unique<Channel<int>>(1);
    auto receiving = create_task(drain(*channel, log, "a"));
    co_await turns(1);
    Sender<int> sender = channel->sender();
    channel.reset();
    CHECK(sender.try_send(1));
    CHECK(sender.statistics().receivers == 1);
    receiving.cancel();
    CHECK_AWAIT(is_cancelled(receiving), true);
    CHECK_THROWS_AS(sender.try_send(2), ChannelClosed);
}

ASYNC_TEST_CASE("Channel: handles can be assigned and moved") {
    auto [sender, receiver] = channel<int>(1);
    auto [other_sender, other_receiver] = channel<int>(1);
    Sender<int> moved = std::move(sender);
    CHECK_THROWS_AS(sender.try_send(1), ChannelClosed);
    moved = other_sender;
    CHECK(receiver.at_end());
    other_sender.close();
    const Sender<int>& same = moved;
    moved = same;
    CHECK_FALSE(other_receiver.at_end());
    CHECK(moved.try_send(1));
    co_return;
}

TEST_CASE("Channel: belongs to the loop in which somebody first waited") {
    Channel<int> channel(1);
    auto wait = [&channel]() -> Task<> {
        auto receiving = create_task(channel.receive());
        co_await turns(1);
        CHECK(channel.try_send(1));
        co_await receiving;
    };
    testing::run_virtual(wait());
    auto again = [&channel]() -> Task<> { static_cast<void>(co_await channel.receive()); };
    CHECK(error_in_another_loop(again) == "Channel is bound to a different event loop");
}

TEST_CASE("Channel: survives the destruction of the tasks that wait") {
    Channel<std::shared_ptr<int>> channel(0);
    auto item = std::make_shared<int>(1);
    {
        EventLoop loop;
        loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
        auto send = [&]() -> Task<> { co_await channel.send(item); };
        loop.create_task(send());
        loop.run_until_complete(turns(2));
        CHECK(channel.statistics().waiting_senders == 1);
    }
    CHECK(channel.statistics().waiting_senders == 0);
    CHECK(item.use_count() == 1);
    CHECK_FALSE(channel.try_receive());
}

TEST_CASE("Channel: survives the destruction of tasks that have the last handles") {
    EventLog log;
    {
        EventLoop loop;
        loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
        auto [sender, kept_receiver] = channel<int>(0);
        auto [kept_sender, receiver] = channel<int>(0);
        auto send = [](Sender<int> into) -> Task<> { co_await into.send(1); };
        loop.create_task(send(std::move(sender)));
        loop.create_task(drain_own(std::move(receiver), log));
        auto [other_sender, other_receiver] = channel<int>(0);
        loop.create_task(hold(std::move(other_sender)));
        loop.create_task(drain_own(std::move(other_receiver), log));
        loop.run_until_complete(turns(2));
    }
    CHECK(log.joined() == "");
}

ASYNC_TEST_CASE("Channel: a send or receive that is kept counts until it was awaited, once") {
    auto [sender, receiver] = channel<int>(1);
    auto sending = sender.send(1);
    sender.close();
    co_await sending;
    CHECK(receiver.statistics().senders == 0);
    bool refused = false;
    try {
        co_await sending;
    } catch (const ChannelClosed&) {
        refused = true;
    }
    CHECK(refused);
    auto receiving = receiver.receive();
    const std::optional<int> item = co_await receiving;
    CHECK(item == 1);
    CHECK(receiver.statistics().receivers == 1);
    const std::optional<int> end = co_await receiver.receive();
    CHECK_FALSE(end);
}
