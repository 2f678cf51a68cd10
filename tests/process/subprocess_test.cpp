// Programs that are started: create_subprocess_exec(), create_subprocess_shell(), Process.
#include <ringio/process/subprocess.hpp>

#include <ringio/concurrent.hpp>
#include <ringio/streams/pipes.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/descriptor_pair.hpp>
#include <support/ends.hpp>
#include <support/temporary_directory.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::Ends;
using ringio::testing::read_now;
using ringio::testing::TemporaryDirectory;

namespace {

// Whether this process has a child that runs, or was not reaped.
bool has_children() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

Task<std::string> output_of(Command command, SubprocessOptions options = {}) {
    options.std_out = Stdio::pipe;
    const Process process = co_await create_subprocess_exec(std::move(command), options);
    auto [out, err] = co_await process.communicate();
    co_return out;
}

std::string executable_at(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), 0755);
    return path;
}

}  // namespace

ASYNC_TEST_CASE("create_subprocess_exec: starts a program, and its exit status is told") {
    const Process ok = co_await create_subprocess_exec({"true"});
    CHECK(ok.pid() > 0);
    CHECK_AWAIT(ok.wait(), 0);
    CHECK(ok.returncode() == 0);
    CHECK_AWAIT(ok.wait(), 0);
    const Process bad = co_await create_subprocess_exec({"sh", "-c", "exit 7"});
    CHECK_AWAIT(bad.wait(), 7);
    CHECK_FALSE(has_children());
}

ASYNC_TEST_CASE("create_subprocess_exec: arguments arrive as they are") {
    const std::string odd = "a 'b' \"c\" $HOME *\n";
    CHECK_AWAIT(output_of({"printf", "%s", odd}), odd);
}

ASYNC_TEST_CASE("create_subprocess_shell: runs a command line") {
    const Process process = co_await create_subprocess_shell(
        "echo out; echo err >&2; exit 3", {.std_out = Stdio::pipe, .std_err = Stdio::pipe});
    auto [out, err] = co_await process.communicate();
    CHECK(out == "out\n");
    CHECK(err == "err\n");
    CHECK(process.returncode() == 3);
    const Process missing =
        co_await create_subprocess_shell("no-such-program-at-all", {.std_err = Stdio::null});
    CHECK_AWAIT(missing.wait(), 127);
}

ASYNC_TEST_CASE("Process: reads what is written to it, line by line") {
    const Process cat =
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    cat.std_in().write("one\n");
    co_await cat.std_in().drain();
    CHECK_AWAIT(cat.std_out().readline(), "one\n");
    CHECK_FALSE(cat.returncode());
    cat.std_in().write("two");
    cat.std_in().close();
    CHECK_AWAIT(cat.std_out().read(), "two");
    CHECK_AWAIT(cat.wait(), 0);
}

ASYNC_TEST_CASE("Process: communicate moves more than pipes hold, both ways") {
    const std::string much(5'000'000, 'x');
    const Process cat =
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    auto [out, err] = co_await cat.communicate(much);
    CHECK((out == much));
    CHECK(err.empty());
    CHECK(cat.returncode() == 0);
}

ASYNC_TEST_CASE("Process: communicate ignores that its input is not read") {
    const Process deaf = co_await create_subprocess_exec({"true"}, {.std_in = Stdio::pipe});
    co_await deaf.communicate(std::string(1'000'000, 'x'));
    CHECK(deaf.returncode() == 0);
}

ASYNC_TEST_CASE("Process: communicate needs a pipe for input") {
    const Process process = co_await create_subprocess_exec({"true"});
    CHECK_THROWS_WITH(process.communicate("input"),
                      "std_in of the process is no pipe; start it with {.std_in = Stdio::pipe}");
    CHECK_THROWS_AS(process.std_out(), std::runtime_error);
    CHECK_THROWS_AS(process.std_err(), std::runtime_error);
    co_await process.wait();
}

ASYNC_TEST_CASE("Process: the output may have a limit") {
    const Process process =
        co_await create_subprocess_shell("yes | head -c 100000", {.std_out = Stdio::pipe});
    CHECK_AWAIT(text_of<LimitOverrunError>(process.communicate({}, {.max_output = 1000})),
                "the output of the process is longer than max_output");
    process.kill();
    co_await process.wait();
}

