// Which loop a signal of the process belongs to, and what becomes of its action.
#include <ringio/core/signal_table.hpp>

#include <ringio/core/mailbox.hpp>
#include <support/catch.hpp>
#include <support/signal_action.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <memory>
#include <string>
#include <thread>

#include "../ring/child_process.hpp"

using namespace ringio;
using namespace ringio::test_support;
using detail::Mailbox;

namespace {

constexpr SignalSet usr1 = SIGUSR1;

}  // namespace

TEST_CASE("signal table: notes a signal for who claimed it, and leaves errno alone") {
    Mailbox mailbox;
    detail::claim_signal(SIGUSR1, mailbox);
    errno = ENOENT;
    std::raise(SIGUSR1);
    CHECK(errno == ENOENT);
    detail::release_signal(SIGUSR1, mailbox);
    CHECK(mailbox.take_signals() == usr1);
}

TEST_CASE("signal table: what was there is restored, also SIG_IGN and a handler of the program's") {
    static std::atomic<int> seen;
    seen = 0;
    Mailbox mailbox;
    for (const SignalFunction before : {SIG_DFL, SIG_IGN, SignalFunction([](int) { ++seen; })}) {
        const SignalAction action(SIGUSR1, before);
        detail::claim_signal(SIGUSR1, mailbox);
        CHECK(signal_action(SIGUSR1) != before);
        detail::release_signal(SIGUSR1, mailbox);
        CHECK(signal_action(SIGUSR1) == before);
        if (before != SIG_DFL) {
            std::raise(SIGUSR1);
        }
    }
    CHECK(seen == 1);
    CHECK(mailbox.take_signals().empty());
}

TEST_CASE("signal table: the default that is restored ends a process") {
    const testing::ChildResult child = testing::run_in_child([] {
        const SignalAction action(SIGTERM);
        Mailbox mailbox;
        detail::claim_signal(SIGTERM, mailbox);
        std::raise(SIGTERM);
        std::fputs("alive", stderr);
        detail::release_signal(SIGTERM, mailbox);
        std::raise(SIGTERM);
        std::fputs(" still", stderr);
    });
    CHECK(child.text == "alive");
    REQUIRE(WIFSIGNALED(child.status));
    CHECK(WTERMSIG(child.status) == SIGTERM);
}

TEST_CASE("signal table: a handler that was put over ringio's stays, and is replaced by a claim") {
    const SignalAction action(SIGUSR1);
    Mailbox mailbox;
    detail::claim_signal(SIGUSR1, mailbox);
    std::signal(SIGUSR1, SIG_IGN);
    detail::release_signal(SIGUSR1, mailbox);
    CHECK(signal_action(SIGUSR1) == SIG_IGN);

    detail::claim_signal(SIGUSR1, mailbox);
    std::signal(SIGUSR1, SIG_DFL);
    detail::claim_signal(SIGUSR1, mailbox);
    std::raise(SIGUSR1);
    CHECK(mailbox.take_signals() == usr1);
    detail::release_signal(SIGUSR1, mailbox);
    CHECK(signal_action(SIGUSR1) == SIG_DFL);
}

TEST_CASE("signal table: one loop has a signal, and another cannot take it away") {
    Mailbox mailbox;
    Mailbox other;
    detail::claim_signal(SIGUSR1, mailbox);
    CHECK_THROWS_WITH(detail::claim_signal(SIGUSR1, other),
                      "sig 10 is handled by another event loop already");
    detail::release_signal(SIGUSR1, other);
    std::raise(SIGUSR1);
    CHECK(mailbox.take_signals() == usr1);
    detail::release_signal(SIGUSR1, mailbox);
    detail::claim_signal(SIGUSR1, other);
    detail::release_signal(SIGUSR1, other);
}

TEST_CASE("signal table: what cannot be handled is refused") {
    Mailbox mailbox;
    CHECK_THROWS_WITH(detail::claim_signal(77, mailbox), "invalid signal number 77");
    CHECK_THROWS_WITH(detail::claim_signal(0, mailbox), "invalid signal number 0");
    CHECK_THROWS_WITH(detail::claim_signal(SIGKILL, mailbox), "sig 9 cannot be caught");
    CHECK_THROWS_WITH(detail::claim_signal(SIGSTOP, mailbox), "sig 19 cannot be caught");
    CHECK_THROWS_WITH(detail::claim_signal(32, mailbox), "sig 32 cannot be caught");  // the libc's
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
        CHECK_THROWS_WITH(detail::claim_signal(number, mailbox),
                          Catch::Matchers::Contains("cannot be handled by an event loop"));
    }
    // And nothing of it is left.
    detail::release_signal(32, mailbox);
    CHECK(mailbox.take_signals().empty());
}

