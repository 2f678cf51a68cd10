// What other threads hand over to a loop.
#include <ringio/core/posted_call.hpp>

#include <ringio/core.hpp>
#include <ringio/core/mailbox.hpp>
#include <support/catch.hpp>

#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace ringio;

namespace {

std::unique_ptr<detail::PostedCall> noting(std::vector<int>& seen, int number) {
    return std::make_unique<detail::PostedCall>([&seen, number] { seen.push_back(number); });
}

}  // namespace

TEST_CASE("posted call: the calls of a thread run in the order in which it posted them") {
    EventLoop loop;
    std::vector<int> seen;
    std::thread([&] {
        for (int number = 0; number < 3; ++number) {
            CHECK(detail::post_to(loop.machine().mailbox(), noting(seen, number)));
        }
        loop.call_soon_threadsafe([&loop] { loop.stop(); });
    }).join();
    CHECK(seen.empty());
    loop.run_forever();
    CHECK(seen == std::vector<int>{0, 1, 2});
}

TEST_CASE("posted call: runs in the context of the one who made it") {
    static ContextVar<int> var("var", 0);
    EventLoop loop;
    int seen = -1;
    std::thread([&] {
        var.set(7);
        loop.call_soon_threadsafe([&] {
            seen = var.get();
            loop.stop();
        });
    }).join();
    loop.run_forever();
    CHECK(seen == 7);
    CHECK(var.get() == 0);
}

TEST_CASE("posted call: what it throws is reported, and the others run") {
    EventLoop loop;
    std::vector<std::string> reports;
    loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
        reports.push_back(context.message.substr(0, 21));
    });
    std::thread([&] {
        loop.call_soon_threadsafe([] { throw std::runtime_error("no"); });
        loop.call_soon_threadsafe([&loop] { loop.stop(); });
    }).join();
    loop.run_forever();
    CHECK(reports == std::vector<std::string>{"Exception in callback"});
}

TEST_CASE("posted call: what a closed loop did not take is destroyed, and no more is taken") {
    const auto held = std::make_shared<int>(0);
    std::weak_ptr<detail::Mailbox> mailbox;
    {
        EventLoop loop;
        mailbox = loop.machine().mailbox();
        std::thread([&] { loop.call_soon_threadsafe([held] {}); }).join();
        CHECK(held.use_count() == 2);
        loop.close();
        CHECK(held.use_count() == 1);
        CHECK_FALSE(
            detail::post_to(mailbox, std::make_unique<detail::PostedCall>([held] { FAIL(); })));
    }
    CHECK_FALSE(detail::post_to(mailbox, std::make_unique<detail::PostedCall>([held] { FAIL(); })));
    CHECK(held.use_count() == 1);
}

// A thread that looked at the loop once more would find it gone: for the sanitizers to see.
TEST_CASE("posted call: may end the loop, and all that was its own, before the poster returns") {
    for (int round = 0; round < 200; ++round) {
        auto loop = std::make_unique<EventLoop>();
        std::thread poster(
            [&loop = *loop] { loop.call_soon_threadsafe([&loop] { loop.stop(); }); });
        loop->run_forever();
        loop.reset();
        poster.join();
    }
}