ASYNC_TEST_CASE("Process: errors go where output goes, in order") {
    const Process process = co_await create_subprocess_shell(
        "echo 1; echo 2 >&2; echo 3", {.std_out = Stdio::pipe, .std_err = Stdio::to_stdout});
    CHECK_AWAIT(process.std_out().read(), "1\n2\n3\n");
    co_await process.wait();
}

ASYNC_TEST_CASE("Process: what it gets may be nothing, a number, or given away") {
    Ends pipe = Ends::pipe();
    const Process from_null = co_await create_subprocess_exec(
        {"cat"}, {.std_in = Stdio::null, .std_out = pipe.far.get(), .std_err = Stdio::null});
    CHECK_AWAIT(from_null.wait(), 0);
    CHECK(pipe.far);  // a number stays the caller's
    const Process echo =
        co_await create_subprocess_exec({"echo", "given"}, {.std_out = std::move(pipe.far)});
    CHECK_AWAIT(echo.wait(), 0);
    CHECK_FALSE(pipe.far);
    StreamReader reader = co_await connect_read_pipe(std::move(pipe.near));
    CHECK_AWAIT(reader.read(), "given\n");
}

ASYNC_TEST_CASE("Process: programs that are linked by pipes") {
    auto [first_reader, first_writer] = open_pipe();
    auto [second_reader, second_writer] = open_pipe();
    const Process producer = co_await create_subprocess_exec({"printf", "c\\nb\\na\\n"},
                                                             {.std_out = std::move(first_writer)});
    const Process filter = co_await create_subprocess_exec(
        {"sort"}, {.std_in = std::move(first_reader), .std_out = std::move(second_writer)});
    CHECK_AWAIT(second_reader.read(), "a\nb\nc\n");
    CHECK_AWAIT(producer.wait(), 0);
    CHECK_AWAIT(filter.wait(), 0);
}

ASYNC_TEST_CASE("Process: output and errors in each other's place") {
    Ends out = Ends::pipe();
    Ends err = Ends::pipe();
    const int saved_out = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
    const int saved_err = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    ::dup2(out.far.get(), STDOUT_FILENO);
    ::dup2(err.far.get(), STDERR_FILENO);
    const Process process = co_await create_subprocess_shell(
        "echo out; echo err >&2", {.std_out = STDERR_FILENO, .std_err = STDOUT_FILENO});
    ::dup2(saved_out, STDOUT_FILENO);
    ::dup2(saved_err, STDERR_FILENO);
    ::close(saved_out);
    ::close(saved_err);
    co_await process.wait();
    CHECK(read_now(out.near.get()) == "err\n");
    CHECK(read_now(err.near.get()) == "out\n");
}

