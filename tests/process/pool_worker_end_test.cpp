// Workers that do what no worker should: whatever comes from one, or does not come, is the end of
// that worker, and of nothing in this process.
#include <ringio/process/process_pool_executor.hpp>

#include <ringio/base/scope_exit.hpp>
#include <support/catch.hpp>
#include <support/gate.hpp>
#include <support/no_processes.hpp>
#include <support/worker_calls.hpp>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/sockios.h>

namespace ringio::test_support::pool_worker_end {
namespace {

using concurrent::BrokenProcessPool;
using concurrent::OnWorkerDeath;
using concurrent::ProcessPoolExecutor;

// Of a worker, its socket: the first descriptor behind the standard streams.
int own_socket() {
    for (int fd = 3;; ++fd) {
        int type = 0;
        socklen_t size = sizeof(type);
        if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0) {
            return fd;
        }
    }
}

// As src/process/frame.hpp has it.
struct Header {
    std::uint32_t magic = 0x6f676e72;
    std::uint32_t kind = 5;  // a result
    std::uint64_t id = 1;
    std::uint64_t length = 0;
};

void send_bytes(const std::string& bytes) {
    static_cast<void>(!::write(own_socket(), bytes.data(), bytes.size()));
}
void send_header(std::uint32_t kind, std::uint64_t id, std::uint64_t length) {
    const Header header{.kind = kind, .id = id, .length = length};
    static_cast<void>(!::write(own_socket(), &header, sizeof(header)));
}
/// The header of a result that is not whole, and the end.
void send_truncated(std::uint64_t length) {
    send_header(5, 1, length);
    send_bytes("only this");
    ::_exit(0);
}
void close_socket() {
    ::close(own_socket());
    wait_to_be_ended();
}

/// Forks a process that keeps the socket, and ends; that one passes the gate, and ends, too.
void leave_child(const std::string& gate) {
    if (::fork() == 0) {
        ProcessGate::pass(gate);
        ::_exit(0);
    }
    ::_exit(7);
}

std::size_t take_memory(std::size_t size) {
    std::vector<char> memory(size);
    volatile char* const last = &memory.back();
    *last = 1;
    return memory.size();
}
std::size_t pages_of_memory() {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages;
}
void limit_memory() {
    rlimit limit = {};
    ::getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = rlim_t{1} << 30U;
    ::setrlimit(RLIMIT_AS, &limit);
}

void print_much() {
    const std::string line(1023, '.');
    for (int i = 0; i < 200; ++i) {
        std::fprintf(stdout, "%s\n", line.c_str());
        std::fprintf(stderr, "%s\n", line.c_str());
    }
}

/// Answers the call, and is killed once the answer is on its way, before anybody takes it.
int answer_and_die(const std::string& gate) {
    ProcessGate::pass(gate);
    std::thread([] {
        for (int unread = 0; unread == 0;) {
            ::ioctl(own_socket(), SIOCOUTQ, &unread);
        }
        ::raise(SIGKILL);
    }).detach();
    return 1;
}

std::string text_of_broken(const concurrent::Future<void>& future) {
    try {
        future.result();
    } catch (const BrokenProcessPool& error) {
        return error.what();
    }
    return "not broken";
}

template <class Fn, class... Args>
std::string what_breaks_by(Fn function, Args... args) {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    const std::string text = text_of_broken(pool.submit(function, args...));
    CHECK_THROWS_AS(pool.submit(same_number, 1), BrokenProcessPool);
    return text;
}

using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;

}  // namespace

TEST_CASE("pool worker: bytes that are no message are its end") {
    CHECK_THAT(what_breaks_by(send_bytes, std::string(100'000, '?')),
               Contains("what came is no message of a process pool"));
    CHECK_THAT(what_breaks_by(send_header, std::uint32_t{0}, std::uint64_t{1}, std::uint64_t{0}),
               Contains("what came is no message of a process pool"));
    CHECK_THAT(what_breaks_by(send_header, std::uint32_t{7}, std::uint64_t{1}, std::uint64_t{0}),
               Contains("what came is no message of a process pool"));
}

TEST_CASE("pool worker: a message that is not expected is its end") {
    for (const std::uint32_t kind : {1U, 2U, 3U, 4U}) {
        CAPTURE(kind);
        CHECK_THAT(what_breaks_by(send_header, kind, std::uint64_t{1}, std::uint64_t{0}),
                   Contains("what came is no answer to a call"));
    }
    const std::uint64_t other_call = 99;
    CHECK_THAT(what_breaks_by(send_header, std::uint32_t{5}, other_call, std::uint64_t{0}),
               Contains("what came is no answer to a call"));
}

TEST_CASE("pool worker: a second answer to a call is its end, the first one counts") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    const auto answered = pool.submit(send_header, 5, 1, 0);
    CHECK_NOTHROW(answered.result());
    while (true) {
        try {
            pool.submit(wait_to_be_ended).exception();
        } catch (const BrokenProcessPool&) {
            break;
        }
    }
}

TEST_CASE("pool worker: a length that is a lie takes no memory, and is its end") {
    CHECK_THAT(what_breaks_by(send_header, std::uint32_t{5}, std::uint64_t{1},
                              std::numeric_limits<std::uint64_t>::max()),
               Contains("a message says that it has 18446744073709551615 bytes"));
    CHECK_THAT(what_breaks_by(send_truncated, std::uint64_t{1} << 31U), Contains("exit status 0"));
    CHECK_THAT(what_breaks_by(send_truncated, std::uint64_t{10}), Contains("exit status 0"));
}

TEST_CASE("pool worker: one that closes its socket is killed") {
    CHECK_THAT(what_breaks_by(close_socket), Contains("SIGKILL"));
}

TEST_CASE("pool worker: the end of one whose child keeps the socket open is seen") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    ProcessGate gate;
    const auto failing = pool.submit(leave_child, gate.name());
    CHECK_THAT(text_of_broken(failing), Contains("exit status 7"));
    pool.shutdown();
    gate.wait_until_reached();
}

