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

TEST_CASE("ChannelState: lives as long as there is an end, whichever side is the last") {
    const auto item = std::make_shared<int>(1);
    using State = ChannelState<std::shared_ptr<int>>;
    {
        IntrusivePtr<State> state(new State(2));
        auto sending = std::make_unique<SendingEnd<std::shared_ptr<int>>>(state);
        auto receiving = std::make_unique<ReceivingEnd<std::shared_ptr<int>>>(state);
        state.reset();
        CHECK(sending->channel().try_send(item));
        sending.reset();
        CHECK(receiving->channel().closed());
        CHECK(item.use_count() == 2);
        CHECK(receiving->channel().take() == item);
        CHECK(receiving->channel().at_end());
    }
    CHECK(item.use_count() == 1);
    {
        IntrusivePtr<State> state(new State(2));
        const SendingEnd<std::shared_ptr<int>> sending(state);
        {
            const ReceivingEnd<std::shared_ptr<int>> receiving(state);
            state.reset();
            CHECK(sending.channel().try_send(item));
        }
        CHECK(item.use_count() == 1);
        CHECK_THROWS_AS(sending.channel().try_send(item), ChannelClosed);
    }
    IntrusivePtr<State> state(new State(2));
    CHECK(state->try_send(item));  // one that nobody has opened
    state.reset();
    CHECK(item.use_count() == 1);
}

namespace {

/// An item that has a handle of the channel that it lies in.
struct WithHandle {
    std::unique_ptr<SendingEnd<WithHandle>> sending;
};

}  // namespace

TEST_CASE("ChannelState: an item may have the last handle to the channel in which it is left") {
    IntrusivePtr<ChannelState<WithHandle>> state(new ChannelState<WithHandle>(2));
    ReceivingEnd<WithHandle> receiving(state);
    for (int count = 0; count < 2; ++count) {
        CHECK(state->try_send(WithHandle{std::make_unique<SendingEnd<WithHandle>>(state)}));
    }
    state.reset();
    CHECK(receiving.channel().statistics().senders == 2);
    receiving.close();  // destroys the items, then the channel
    CHECK_THROWS_AS(receiving.channel(), ChannelClosed);
}

TEST_CASE("ChannelState: an item that is taken may have the last handle, too") {
    IntrusivePtr<ChannelState<WithHandle>> state(new ChannelState<WithHandle>(1));
    auto sending = std::make_unique<SendingEnd<WithHandle>>(state);
    ReceivingEnd<WithHandle> receiving(state);
    CHECK(sending->channel().try_send(WithHandle{std::move(sending)}));
    state.reset();
    {
        const WithHandle item = receiving.channel().take();
        CHECK(item.sending != nullptr);
        CHECK_FALSE(receiving.channel().at_end());
    }
    CHECK(receiving.channel().at_end());
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