ASYNC_TEST_CASE("Process: a standard descriptor that is closed here takes no other's place") {
    const int saved = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
    ::close(STDIN_FILENO);
    const Process process = co_await create_subprocess_shell(
        "cat; echo done", {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    auto [out, err] = co_await process.communicate("in\n");
    if (saved >= 0) {
        ::dup2(saved, STDIN_FILENO);
        ::close(saved);
    }
    CHECK(out == "in\ndone\n");
}

ASYNC_TEST_CASE("Process: gets no other descriptor than those that are passed") {
    const int leaky = ::dup(STDIN_FILENO >= 0 ? STDIN_FILENO : 0);  // not close-on-exec
    const Ends pipe = Ends::pipe();
    const std::array passed = {pipe.far.get()};
    const std::string text =
        "ls /proc/self/fd | wc -l; echo through >&" + std::to_string(pipe.far.get());
    const std::string out = co_await output_of({"sh", "-c", text}, {.pass_fds = passed});
    CHECK(out == "5\n");  // 0, 1, 2, the passed one, and the directory that ls reads
    CHECK(read_now(pipe.near.get()) == "through\n");
    ::close(leaky);
}

ASYNC_TEST_CASE("Process: its working directory, also where the program is relative to it") {
    const TemporaryDirectory directory;
    CHECK_AWAIT(output_of({"pwd"}, {.cwd = directory.path()}), directory.path() + "\n");
    const std::filesystem::path path = directory.path();
    CHECK_AWAIT(output_of({"pwd"}, {.cwd = path}), directory.path() + "\n");
    executable_at(directory / "tool", "#!/bin/sh\necho here\n");
    CHECK_AWAIT(output_of({"./tool"}, {.cwd = directory.path()}), "here\n");
}

ASYNC_TEST_CASE("Process: its environment, in whose PATH it is looked for") {
    const TemporaryDirectory directory;
    executable_at(directory / "my-tool", "#!/bin/sh\necho mine $WORD\n");
    const std::map<std::string, std::string> env = {{"PATH", directory.path()}, {"WORD", "x y"}};
    CHECK_AWAIT(output_of({"my-tool"}, {.env = env}), "mine x y\n");
    CHECK_AWAIT(errno_of(create_subprocess_exec({"my-tool"})), ENOENT);
    const std::map<std::string, std::string> none;
    CHECK_AWAIT(output_of({"/usr/bin/env"}, {.env = none}), "");
}

ASYNC_TEST_CASE("Process: a session and a group of its own") {
    const Process leader = co_await create_subprocess_shell(
        "ps -o sid= -p $$ 2>/dev/null || cut -d' ' -f6 /proc/self/stat",
        {.std_out = Stdio::pipe, .start_new_session = true});
    const std::string session = co_await leader.std_out().read();
    CHECK(std::stol(session) == leader.pid());
    co_await leader.wait();
    const Process grouped =
        co_await create_subprocess_exec({"sleep", "1000"}, {.process_group = 0});
    CHECK(::getpgid(grouped.pid()) == grouped.pid());
    CHECK(grouped.kill());
    CHECK_AWAIT(grouped.wait(), -SIGKILL);
}

ASYNC_TEST_CASE("Process: signals reach it while it runs, and nobody afterwards") {
    const Process process = co_await create_subprocess_exec({"sleep", "1000"});
    CHECK(process.send_signal(0));
    CHECK(process.terminate());
    CHECK_AWAIT(process.wait(), -SIGTERM);
    CHECK_FALSE(process.terminate());
    CHECK_FALSE(process.kill());
    CHECK_FALSE(process.send_signal(SIGUSR1));
    const Process other = co_await create_subprocess_exec({"sleep", "1000"});
    CHECK_THROWS_AS(other.send_signal(1234), std::system_error);
    CHECK(other.kill());
    CHECK_AWAIT(other.wait(), -SIGKILL);
}

ASYNC_TEST_CASE("Process: many may wait, and who is cancelled leaves it alone") {
    const Process process = co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe});
    auto first = create_task(process.wait());
    auto second = create_task(process.wait());
    auto cancelled = create_task(process.wait());
    co_await turns(3);
    cancelled.cancel();
    CHECK_AWAIT(is_cancelled(cancelled), true);
    CHECK_FALSE(process.returncode());
    process.std_in().close();
    CHECK_AWAIT(first, 0);
    CHECK_AWAIT(second, 0);
}

ASYNC_TEST_CASE("Process: wait ends at its exit even if somebody else holds its pipe") {
    const Process holder =
        co_await create_subprocess_shell("sleep 1000 & echo $!; exit 5", {.std_out = Stdio::pipe});
    const std::string pid = co_await holder.std_out().readline();
    CHECK_AWAIT(holder.wait(), 5);
    CHECK_FALSE(holder.std_out().at_eof());
    ::kill(static_cast<pid_t>(std::stol(pid)), SIGKILL);
    CHECK_AWAIT(holder.std_out().read(), "");
}

ASYNC_TEST_CASE("Process: communicate may give a pipe up that somebody else holds") {
    const Process holder =
        co_await create_subprocess_shell("sleep 1000 & echo $!; exit 5", {.std_out = Stdio::pipe});
    auto [out, err] = co_await holder.communicate({}, {.wait_delay = 10ms});
    CHECK(holder.returncode() == 5);
    ::kill(static_cast<pid_t>(std::stol(out)), SIGKILL);
}

