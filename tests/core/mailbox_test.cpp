// What other threads and signal handlers leave in a loop's mailbox.
#include <ringio/core/mailbox.hpp>

#include <ringio/core.hpp>
#include <ringio/core/loop_books.hpp>
#include <support/catch.hpp>

#include <csignal>
#include <memory>
#include <thread>

using namespace ringio;

TEST_CASE("mailbox: signals are noted once each, and taken by whom they are for") {
    detail::Mailbox mailbox;
    mailbox.notify_signal(SIGTERM);
    mailbox.notify_signal(SIGINT);
    mailbox.notify_signal(SIGTERM);
    CHECK(mailbox.has_news());
    CHECK(mailbox.take_calls().empty());
    CHECK(mailbox.brought_signals());
    CHECK(mailbox.take_signals({SIGINT, SIGHUP}) == SignalSet(SIGINT));
    CHECK(mailbox.take_signals() == SignalSet(SIGTERM));
    CHECK(mailbox.take_signals().empty());
    CHECK(mailbox.take_calls().empty());
    CHECK_FALSE(mailbox.brought_signals());
}

TEST_CASE("mailbox: a signal stands in the order of what is posted, and wakes a loop that sleeps") {
    EventLoop loop;
    std::thread other([mailbox = loop.machine().mailbox(), &loop] {
        mailbox->notify_signal(SIGTERM);  // nobody takes it
        loop.call_soon_threadsafe([&] { loop.stop(); });
    });
    loop.run_forever();
    other.join();
    CHECK_FALSE(loop.machine().mailbox()->has_news());
}

TEST_CASE("mailbox: without news, and with nobody to bring any, nobody will post") {
    EventLoop loop;
    detail::Mailbox& mailbox = *loop.machine().mailbox();
    CHECK(mailbox.nobody_will_post());
    {
        const std::shared_ptr<void> expectation = loop.expect_wakeup();
        CHECK_FALSE(mailbox.nobody_will_post());
    }
    CHECK(mailbox.nobody_will_post());
    std::thread([&] { loop.call_soon_threadsafe([&] { loop.stop(); }); }).join();
    CHECK(mailbox.has_news());
    loop.run_forever();
    CHECK(mailbox.nobody_will_post());
}

TEST_CASE("mailbox: who holds it outlives the loop, and is refused") {
    auto loop = std::make_unique<EventLoop>();
    const std::shared_ptr<detail::Mailbox> mailbox = loop->machine().mailbox();
    loop.reset();
    CHECK_FALSE(mailbox->post(std::make_unique<detail::PostedCall>([] { FAIL(); })));
    mailbox->notify_signal(SIGTERM);  // comes too late, and does no harm
}

// They are the user's, and may not be destroyed by a thread that happens to be the last to go.
TEST_CASE("mailbox: who holds it keeps none of the loop's functions") {
    auto loop = std::make_unique<EventLoop>();
    const auto held = std::make_shared<int>(0);
    loop->set_exception_handler([held](EventLoop&, const ExceptionContext&) {});
    loop->set_task_factory([held](EventLoop&, const AnyTask&, TaskOptions&) {});
    CHECK(held.use_count() == 3);
    const std::shared_ptr<detail::Mailbox> mailbox = loop->machine().mailbox();
    loop.reset();
    CHECK(held.use_count() == 1);
}
