// What automatic_kernel() makes of what the machine says: refusals and stubs, each played by a
// seccomp filter in a child process. The remarks name what other projects ran into.
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>

#include <liburing.h>
#include <sys/syscall.h>

#include <ringio/ring/kernel_source.hpp>
#include <support/catch.hpp>

#include "chosen_kernel.hpp"

using namespace ringio;
using namespace ringio::testing;
using namespace std::chrono_literals;

// dragonfly#7810, eio#691: EPERM was not in the list, and the program ended. semgrep#11836:
// EOPNOTSUPP was not.
TEST_CASE("kernel choice: whichever call is refused, with whichever error, epoll is used",
          "[uring]") {
    for (const int error : {EPERM, ENOSYS, EOPNOTSUPP, EACCES}) {
        for (const long call : uring_calls()) {
            const std::string text = choice_when_answered({call}, failure(error));
            INFO("system call " << call << ", errno " << error << ": " << text);
            CHECK(begins_with(text, epoll_because + "io_uring cannot be used: "));
        }
    }
}

TEST_CASE("kernel choice: all three refused, as containers do, is epoll with the remedy",
          "[uring]") {
    const std::string text = choice_when_answered(uring_calls(), failure(EPERM));
    INFO(text);
    CHECK(begins_with(text, epoll_because + "io_uring cannot be used: "));
    if (read_io_uring_sysctl() <= 0) {
        CHECK(text.find("--security-opt seccomp=profile.json") != std::string::npos);
    }
}

// semgrep#11836
TEST_CASE("kernel choice: a set-up that is not supported is named as a kernel without io_uring",
          "[uring]") {
    const std::string text = choice_when_answered({__NR_io_uring_setup}, failure(EOPNOTSUPP));
    CHECK(begins_with(text, epoll_because + "io_uring cannot be used: the kernel has none"));
}

TEST_CASE("kernel choice: a kernel that is too old is served by epoll", "[uring]") {
    const std::string text = choice_when_answered({__NR_io_uring_setup}, failure(EINVAL));
    CHECK(begins_with(text, epoll_because + "io_uring cannot be used: the kernel is too old"));
}

// swoole-src#6114: the refusal ended the process.
TEST_CASE("kernel choice: a program whose io_uring is refused lives on, and is served", "[uring]") {
    const ChildResult child = run_in_child([] {
        answer_calls(uring_calls(), failure(EPERM));
        Ring ring(automatic_choice().make(8));
        for (int round = 0; round < 100; ++round) {
            if (perform(ring, NopRequest{}) != 0) {
                std::fputs("not served", stderr);
            }
        }
    });
    CHECK(child.status == 0);
    CHECK(child.text.empty());
}

// compio#458: the probe passed, and the set-up, which asks for more, failed.
TEST_CASE("kernel choice: what counts is the set-up itself, not a smaller one before", "[uring]") {
    constexpr unsigned entries_of_the_child = 2;
    const std::string text = choice_after([] {
        answer_call_with(__NR_io_uring_setup, 0, entries_of_the_child, false, failure(EPERM));
    });
    CHECK(begins_with(text, epoll_because + "io_uring cannot be used: "));
}

// compio#504: one optional operation was missing, and it depended on the build who minded.
TEST_CASE("kernel choice: where io_uring does not tell what it can do, all of it is left alone",
          "[uring]") {
    const std::string text = choice_after([] {
        answer_call_with(__NR_io_uring_register, 1, IORING_REGISTER_PROBE, true, failure(EINVAL));
    });
    CHECK(begins_with(text, epoll_because + "io_uring cannot be used: "));
}

TEST_CASE("kernel choice: what is only for speed may be refused", "[uring]") {
    for (const unsigned registration :
         {IORING_REGISTER_IOWQ_MAX_WORKERS, IORING_REGISTER_RING_FDS, IORING_REGISTER_PBUF_RING}) {
        const std::string text = choice_after([&] {
            answer_call_with(__NR_io_uring_register, 1, registration, true, failure(EPERM));
        });
        INFO(registration);
        CHECK(text == "io_uring");
    }
}

// neon#7116: refused at first use, long after the start.
TEST_CASE("kernel choice: a refusal that only use would show is found at the start", "[uring]") {
    const std::string text = choice_when_answered({__NR_io_uring_enter}, failure(EPERM));
    CHECK(begins_with(text, epoll_because + "io_uring cannot be used: "));
    // Not the first entry, which hands over nothing: the first with a request.
    const std::string later =
        choice_after([] { answer_call_with(__NR_io_uring_enter, 1, 0, false, failure(EPERM)); });
    CHECK(begins_with(later, epoll_because + "io_uring cannot be used: "));
}

// tgoskits#1061: the set-up succeeded, and entering was a stub that did nothing: a hang.
TEST_CASE("kernel choice: an io_uring that does nothing, successfully, is left within a second",
          "[uring]") {
    const auto before = std::chrono::steady_clock::now();
    const std::string text = choice_when_answered({__NR_io_uring_enter}, failure(0));
    INFO(text);
    CHECK(std::chrono::steady_clock::now() - before < 10s);  // a second, on a machine with others
    CHECK(begins_with(text, epoll_because + "io_uring cannot be used: "));
    CHECK(begins_with(choice_when_answered({__NR_io_uring_register}, failure(0)), epoll_because));
}

// monoio#359, compio#105: nobody could tell which one ran.
TEST_CASE("kernel choice: the kernel says its name, and why it is not the better one", "[uring]") {
    CHECK(choice_after([] {}) == "io_uring");
    CHECK(begins_with(choice_when_answered(uring_calls(), failure(ENOSYS)),
                      epoll_because + "io_uring cannot be used: the kernel has none"));
}

TEST_CASE("kernel choice: a refusal is remembered: nobody is asked a second time", "[uring]") {
    const ChildResult child = run_in_child([] {
        answer_calls(uring_calls(), failure(EPERM));
        report_choice();
        const long pages = pages_of_children();
        // A second question would end this process, or be put to a child.
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
        std::fputs("\n", stderr);
        report_choice();
        std::fprintf(stderr, "\n%ld", pages_of_children() - pages);
    });
    CHECK(child.status == 0);
    const std::size_t end = child.text.find('\n');
    REQUIRE(end != std::string::npos);
    const std::string first = child.text.substr(0, end);
    CHECK(begins_with(first, epoll_because));
    CHECK(child.text == first + "\n" + first + "\n0");
}

TEST_CASE("kernel choice: a permission is not, for a filter may come later", "[uring]") {
    const ChildResult child = run_in_child([] {
        answer_calls({__NR_swapon}, failure(EPERM));
        report_choice();
        std::fputs("\n", stderr);
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
        report_choice();
    });
    INFO(child.text);
    CHECK(child.status == 0);
    CHECK(begins_with(child.text, "io_uring\n" + epoll_because + "a seccomp filter kills"));
}