ASYNC_TEST_CASE("Process: its input breaks when it ends, and output that it left can be read") {
    const Process process = co_await create_subprocess_shell(
        "echo last words", {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    co_await process.wait();
    process.std_in().write("x");
    CHECK_AWAIT(errno_of(process.std_in().drain()), EPIPE);
    CHECK_AWAIT(process.std_out().read(), "last words\n");
}

ASYNC_TEST_CASE("Process: drain after the close of its input tells that it is closed") {
    const Process cat =
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    cat.std_in().write("all");
    cat.std_in().close();
    CHECK_AWAIT(
        text_of<std::system_error>(cat.std_in().drain()),
        "Connection lost to std_in of process " + std::to_string(cat.pid()) + ": Broken pipe");
    CHECK_AWAIT(cat.std_out().read(), "all");
    CHECK_AWAIT(cat.wait(), 0);
}

ASYNC_TEST_CASE("Process: killed and reaped when its last handle goes") {
    auto process = std::optional(
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe}));
    const pid_t pid = process->pid();
    process.reset();
    while (::kill(pid, 0) == 0) {  // until it is reaped
        co_await turns(1);
    }
    CHECK_FALSE(has_children());
}

TEST_CASE("Process: killed and reaped when the loop closes") {
    run([]() -> Task<> {
        static std::optional<Process> kept;  // outlives the loop
        kept = co_await create_subprocess_exec({"sleep", "1000"});
        create_task([](Process process) -> Task<> { co_await process.wait(); }(*kept));
        co_await turns(3);
        get_running_loop().call_soon([] {});
    }());
    CHECK_FALSE(has_children());
}

TEST_CASE("Process: a detached one outlives its loop") {
    pid_t pid = -1;
    run([](pid_t& started) -> Task<> {
        const Process process =
            co_await create_subprocess_exec({"sleep", "1000"}, {.detached = true});
        started = process.pid();
    }(pid));
    CHECK(::kill(pid, SIGKILL) == 0);
    int status = 0;
    CHECK(::waitpid(pid, &status, 0) == pid);
    CHECK(WTERMSIG(status) == SIGKILL);
}

ASYNC_TEST_CASE("Process: a status that somebody else took is 255, and reported") {
    std::string reported;
    get_running_loop().set_exception_handler(
        [&](EventLoop&, const ExceptionContext& context) { reported = context.message; });
    const Process process = co_await create_subprocess_exec({"true"});
    CHECK(::waitpid(process.pid(), nullptr, 0) == process.pid());
    CHECK_AWAIT(process.wait(), 255);
    CHECK(reported == "child process pid " + std::to_string(process.pid()) +
                          " exit status already read: will report returncode 255");
    get_running_loop().set_exception_handler(nullptr);
}

ASYNC_TEST_CASE("Process: with SIGCHLD ignored its end is noticed all the same") {
    void (*const before)(int) = std::signal(SIGCHLD, SIG_IGN);
    get_running_loop().set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    const Process process = co_await create_subprocess_exec({"true"});
    const int status = co_await process.wait();
    std::signal(SIGCHLD, before);
    get_running_loop().set_exception_handler(nullptr);
    CHECK(status == 255);
}

ASYNC_TEST_CASE("Process: does not inherit that ringio ignores SIGPIPE") {
    auto [reader, writer] = open_pipe();
    writer.write("x");
    co_await writer.drain();
    void (*const before)(int) = std::signal(SIGPIPE, SIG_DFL);
    {
        auto [other_reader, other_writer] = open_pipe();  // ignores it
    }
    const std::string mask = co_await output_of({"sh", "-c", "grep SigIgn /proc/self/status"});
    std::signal(SIGPIPE, before);
    const unsigned long long ignored = std::stoull(mask.substr(mask.find(':') + 1), nullptr, 16);
    CHECK((ignored & (1ULL << (SIGPIPE - 1))) == 0);
}

ASYNC_TEST_CASE("create_subprocess_exec: errors name what is wrong") {
    const TemporaryDirectory directory;
    CHECK_AWAIT(text_of<std::system_error>(create_subprocess_exec({"no-such-program"})),
                "exec 'no-such-program': No such file or directory");
    CHECK_AWAIT(text_of<std::system_error>(create_subprocess_exec({"/no/such/program"})),
                "exec '/no/such/program': No such file or directory");
    CHECK_AWAIT(errno_of(create_subprocess_exec({""})), ENOENT);
    CHECK_AWAIT(text_of<std::system_error>(create_subprocess_exec({directory.path()})),
                "exec '" + directory.path() + "': Permission denied");
    std::ofstream(directory / "plain") << "text";
    CHECK_AWAIT(errno_of(create_subprocess_exec({directory / "plain"})), EACCES);
    executable_at(directory / "script", "#! /no/such/interpreter -x\n");
    CHECK_AWAIT(text_of<std::system_error>(create_subprocess_exec({directory / "script"})),
                "exec '" + directory / "script" +
                    "', its interpreter '/no/such/interpreter': No such file or directory");
    CHECK_AWAIT(text_of<std::system_error>(create_subprocess_exec({"true"}, {.cwd = "/no/where"})),
                "the working directory '/no/where': No such file or directory");
    CHECK_AWAIT(errno_of(create_subprocess_exec({"true"}, {.cwd = directory / "plain"})), ENOTDIR);
    CHECK_AWAIT(errno_of(create_subprocess_exec({"true", std::string(3'000'000, 'x')})), E2BIG);
    CHECK_FALSE(has_children());
}

