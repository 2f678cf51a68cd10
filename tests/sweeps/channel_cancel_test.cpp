// Cancel at every await: channels and the capacity limiter. Every item that was sent is received
// once or left in the channel, and no token is lost.
#include "sweep_scenario.hpp"

#include <algorithm>

using namespace ringio;
using namespace ringio::test_support;

namespace {

struct Sent {
    std::vector<int> sent;
    std::vector<int> received;
};

Task<> send_some(Sender<int> sender, Sent& items, int first) {
    for (int item = first; item < first + 3; ++item) {
        co_await sender.send(item);
        items.sent.push_back(item);
    }
    co_await sleep(Delay());  // a point in whatever order they come
}

Task<> receive_all(Receiver<int> receiver, Sent& items) {
    for (;;) {
        const std::optional<int> item = co_await receiver.receive();
        if (!item) {
            break;
        }
        items.received.push_back(*item);
        co_await sleep(Delay());
    }
}

enum class Side { sender, receiver };

Task<> pass_items(Sweep& sweep, std::size_t capacity, Side victim) {
    auto& items = sweep.make<Sent>();
    sweep.check("each item is received once", [&items] {
        std::ranges::sort(items.sent);
        std::ranges::sort(items.received);
        return items.sent == items.received;
    });
    auto [sender, receiver] = channel<int>(capacity);
    auto first = create_task(send_some(sender, items, 0));
    auto second = create_task(send_some(std::move(sender), items, 100));
    auto taking = create_task(receive_all(receiver, items));
    auto other = create_task(receive_all(std::move(receiver), items));
    sweep.victim(victim == Side::sender ? first : taking);
    co_await ended(first);
    co_await ended(second);
    co_await ended(taking);
    co_await ended(other);
}

}  // namespace

CANCEL_SWEEP("cancel at every await: who sends to a channel with room", "[any_order]") {
    co_await pass_items(sweep, 2, Side::sender);
}

CANCEL_SWEEP("cancel at every await: who sends to a channel hand to hand", "[any_order]") {
    co_await pass_items(sweep, 0, Side::sender);
}

CANCEL_SWEEP("cancel at every await: who receives from a channel with room", "[any_order]") {
    co_await pass_items(sweep, 2, Side::receiver);
}

CANCEL_SWEEP("cancel at every await: who receives from a channel hand to hand", "[any_order]") {
    co_await pass_items(sweep, 0, Side::receiver);
}

CANCEL_SWEEP("cancel at every await: who borrows from a capacity limiter", "[any_order]") {
    auto& limiter = sweep.make<CapacityLimiter>(1);
    auto& served = sweep.make<int>(0);
    sweep.check("no token is lost", [&limiter] { return limiter.borrowed_tokens() == 0; });
    sweep.check("the others were served", [&served] { return served >= 2; });
    auto borrow = [&]() -> Task<> {
        const auto token = co_await limiter.scoped();
        co_await sleep(1ms);
        ++served;
    };
    auto first = create_task(borrow());
    auto second = sweep.victim(create_task(borrow()));
    auto third = create_task(borrow());
    co_await ended(first);
    co_await ended(second);
    co_await ended(third);
}

ALLOCATION_SWEEP("no memory: a channel between two tasks") {
    auto& items = sweep.make<Sent>();
    auto [sender, receiver] = channel<int>(1);
    auto sending = create_task(send_some(std::move(sender), items, 0));
    auto receiving = create_task(receive_all(std::move(receiver), items));
    co_await gather(sending, receiving);
}

ALLOCATION_SWEEP("no memory: a capacity limiter") {
    auto& limiter = sweep.make<CapacityLimiter>(1);
    sweep.check("no token is lost", [&limiter] { return limiter.borrowed_tokens() == 0; });
    auto& borrow = keep(sweep, [&limiter]() -> Task<> {
        const auto token = co_await limiter.scoped();
        co_await sleep(1ms);
    });
    co_await gather(borrow(), borrow());
}
