// What other threads and signal handlers leave in a loop's mailbox.
#include <ringio/core/mailbox.hpp>

#include <ringio/core.hpp>
#include <ringio/core/loop_books.hpp>
#include <support/catch.hpp>

#include <memory>
#include <thread>

using namespace ringio;

TEST_CASE("mailbox: an interrupt from a signal handler runs its handler on the loop") {
    EventLoop loop;
    int interrupts = 0;
    loop.machine().books().interrupt_handler = [&] {
        ++interrupts;
        loop.stop();
    };
    loop.machine().books().mailbox.notify_interrupt();
    loop.run_forever();
    CHECK(interrupts == 1);
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
    mailbox->notify_interrupt();  // comes too late, and does no harm
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