TEST_CASE("create_subprocess_exec: bad arguments are refused at the call") {
    const std::map<std::string, std::string> no_name = {{"", "x"}};
    const std::map<std::string, std::string> equals = {{"A=B", "x"}};
    const std::map<std::string, std::string> null = {{"A", std::string("x\0y", 3)}};
    CHECK_THROWS_WITH(create_subprocess_exec({}),
                      "the command is empty; it begins with the program's name");
    CHECK_THROWS_WITH(create_subprocess_exec({"true", std::string("a\0b", 3)}),
                      "embedded null byte");
    CHECK_THROWS_WITH(create_subprocess_shell(std::string("a\0b", 3)), "embedded null byte");
    CHECK_THROWS_WITH(create_subprocess_exec({"true"}, {.env = no_name}),
                      "illegal environment variable name");
    CHECK_THROWS_WITH(create_subprocess_exec({"true"}, {.env = equals}),
                      "illegal environment variable name");
    CHECK_THROWS_WITH(create_subprocess_exec({"true"}, {.env = null}), "embedded null byte");
    CHECK_THROWS_AS(create_subprocess_exec({"true"}, {.limit = 0}), std::invalid_argument);
    CHECK_THROWS_AS(create_subprocess_exec({"true"}, {.std_out = Stdio::to_stdout}),
                    std::invalid_argument);
    CHECK_THROWS_AS(create_subprocess_exec({"true"}, {.std_out = 999}), std::system_error);
    CHECK_THROWS_AS(create_subprocess_exec({"true"}, {.std_out = UniqueFd()}),
                    std::invalid_argument);
    const std::array closed = {999};
    CHECK_THROWS_AS(create_subprocess_exec({"true"}, {.pass_fds = closed}), std::system_error);
}

TEST_CASE("create_subprocess_exec: signals reach what a loop in a pool's thread starts") {
    sigset_t user;
    sigemptyset(&user);
    sigaddset(&user, SIGUSR1);
    sigset_t before;
    ::pthread_sigmask(SIG_BLOCK, &user, &before);
    concurrent::ThreadPoolExecutor pool(concurrent::ThreadPoolOptions{.max_workers = 1});
    std::string blocked;
    pool.submit([&blocked] { blocked = run(output_of({"grep", "SigBlk", "/proc/self/status"})); })
        .result();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    std::string own = run(output_of({"grep", "SigBlk", "/proc/self/status"}));
    CHECK(blocked != own);
    CHECK(blocked == "SigBlk:\t0000000000000200\n");
}

ASYNC_TEST_CASE("create_subprocess_exec: cancelled, or out of descriptors, it leaves nothing") {
    auto starting = create_task(
        create_subprocess_exec({"sleep", "1000"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe}));
    starting.cancel();
    CHECK_AWAIT(is_cancelled(starting), true);
    REQUIRE_FALSE(has_children());
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const int free = ::dup(0);
    ::close(free);
    for (int spare = 0; spare < 12; ++spare) {
        rlimit narrow = limit;
        narrow.rlim_cur = static_cast<rlim_t>(free + spare);
        ::setrlimit(RLIMIT_NOFILE, &narrow);
        const int error = co_await errno_of(create_subprocess_exec(
            {"sleep", "0"},
            {.std_in = Stdio::pipe, .std_out = Stdio::pipe, .std_err = Stdio::pipe}));
        ::setrlimit(RLIMIT_NOFILE, &limit);
        CHECK((error == EMFILE || error == 0));
    }
    while (has_children()) {
        co_await turns(1);
    }
}