TEST_CASE("pool worker: one that is idle ends, also when its child keeps the socket open") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    ProcessGate gate;
    const auto fork_one = [](const std::string& name) {
        if (::fork() == 0) {
            ProcessGate::pass(name);
            ::_exit(0);
        }
    };
    CHECK_NOTHROW(pool.submit(fork_one, gate.name()).result());
    pool.shutdown();
    gate.wait_until_reached();
}

TEST_CASE("pool worker: one without memory fails the call with std::bad_alloc, and goes on") {
    if (pages_of_memory() > (std::size_t{1} << 30U) / 4096) {
        return;  // a sanitizer has reserved more than the limit
    }
    const NoProcesses none_left;
    ProcessPoolExecutor pool({.max_workers = 1, .initializer = limit_memory});
    CHECK_THROWS_AS(pool.submit(take_memory, std::size_t{2} << 30U).result(), std::bad_alloc);
    CHECK(pool.submit(take_memory, std::size_t{1} << 20U).result() == std::size_t{1} << 20U);
}

TEST_CASE("pool worker: what one prints is this process's output, however much it is") {
    const NoProcesses none_left;
    std::FILE* const file = std::tmpfile();
    const int before = ::dup(STDOUT_FILENO);
    const int errors_before = ::dup(STDERR_FILENO);
    std::fflush(stdout);
    ::dup2(::fileno(file), STDOUT_FILENO);
    ::dup2(::fileno(file), STDERR_FILENO);
    {
        ProcessPoolExecutor pool(1);
        pool.submit(print_much).exception();
    }
    ::dup2(before, STDOUT_FILENO);
    ::dup2(errors_before, STDERR_FILENO);
    ::close(before);
    ::close(errors_before);
    CHECK(::lseek(::fileno(file), 0, SEEK_END) == 400 * 1024);
    std::fclose(file);
}

TEST_CASE("pool worker: a short limit of messages does not keep an exception from its future") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool({.max_workers = 1, .max_message_size = 100});
    const auto long_text = [] { throw std::out_of_range(std::string(1000, 'x')); };
    CHECK_THROWS_WITH(pool.submit(long_text).result(), std::string(1000, 'x'));
    const auto longer_text = [] { throw std::out_of_range(std::string(1'000'000, 'x')); };
    CHECK_THROWS_WITH(pool.submit(longer_text).result(), EndsWith("xxx..."));
    const auto long_result = [] { return std::string(1000, 'x'); };
    CHECK_THROWS_AS(pool.submit(long_result).result(), std::length_error);
    CHECK_THROWS_AS(pool.submit([](const std::string&) {}, std::string(1000, 'x')).result(),
                    std::length_error);
    CHECK(pool.submit(same_number, 1).result() == 1);
}

TEST_CASE("pool worker: no call is given to one that has answered and ended") {
    const bool answer_is_first = GENERATE(false, true);  // taken by who waits, or by the manager
    const NoProcesses none_left;
    Gate callback;
    ProcessPoolExecutor pool({.max_workers = 2, .on_worker_death = OnWorkerDeath::fail_task});
    const ScopeExit opened([&callback] { callback.open(); });
    ProcessGate dying;
    ProcessGate holding;
    ProcessGate blocking;
    const auto answered = pool.submit(answer_and_die, dying.name());
    dying.wait_until_reached();
    const pid_t worker = pool.worker_pids().front();
    const auto held = pool.submit(pass_with, holding.name(), 2);
    held.add_done_callback([&] { callback.pass(); });
    holding.wait_until_reached();
    const auto blocked = pool.submit(pass_with, blocking.name(), 3);
    const auto queued = pool.submit(same_number, 4);
    holding.open();
    callback.wait_until_reached();  // the manager is busy, and sees the answer and the end at once
    dying.open();
    siginfo_t info = {};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(worker), &info, WEXITED | WNOWAIT) == 0);
    callback.open();
    if (answer_is_first) {
        CHECK(answered.result() == 1);
    }
    CHECK(queued.result() == 4);
    CHECK(answered.result() == 1);
    blocking.open();
    CHECK(blocked.result() == 3);
}

TEST_CASE("pool worker: a call is not cancelled with the one whose worker was killed for it") {
    const NoProcesses none_left;
    Gate callback;
    ProcessPoolExecutor pool({.max_workers = 2, .cancel_running = concurrent::CancelRunning::kill});
    const ScopeExit opened([&callback] { callback.open(); });
    ProcessGate dying;
    ProcessGate holding;
    ProcessGate blocking;
    const auto cancelled = pool.submit(answer_and_die, dying.name());
    dying.wait_until_reached();
    const pid_t worker = pool.worker_pids().front();
    const auto held = pool.submit(pass_with, holding.name(), 2);
    held.add_done_callback([&] { callback.pass(); });
    holding.wait_until_reached();
    const auto blocked = pool.submit(pass_with, blocking.name(), 3);
    const auto queued = pool.submit(same_number, 4);
    holding.open();
    callback.wait_until_reached();
    dying.open();
    siginfo_t info = {};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(worker), &info, WEXITED | WNOWAIT) == 0);
    CHECK(cancelled.cancel());  // its answer is on the way
    callback.open();
    CHECK(queued.result() == 4);
    blocking.open();
    CHECK(blocked.result() == 3);
}

}  // namespace ringio::test_support::pool_worker_end
