#include <ringio/sync/channel_state.hpp>

#include "sync_scenario.hpp"

#include <memory>

using namespace ringio;
using namespace ringio::test_support;
using detail::ChannelState;
using detail::ReceivingEnd;
using detail::SendingEnd;

TEST_CASE("ChannelState: has as much room as its capacity says") {
    const IntrusivePtr<ChannelState<int>> state(new ChannelState<int>(2));
    CHECK(state->has_room());
    CHECK_FALSE(state->has_item());
    CHECK(state->try_send(1));
    CHECK(state->try_send(2));
    CHECK_FALSE(state->has_room());
    CHECK_FALSE(state->try_send(3));
    CHECK(state->take() == 1);
    CHECK(state->has_room());
    state->close();
    CHECK_FALSE(state->at_end());
    CHECK(state->take() == 2);
    CHECK(state->at_end());
    CHECK_THROWS_AS(state->try_send(4), ChannelClosed);
}

TEST_CASE("ChannelState: is closed by the last end of either side") {
    const IntrusivePtr<ChannelState<int>> state(new ChannelState<int>(2));
    const ReceivingEnd<int> receiving(state);
    auto sending = std::make_unique<SendingEnd<int>>(state);
    auto copy = std::make_unique<SendingEnd<int>>(*sending);
    auto moved = std::make_unique<SendingEnd<int>>(std::move(*copy));
    CHECK(state->statistics().senders == 2);
    copy.reset();
    sending.reset();
    CHECK_FALSE(state->closed());
    moved->close();
    moved->close();
    CHECK(state->closed());
    CHECK_THROWS_AS(moved->channel(), ChannelClosed);
}

TEST_CASE("ChannelState: the last receiving end takes the items with it") {
    const auto item = std::make_shared<int>(1);
    const IntrusivePtr<ChannelState<std::shared_ptr<int>>> state(
        new ChannelState<std::shared_ptr<int>>(2));
    {
        const ReceivingEnd<std::shared_ptr<int>> receiving(state);
        CHECK(state->try_send(item));
        CHECK(item.use_count() == 2);
    }
    CHECK(item.use_count() == 1);
    CHECK(state->at_end());
}

TEST_CASE("Undelivered: gives back an item that cannot be copied") {
    try {
        throw Undelivered<std::unique_ptr<int>>(std::make_unique<int>(3));
    } catch (const ChannelClosed& closed) {
        const auto& undelivered = dynamic_cast<const Undelivered<std::unique_ptr<int>>&>(closed);
        const std::unique_ptr<int> item = std::move(undelivered.item());
        CHECK(*item == 3);
    }
}
