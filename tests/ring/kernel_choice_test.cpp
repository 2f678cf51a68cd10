// What automatic_kernel() makes of what the machine says: refusals, filters that kill, stubs. Each
// is played by a seccomp filter in a child process. The remarks name what other projects ran into.
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ringio/ring/kernel_source.hpp>
#include <support/catch.hpp>

#include "chosen_kernel.hpp"

using namespace ringio;
using namespace ringio::testing;
using namespace std::chrono_literals;

namespace {

const std::string epoll_because = "epoll: epoll is used: ";

volatile std::sig_atomic_t signals_seen = 0;

void count_signal(int) { signals_seen = signals_seen + 1; }

void handle(int signal, void (*handler)(int)) {
    struct sigaction action{};
    action.sa_handler = handler;
    ::sigaction(signal, &action, nullptr);
}

// In a mount namespace of this process's own; false where that is not permitted.
bool have_own_mounts() {
    return ::unshare(CLONE_NEWNS) == 0 &&
           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

// Whether text says what a filter or a system must permit, for a test that cannot be made here.
bool is_not_permitted(const std::string& text) {
    if (text.find("no mounts") == std::string::npos) {
        return false;
    }
    WARN("not tested: mount namespaces are not permitted here");
    return true;
}

void hide_proc() {
    if (!have_own_mounts() || ::mount("none", "/proc", "tmpfs", 0, nullptr) != 0) {
        std::fputs("no mounts", stderr);
        ::_exit(0);
    }
}

// The sysctl says `value`, in this process.
void pretend_sysctl(const char* value) {
    char name[] = "/tmp/ringio_sysctl_XXXXXX";
    const int file = ::mkstemp(name);
    const bool written = file >= 0 && ::write(file, value, 1) == 1;
    const bool there =
        written && have_own_mounts() &&
        ::mount(name, "/proc/sys/kernel/io_uring_disabled", nullptr, MS_BIND, nullptr) == 0;
    ::unlink(name);
    if (!there) {
        std::fputs("no mounts", stderr);
        ::_exit(0);
    }
}

}  // namespace

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

// termux-packages#16734, litter#354: a filter that kills.
TEST_CASE("kernel choice: a filter that kills or traps does it to a child, and epoll is used",
          "[uring]") {
    for (const std::uint32_t answer : {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_TRAP}) {
        for (const long call : uring_calls()) {
            const std::string text = choice_when_answered({call}, answer);
            INFO("system call " << call << ": " << text);
            CHECK(begins_with(text, epoll_because + "a seccomp filter kills programs that use"));
            CHECK(text.find("io_uring_setup, io_uring_enter and io_uring_register") !=
                  std::string::npos);
        }
    }
}

TEST_CASE("kernel choice: a handler of the program for SIGSYS, even a blocked one, hears nothing",
          "[uring]") {
    const ChildResult child = run_in_child([] {
        handle(SIGSYS, count_signal);
        sigset_t signals;
        ::sigemptyset(&signals);
        ::sigaddset(&signals, SIGSYS);
        ::sigprocmask(SIG_BLOCK, &signals, nullptr);
        answer_calls(uring_calls(), SECCOMP_RET_TRAP);
        report_choice();
        ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
        std::fprintf(stderr, "; %d signals", static_cast<int>(signals_seen));
    });
    INFO(child.text);
    CHECK(begins_with(child.text, epoll_because + "a seccomp filter kills"));
    CHECK(child.text.find("; 0 signals") != std::string::npos);
}

// swoole-src#6114: the refusal ended the process.
TEST_CASE("kernel choice: a program whose io_uring is refused lives on, and is served", "[uring]") {
    const ChildResult child = run_in_child([] {
        answer_calls(uring_calls(), failure(EPERM));
        Ring ring(automatic_kernel().make(8));
        for (int round = 0; round < 100; ++round) {
            if (perform(ring, NopRequest{}) != 0) {
                std::fputs("not served", stderr);
            }
        }
    });
    CHECK(child.status == 0);
    CHECK(child.text.empty());
}

// libuv#4010, #4016: Android's filter traps, and the program has a handler or has not.
TEST_CASE("kernel choice: on Android nobody asks, not even a child", "[uring]") {
    const ChildResult child = run_in_child([] {
        ::setenv("ANDROID_ROOT", "/system", 1);
        answer_calls(uring_calls(), SECCOMP_RET_TRAP);
        report_choice();
        std::fprintf(stderr, "; %ld pages of children", pages_of_children());
    });
    INFO(child.text);
    CHECK(begins_with(child.text, epoll_because + "Android"));
    CHECK(child.text.find("; 0 pages of children") != std::string::npos);
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

TEST_CASE("kernel choice: a child asks only where there is a filter, and once for each",
          "[uring]") {
    const ChildResult child = run_in_child([] {
        const auto count = [] {
            static long before = 0;
            const long pages = pages_of_children();
            std::fputs(pages == before ? " nobody asked;" : " a child asked;", stderr);
            before = pages;
        };
        report_choice();
        count();
        answer_calls({__NR_swapon}, failure(EPERM));
        for (int round = 0; round < 2; ++round) {
            report_choice();
            count();
        }
    });
    INFO(child.text);
    if (::prctl(PR_GET_SECCOMP) == 0) {  // else there is one around the tests
        CHECK(begins_with(child.text, "io_uring nobody asked;"));
    }
    CHECK(child.text.find("io_uring a child asked;io_uring nobody asked;", 1) != std::string::npos);
}

TEST_CASE("kernel choice: the child that asks leaves no core file when a filter kills it",
          "[uring]") {
    char folder[] = "/tmp/ringio_core_XXXXXX";
    REQUIRE(::mkdtemp(folder) != nullptr);
    const std::string text = choice_after([&] {
        const rlimit large{RLIM_INFINITY, RLIM_INFINITY};
        static_cast<void>(::setrlimit(RLIMIT_CORE, &large));
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
        ::prctl(PR_SET_DUMPABLE, 1);
        static_cast<void>(::chdir(folder));
    });
    CHECK(begins_with(text, epoll_because + "a seccomp filter kills"));
    CHECK(::rmdir(folder) == 0);  // it is empty
}

TEST_CASE("kernel choice: a handler for SIGCHLD does not hear of the child that asks", "[uring]") {
    const ChildResult child = run_in_child([] {
        handle(SIGCHLD, count_signal);
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
        report_choice();
        std::fprintf(stderr, "; %d signals", static_cast<int>(signals_seen));
    });
    INFO(child.text);
    CHECK(begins_with(child.text, epoll_because + "a seccomp filter kills"));
    CHECK(child.text.find("; 0 signals") != std::string::npos);
}

TEST_CASE("kernel choice: where SIGCHLD is ignored the child that asks is waited for all the same",
          "[uring]") {
    const std::string text = choice_after([] {
        handle(SIGCHLD, SIG_IGN);
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
    });
    CHECK(begins_with(text, epoll_because + "a seccomp filter kills"));
}

TEST_CASE("kernel choice: a thread that waits for any child does not get the one that asks",
          "[uring]") {
    const ChildResult child = run_in_child([] {
        int ends[2] = {-1, -1};
        if (::pipe(ends) != 0) {
            return;
        }
        const pid_t own = ::fork();
        if (own == 0) {
            char byte = 0;
            ::close(ends[1]);
            static_cast<void>(::read(ends[0], &byte, 1));
            ::_exit(0);
        }
        pid_t waited_for = -1;
        std::thread waiting([&] { waited_for = ::waitpid(-1, nullptr, 0); });
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
        report_choice();
        ::close(ends[1]);
        waiting.join();
        std::fputs(waited_for == own ? "; its own" : "; another one", stderr);
    });
    INFO(child.text);
    CHECK(begins_with(child.text, epoll_because + "a seccomp filter kills"));
    CHECK(child.text.find("; its own") != std::string::npos);
}

TEST_CASE("kernel choice: where /proc cannot be read, a child asks, for there may be a filter",
          "[uring]") {
    const std::string allowed = choice_after(hide_proc);
    if (is_not_permitted(allowed)) {
        return;
    }
    CHECK(allowed == "io_uring");
    const std::string killed = choice_after([] {
        hide_proc();
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
    });
    CHECK(begins_with(killed, epoll_because + "a seccomp filter kills"));
}

TEST_CASE("kernel choice: a sysctl that forbids io_uring to all is believed without asking",
          "[uring]") {
    const std::string text = choice_after([] {
        pretend_sysctl("2");
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
    });
    if (is_not_permitted(text)) {
        return;
    }
    CHECK(begins_with(
        text, epoll_because + "io_uring cannot be used: the sysctl kernel.io_uring_disabled=2"));
}

TEST_CASE("kernel choice: a filter that lets nobody make a child leaves epoll, and says so",
          "[uring]") {
    const std::string text = choice_when_answered({SYS_clone}, failure(EPERM));
    CHECK(begins_with(text, epoll_because + "there is a seccomp filter, and whether it kills"));
    CHECK(text.find("RINGIO_KERNEL=uring") != std::string::npos);
}