TEST_CASE("signal table: only the default action of SIGINT is left to Ctrl-C") {
    Mailbox mailbox;
    {
        const SignalAction action(SIGUSR1);
        CHECK(detail::is_left_to_default(SIGUSR1, mailbox));
        detail::claim_signal(SIGUSR1, mailbox);
        CHECK(detail::is_left_to_default(SIGUSR1, mailbox));
        CHECK_FALSE(detail::is_left_to_default(SIGUSR1, Mailbox()));
        detail::release_signal(SIGUSR1, mailbox);
    }
    const SignalAction action(SIGUSR1, SIG_IGN);
    CHECK_FALSE(detail::is_left_to_default(SIGUSR1, mailbox));
}

TEST_CASE("signal table: the second SIGINT that is counted lays the handler down") {
    const SignalAction action(SIGINT);
    Mailbox mailbox;
    detail::claim_signal(SIGINT, mailbox);
    std::raise(SIGINT);
    std::raise(SIGINT);
    CHECK(signal_action(SIGINT) != SIG_DFL);
    detail::restart_interrupts();
    detail::count_interrupts(true);
    std::raise(SIGINT);
    CHECK(signal_action(SIGINT) != SIG_DFL);
    std::raise(SIGINT);
    CHECK(detail::interrupts() == 2);
    CHECK(signal_action(SIGINT) == SIG_DFL);
    detail::count_interrupts(false);
    detail::release_signal(SIGINT, mailbox);
}

// Who claimed it may be gone right after it has given it back.
TEST_CASE("signal table: no handler on another thread touches a mailbox that gave it back") {
    const SignalAction action(SIGUSR1, SIG_IGN);
    std::atomic<bool> stop = false;
    std::thread sender([&] {
        while (!stop.load()) {
            std::raise(SIGUSR1);
        }
    });
    for (int round = 0; round < 500; ++round) {
        const auto mailbox = std::make_unique<Mailbox>();
        detail::claim_signal(SIGUSR1, *mailbox);
        detail::release_signal(SIGUSR1, *mailbox);
    }
    stop = true;
    sender.join();
}

TEST_CASE("signal table: a child of fork() has back what was there before, and not its parent") {
    const SignalAction action(SIGTERM);
    Mailbox mailbox;
    detail::claim_signal(SIGTERM, mailbox);
    const testing::ChildResult child = testing::run_in_child([] { std::raise(SIGTERM); });
    REQUIRE(WIFSIGNALED(child.status));
    CHECK(WTERMSIG(child.status) == SIGTERM);
    CHECK_FALSE(mailbox.has_news());
    std::raise(SIGTERM);  // the parent's is as it was
    CHECK(mailbox.take_signals() == SignalSet(SIGTERM));
    const testing::ChildResult own = testing::run_in_child([] {
        Mailbox mine;
        detail::claim_signal(SIGTERM, mine);
        std::raise(SIGTERM);
        std::fputs(mine.take_signals().repr().c_str(), stderr);
    });
    CHECK(own.text == "SIGTERM");
    CHECK_FALSE(mailbox.take_signals().contains(SIGTERM));
    detail::release_signal(SIGTERM, mailbox);
}

TEST_CASE("signal table: a child of vfork() does not wake its parent's loop") {
    const SignalAction action(SIGUSR1, SIG_IGN);  // ThreadSanitizer makes a fork() of it
    Mailbox mailbox;
    detail::claim_signal(SIGUSR1, mailbox);
    const pid_t child = ::vfork();
    if (child == 0) {
        ::kill(::getpid(), SIGUSR1);
        ::_exit(0);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(mailbox.take_signals().empty());
    detail::release_signal(SIGUSR1, mailbox);
}

TEST_CASE("signal table: fork() leaves the mask of the thread as it was, in parent and child") {
    sigset_t mask;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    const auto is_same = [&mask] {
        sigset_t now;
        ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
        for (int number = 1; number <= SignalSet::highest; ++number) {
            if (::sigismember(&mask, number) != ::sigismember(&now, number)) {
                return false;
            }
        }
        return true;
    };
    Mailbox mailbox;
    detail::claim_signal(SIGUSR1, mailbox);
    const testing::ChildResult child =
        testing::run_in_child([&] { std::fputs(is_same() ? "same" : "other", stderr); });
    CHECK(child.text == "same");
    CHECK(is_same());
    detail::release_signal(SIGUSR1, mailbox);
}
