// Which kernel a program gets, by its own word or by that of its environment; what the machine says
// is in kernel_choice_test.cpp.
#include <ringio/ring/kernel_source.hpp>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <support/catch.hpp>

#include "chosen_kernel.hpp"

using namespace ringio;
using namespace ringio::testing;

namespace {

// What a loop of a child gets whose environment says `value`; null: nothing.
std::string choice_by_environment(const char* value) {
    return choice_after(
        [value] {
            if (value == nullptr) {
                ::unsetenv("RINGIO_KERNEL");
            } else {
                ::setenv("RINGIO_KERNEL", value, 1);
            }
        },
        default_kernel());
}

}  // namespace

TEST_CASE("kernel source: each one makes the kernel that its name says", "[uring]") {
    CHECK(uring_kernel().make(8)->name() == "io_uring");
    CHECK(restricted_uring_kernel().make(8)->name() == "io_uring");
    CHECK(epoll_kernel().make(8)->name() == "epoll");
    CHECK(automatic_kernel().make(8)->name() == "io_uring");
    for (KernelSource* const source :
         {&uring_kernel(), &restricted_uring_kernel(), &epoll_kernel(), &automatic_kernel()}) {
        CHECK(source->make(8)->remark().empty());
    }
}

TEST_CASE("kernel source: a kernel without entries is an invalid argument, whichever it is") {
    CHECK_THROWS_AS(uring_kernel().make(0), std::invalid_argument);
    CHECK_THROWS_AS(epoll_kernel().make(0), std::invalid_argument);
    CHECK_THROWS_AS(automatic_kernel().make(0), std::invalid_argument);
}

TEST_CASE("kernel source: RINGIO_KERNEL names the kernel; auto, empty or unset is io_uring here",
          "[uring]") {
    CHECK(choice_by_environment("uring") == "io_uring");
    CHECK(choice_by_environment("epoll") == "epoll");
    CHECK(choice_by_environment("auto") == "io_uring");
    CHECK(choice_by_environment("") == "io_uring");
    CHECK(choice_by_environment(nullptr) == "io_uring");
}

TEST_CASE("kernel source: the environment is read anew for each kernel") {
    const ChildResult child = run_in_child([] {
        ::setenv("RINGIO_KERNEL", "nonsense", 1);
        report_choice(default_kernel());
        ::setenv("RINGIO_KERNEL", "epoll", 1);
        std::fputs("\n", stderr);
        report_choice(default_kernel());
    });
    CHECK(child.text == "RINGIO_KERNEL must be uring, epoll or auto; it is \"nonsense\"\nepoll");
}

TEST_CASE("kernel source: another value is refused by name, and nothing is guessed from it") {
    for (const char* const value : {"io_uring", "URING", "epoll ", "0"}) {
        const std::string text = choice_by_environment(value);
        CHECK(text ==
              "RINGIO_KERNEL must be uring, epoll or auto; it is \"" + std::string(value) + "\"");
    }
    const ChildResult child = run_in_child([] {
        ::setenv("RINGIO_KERNEL", "poll", 1);
        try {
            default_kernel().make(8);
        } catch (const std::invalid_argument&) {
            std::fputs("an invalid argument", stderr);
        }
    });
    CHECK(child.text == "an invalid argument");
}

// go-microvm#76: the variable that should have prevented the probe was read after it.
TEST_CASE("kernel source: RINGIO_KERNEL=epoll makes no call of io_uring, not even to ask") {
    const ChildResult child = run_in_child([] {
        ::setenv("RINGIO_KERNEL", "epoll", 1);
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
        report_choice(default_choice());
        report_choice(epoll_kernel());
        std::fprintf(stderr, " after %ld pages of children", pages_of_children());
    });
    CHECK(child.status == 0);
    CHECK(child.text == "epollepoll after 0 pages of children");
}

TEST_CASE("kernel source: uring is strict: it does not fall back, and says why it fails",
          "[uring]") {
    for (const int error : {EPERM, ENOSYS, EOPNOTSUPP, EACCES}) {
        for (const long call : uring_calls()) {
            for (KernelSource* const source : {&uring_kernel(), &restricted_uring_kernel()}) {
                const std::string text = choice_when_answered({call}, failure(error), *source);
                INFO(text);
                CHECK(text.find(": io_uring cannot be used: ") != std::string::npos);
            }
        }
    }
    const ChildResult child = run_in_child([] {
        ::setenv("RINGIO_KERNEL", "uring", 1);
        forbid(__NR_io_uring_setup, ENOSYS);
        report_choice(default_kernel());
    });
    CHECK(
        begins_with(child.text, std::to_string(ENOSYS) + ": io_uring cannot be used: the kernel"));
}

TEST_CASE("kernel source: want of descriptors is an error, not a reason for epoll", "[uring]") {
    const std::string text = choice_after(leave_no_descriptor);
    INFO(text);
    CHECK(begins_with(text, std::to_string(EMFILE) + ": io_uring cannot be used: the process has"));
}

TEST_CASE("kernel source: so is want of memory, and want in the whole system", "[uring]") {
    for (const int error : {ENOMEM, ENFILE, EMFILE}) {
        const std::string text = choice_when_answered({__NR_io_uring_setup}, failure(error));
        INFO(text);
        CHECK(begins_with(text, std::to_string(error) + ": io_uring cannot be used: "));
    }
}

TEST_CASE("kernel source: such an error is not remembered", "[uring]") {
    const ChildResult child = run_in_child([] {
        rlimit before{};
        ::getrlimit(RLIMIT_NOFILE, &before);
        answer_calls({__NR_swapon}, failure(EPERM));  // so that a child asks, too
        leave_no_descriptor();
        report_choice();
        ::setrlimit(RLIMIT_NOFILE, &before);
        std::fputs("\n", stderr);
        report_choice();
    });
    INFO(child.text);
    CHECK(begins_with(child.text, std::to_string(EMFILE)));
    CHECK(child.text.find("\nio_uring") != std::string::npos);
}

TEST_CASE("kernel source: epoll without a descriptor left is a system error") {
    const std::string text = choice_after(leave_no_descriptor, epoll_kernel());
    INFO(text);
    CHECK(begins_with(text, std::to_string(EMFILE) + ": "));
}

TEST_CASE("kernel source: both kinds serve side by side", "[uring]") {
    Ring uring(uring_kernel().make(8));
    Ring epoll(epoll_kernel().make(8));
    for (int round = 0; round < 10; ++round) {
        CHECK(perform(uring, NopRequest{}) == 0);
        CHECK(perform(epoll, NopRequest{}) == 0);
    }
}
