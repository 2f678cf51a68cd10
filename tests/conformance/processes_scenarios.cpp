// Programs that are started: create_subprocess_exec(), create_subprocess_shell(), Process.
#include "directory.hpp"
#include "net.hpp"
#include "telling.hpp"

#include <ringio/process.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <vector>

namespace ringio::conformance {
namespace {

using Variables = std::map<std::string, std::string>;

/// Two descriptors that programs may have.
struct SharedPipe {
    SharedPipe() {
        int ends[2] = {-1, -1};
        if (::pipe2(ends, O_CLOEXEC) != 0) {
            throw std::runtime_error("pipe2");
        }
        near.reset(ends[0]);
        far.reset(ends[1]);
    }

    UniqueFd near;
    UniqueFd far;
};

std::string executable(const std::string& path, const char* text, mode_t mode = 0755) {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
}

/// What it writes, and its exit status.
Task<std::string> output(Command command, SubprocessOptions options = {}) {
    options.std_out = Stdio::pipe;
    const Process process = co_await create_subprocess_exec(std::move(command), options);
    const ProcessOutput all = co_await process.communicate();
    co_return "[" + all.std_out + "] " + std::to_string(*process.returncode());
}

/// The text with the directory's name replaced.
std::string without(std::string all, const Directory& directory) {
    const std::size_t place = all.find(directory.path());
    return place == std::string::npos ? all : all.replace(place, directory.path().size(), "there");
}

Task<std::string> drain_refused(StreamWriter writer) {
    try {
        co_await writer.drain();
    } catch (...) {
        co_return kind_of_current();
    }
    co_return "nothing";
}

CONFORMS_IN_REAL_TIME("processes.exit_status") {
    const std::vector<Command> commands = {Command("true"), Command("false"),
                                           Command("sh", "-c", "exit 7")};
    for (const Command& command : commands) {
        const Process process = co_await create_subprocess_exec(command);
        const int first = co_await process.wait();
        const int second = co_await process.wait();
        log(process.pid() > 0, first, process.returncode(), second);
    }
}

CONFORMS_IN_REAL_TIME("processes.stdin_stdout") {
    const Process process =
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    process.std_in().write("some data");
    co_await process.std_in().drain();
    process.std_in().close();
    const std::string out = co_await process.std_out().read();
    log(out, co_await process.wait());
}

CONFORMS_IN_REAL_TIME("processes.interactive") {
    const Process process =
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    for (const char* line : {"one\n", "two\n"}) {
        process.std_in().write(line);
        co_await process.std_in().drain();
        const std::string answer = co_await process.std_out().readline();
        log(answer, process.returncode());
    }
    process.std_in().write_eof();
    const std::string rest = co_await process.std_out().readline();
    const bool at_eof = process.std_out().at_eof();
    log(rest.empty(), at_eof, co_await process.wait());
}

CONFORMS_IN_REAL_TIME("processes.communicate") {
    const Process process =
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    auto [out, err] = co_await process.communicate("some data");
    log(out, process.returncode());
}

CONFORMS_IN_REAL_TIME("processes.communicate_output") {
    const Process process = co_await create_subprocess_shell(
        "echo out; echo err >&2; exit 3", {.std_out = Stdio::pipe, .std_err = Stdio::pipe});
    auto [out, err] = co_await process.communicate();
    log(out, err, process.returncode());
}

CONFORMS_IN_REAL_TIME("processes.communicate_without_input") {
    const Process process =
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    auto [out, err] = co_await process.communicate();
    log(out.empty(), process.returncode());
}

CONFORMS_IN_REAL_TIME("processes.empty_input") {
    const Process process =
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    auto [out, err] = co_await process.communicate("");
    log(out.empty(), process.returncode());
}

CONFORMS_IN_REAL_TIME("processes.communicate_much") {
    std::string much(3'000'000, 'a');
    for (std::size_t i = 0; i < much.size(); ++i) {
        much[i] = static_cast<char>('a' + i % 26);
    }
    const Process process = co_await create_subprocess_exec(
        {"tee", "/dev/stderr"},
        {.std_in = Stdio::pipe, .std_out = Stdio::pipe, .std_err = Stdio::pipe});
    auto [out, err] = co_await process.communicate(much);
    log(out == much, err == much, process.returncode());
}

CONFORMS_IN_REAL_TIME("processes.communicate_ignores_a_broken_pipe") {
    const Process process = co_await create_subprocess_exec({"true"}, {.std_in = Stdio::pipe});
    co_await process.communicate(std::string(1'000'000, 'x'));
    log(process.returncode());
}

CONFORMS_IN_REAL_TIME("processes.communicate_twice") {
    const Process process =
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    for (const char* data : {"once", ""}) {
        const ProcessOutput all = co_await process.communicate(data);
        log("[" + all.std_out + "]", process.returncode());
    }
}

CONFORMS_IN_REAL_TIME("processes.communicate_the_rest") {
    const Process process =
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    process.std_in().write("one\ntwo\n");
    log(co_await process.std_out().readline());
    auto [out, err] = co_await process.communicate("three\n");
    log(out, process.returncode());
}

CONFORMS_IN_REAL_TIME("processes.communicate_after_close") {
    const Process process =
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    process.std_in().write("all");
    process.std_in().close();
    auto [out, err] = co_await process.communicate();
    log(out, process.returncode());
}

CONFORMS_IN_REAL_TIME("processes.communicate_after_exit") {
    const Process process = co_await create_subprocess_shell(
        "echo out; echo err >&2", {.std_out = Stdio::pipe, .std_err = Stdio::pipe});
    while (!process.returncode()) {
        co_await turns(1);
    }
    auto [out, err] = co_await process.communicate();
    log(out, err);
}

CONFORMS_IN_REAL_TIME("processes.stdin_broken_pipe") {
    const Process process = co_await create_subprocess_exec(
        {"head", "-c", "1"}, {.std_in = Stdio::pipe, .std_out = Stdio::null});
    process.std_in().write(std::string(1'000'000, 'x'));
    log(co_await drain_refused(process.std_in()));
    log(co_await process.wait());
}

CONFORMS_IN_REAL_TIME("processes.stdin_after_exit") {
    const Process process = co_await create_subprocess_exec({"true"}, {.std_in = Stdio::pipe});
    co_await process.wait();
    process.std_in().write("x");
    co_await turns(10);
    const bool closing = process.std_in().is_closing();
    log(closing, co_await drain_refused(process.std_in()));
}

CONFORMS_IN_REAL_TIME("processes.stdin_wait_closed") {
    const Process cat =
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::null});
    cat.std_in().write("x");
    cat.std_in().close();
    const std::string closed = co_await ended(cat.std_in().wait_closed());
    log(closed, co_await cat.wait());
    const Process quick = co_await create_subprocess_exec({"true"}, {.std_in = Stdio::pipe});
    const std::string idle = co_await ended(quick.std_in().wait_closed());
    log(idle, quick.std_in().is_closing());
    const Process head = co_await create_subprocess_exec(
        {"head", "-c", "1"}, {.std_in = Stdio::pipe, .std_out = Stdio::null});
    head.std_in().write(std::string(1'000'000, 'x'));
    log(co_await refusal_by([&] { return head.std_in().wait_closed(); }));
}

CONFORMS_IN_REAL_TIME("processes.lines") {
    const Process process =
        co_await create_subprocess_exec({"printf", "one\ntwo\nthree"}, {.std_out = Stdio::pipe});
    for (;;) {
        std::string line = co_await process.std_out().readline();
        if (line.empty()) {
            break;
        }
        line.resize(line.find_last_not_of('\n') + 1);
        log("[" + line + "]");
    }
    log(co_await process.wait());
}

Task<bool> tells_its_number(int number) {
    const std::string text = std::to_string(number);
    const Process process = co_await create_subprocess_shell("echo " + text + "; exit " + text,
                                                             {.std_out = Stdio::pipe});
    auto [out, err] = co_await process.communicate();
    co_return out == text + "\n" && process.returncode() == number;
}

CONFORMS_IN_REAL_TIME("processes.many") {
    std::vector<Task<bool>> running;
    for (int number = 0; number < 20; ++number) {
        running.push_back(tells_its_number(number));
    }
    log(co_await gather(std::move(running)));
}

CONFORMS_IN_REAL_TIME("processes.shell") {
    const Process process =
        co_await create_subprocess_shell("echo $((6 * 7)) | tr 4 x", {.std_out = Stdio::pipe});
    auto [out, err] = co_await process.communicate();
    log(out, process.returncode());
    const Process missing =
        co_await create_subprocess_shell("no-such-program-at-all", {.std_err = Stdio::null});
    log(co_await missing.wait());
}

CONFORMS_IN_REAL_TIME("processes.arguments") {
    log(co_await output({"printf", "%s|", "a 'b' \"c\"", "$HOME *", "", "-n"}));
}

CONFORMS_IN_REAL_TIME("processes.inherit") {
    log("before");
    const Process process = co_await create_subprocess_shell("echo from the program");
    log(co_await process.wait());
}

CONFORMS_IN_REAL_TIME("processes.devnull") {
    log(co_await output({"cat"}, {.std_in = Stdio::null}));
    const Process silent =
        co_await create_subprocess_exec({"echo", "not to be seen"}, {.std_out = Stdio::null});
    log(co_await silent.wait());
    const Process process = co_await create_subprocess_shell(
        "echo nor this >&2; echo this", {.std_out = Stdio::pipe, .std_err = Stdio::null});
    auto [out, err] = co_await process.communicate();
    log(out == "this\n" && err.empty());
}

CONFORMS_IN_REAL_TIME("processes.stderr_to_stdout") {
    const Process process = co_await create_subprocess_shell(
        "echo 1; echo 2 >&2; echo 3", {.std_out = Stdio::pipe, .std_err = Stdio::to_stdout});
    const std::string out = co_await process.std_out().read();
    log(out, co_await process.wait());
}

CONFORMS_IN_REAL_TIME("processes.dev_stdin") {
    const Process process = co_await create_subprocess_exec(
        {"cat", "/dev/stdin"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    auto [out, err] = co_await process.communicate("message");
    log(out, process.returncode());
}

CONFORMS_IN_REAL_TIME("processes.linked") {
    SharedPipe pipe;
    const Process first =
        co_await create_subprocess_exec({"echo", "hello"}, {.std_out = std::move(pipe.far)});
    const Process second = co_await create_subprocess_exec(
        {"tr", "l", "L"}, {.std_in = std::move(pipe.near), .std_out = Stdio::pipe});
    const std::string out = co_await second.std_out().read();
    const int first_status = co_await first.wait();
    log(out, first_status, co_await second.wait());
}

CONFORMS_IN_REAL_TIME("processes.stdin_is_not_inherited") {
    const Process first =
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    const Process second =
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    const ProcessOutput of_first = co_await first.communicate("first");
    log(of_first.std_out, first.returncode(), second.returncode());
    const ProcessOutput of_second = co_await second.communicate("second");
    log(of_second.std_out, second.returncode());
}

CONFORMS_IN_REAL_TIME("processes.pause_reading") {
    const Process process = co_await create_subprocess_shell(
        "head -c 1000000 /dev/zero; echo done >&2",
        {.std_out = Stdio::pipe, .std_err = Stdio::pipe, .limit = 1000});
    auto reading = create_task(process.std_err().readline());
    co_await sleep(20ms);
    log(state(reading), process.returncode());
    const std::string all = co_await process.std_out().read();
    log(all.size());
    const std::string done = co_await reading;
    log(done, co_await process.wait());
}

CONFORMS_IN_REAL_TIME("processes.limit") {
    const Process process = co_await create_subprocess_exec({"printf", "0123456789abcdef\nshort\n"},
                                                            {.std_out = Stdio::pipe, .limit = 8});
    log(co_await refusal_by([&] { return process.std_out().readline(); }));
    const std::string line = co_await process.std_out().readline();
    log(line, co_await process.wait());
}

CONFORMS_IN_REAL_TIME("processes.read_after_exit") {
    const Process process =
        co_await create_subprocess_exec({"echo", "last words"}, {.std_out = Stdio::pipe});
    while (!process.returncode()) {
        co_await turns(1);
    }
    log(co_await process.std_out().read());
}

CONFORMS_IN_REAL_TIME("processes.signals") {
    void (*const ends[])(const Process&) = {
        [](const Process& process) { process.terminate(); },
        [](const Process& process) { process.kill(); },
        [](const Process& process) { process.send_signal(SIGUSR1); },
    };
    for (const auto end : ends) {
        const Process process = co_await create_subprocess_exec({"sleep", "1000"});
        log(process.returncode());
        end(process);
        const int status = co_await process.wait();
        log(status, process.returncode());
    }
}

CONFORMS_IN_REAL_TIME("processes.handled_signal") {
    const Process process = co_await create_subprocess_shell(
        "trap 'echo got it; exit 3' HUP; echo ready; while :; do sleep 0.01; done",
        {.std_out = Stdio::pipe});
    log(co_await process.std_out().readline());
    process.send_signal(SIGHUP);
    const std::string line = co_await process.std_out().readline();
    log(line, co_await process.wait());
}

CONFORMS_IN_REAL_TIME("processes.ignored_signal") {
    const Process process = co_await create_subprocess_shell(
        "trap '' TERM; echo ready; while :; do read x || sleep 0.01; done",
        {.std_in = Stdio::null, .std_out = Stdio::pipe});
    log(co_await process.std_out().readline());
    process.terminate();
    log(co_await ended(wait_for(process.wait(), 20ms)));
    process.kill();
    log(co_await process.wait());
}

CONFORMS_IN_REAL_TIME("processes.broken_pipe_ends_it") {
    const Process process = co_await create_subprocess_shell("kill -PIPE $$; echo survived");
    const int status = co_await process.wait();
    log(status == -SIGPIPE);
}

CONFORMS_IN_REAL_TIME("processes.wait_cancelled") {
    const Process process =
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    auto waiting = create_task(process.wait());
    co_await turns(3);
    waiting.cancel();
    const std::string outcome = co_await ended(waiting);
    log(outcome, process.returncode());
    process.std_in().write("alive\n");
    log(co_await process.std_out().readline());
    process.kill();
    log(co_await process.wait());
}

CONFORMS_IN_REAL_TIME("processes.communicate_cancelled") {
    const Process process =
        co_await create_subprocess_exec({"sleep", "1000"}, {.std_out = Stdio::pipe});
    const std::string outcome = co_await failure(wait_for(process.communicate(), 10ms));
    log(outcome, process.returncode());
    process.kill();
    log(co_await process.wait());
}

CONFORMS_IN_REAL_TIME("processes.several_wait") {
    const Process process = co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe});
    std::vector<TaskHandle<int>> waiting;
    for (int count = 0; count < 3; ++count) {
        waiting.push_back(create_task(process.wait()));
    }
    co_await turns(3);
    log(std::vector<bool>{waiting[0].done(), waiting[1].done(), waiting[2].done()});
    process.std_in().close();
    log(co_await gather(waiting));
}

CONFORMS_IN_REAL_TIME("processes.several_run") {
    const Process first = co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe});
    const Process second = co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe});
    auto waiting = create_task(first.wait());
    second.std_in().close();
    const int status = co_await second.wait();
    log(status, state(waiting));
    first.std_in().close();
    log(co_await waiting);
}

CONFORMS_IN_REAL_TIME("processes.errors") {
    const Directory directory;
    log(co_await failure(create_subprocess_exec({"no-such-program-at-all"})));
    log(co_await failure(create_subprocess_exec({"/no/such/program"}, {.std_in = Stdio::pipe})));
    log(co_await failure(create_subprocess_exec({directory.path()})));
    const std::string plain = executable(directory / "plain", "text", 0644);
    log(co_await failure(create_subprocess_exec({plain})));
    const std::string script = executable(directory / "script", "#! /no/such/interpreter\n");
    log(co_await failure(create_subprocess_exec({script})));
    log(co_await failure(create_subprocess_exec({"true"}, {.cwd = "/no/where"})));
    log(co_await failure(create_subprocess_exec({"true"}, {.cwd = plain})));
    log(co_await failure(create_subprocess_exec({"true", std::string(3'000'000, 'x')})));
}

CONFORMS_IN_REAL_TIME("processes.bad_arguments") {
    const std::string zero("a\0b", 3);
    const Variables equals = {{"A=B", "x"}};
    const Variables with_zero = {{"A", zero}};
    log(co_await refusal_by([&] { return create_subprocess_exec({"true", zero}); }));
    log(co_await refusal_by([&] { return create_subprocess_shell(zero); }));
    log(co_await refusal_by([&] { return create_subprocess_exec({"true"}, {.env = equals}); }));
    log(co_await refusal_by([&] { return create_subprocess_exec({"true"}, {.env = with_zero}); }));
}

CONFORMS_IN_REAL_TIME("processes.path_objects") {
    const Directory directory;
    const std::filesystem::path program = executable(directory / "program", "#! /bin/sh\npwd -P\n");
    const std::filesystem::path path = directory.path();
    const std::string out = co_await output({program}, {.cwd = path});
    log(without(out, directory));
}

CONFORMS_IN_REAL_TIME("processes.cwd") {
    const Directory directory;
    executable(directory / "program", "#! /bin/sh\necho found\npwd -P\n");
    const std::string out = co_await output({"./program"}, {.cwd = directory.path()});
    log(without(out, directory));
    log(co_await output({"pwd"}, {.cwd = "/"}));
}

CONFORMS_IN_REAL_TIME("processes.env") {
    const Variables variables = {{"FOO", "bar"}, {"EMPTY", ""}};
    log(co_await output({"/bin/sh", "-c", "echo $FOO, ${EMPTY-unset}, ${HOME-unset}"},
                        {.env = variables}));
    const Process process =
        co_await create_subprocess_shell("echo $FOO", {.std_out = Stdio::pipe, .env = variables});
    const std::string out = co_await process.std_out().read();
    log(out, co_await process.wait());
}

CONFORMS_IN_REAL_TIME("processes.env_inherited") {
    ::setenv("RINGIO_CONFORMANCE", "seen", 1);
    log(co_await output({"sh", "-c", "echo $RINGIO_CONFORMANCE"}));
    ::unsetenv("RINGIO_CONFORMANCE");
    log(co_await output({"sh", "-c", "echo ${RINGIO_CONFORMANCE-unset}"}));
}

CONFORMS_IN_REAL_TIME("processes.env_path") {
    const Directory directory;
    executable(directory / "only-there", "#! /bin/sh\necho found\n");
    const Variables there = {{"PATH", "/no/where:" + directory.path()}};
    const Variables elsewhere = {{"PATH", "/bin"}};
    log(co_await failure(create_subprocess_exec({"only-there"})));
    log(co_await output({"only-there"}, {.env = there}));
    log(co_await failure(create_subprocess_exec({"only-there"}, {.env = elsewhere})));
}

/// A number of its own /proc/self/stat, and whether it is its pid.
Task<> log_own(const char* field, SubprocessOptions options) {
    options.std_out = Stdio::pipe;
    const Process process =
        co_await create_subprocess_exec({"cut", "-d ", field, "/proc/self/stat"}, options);
    auto [out, err] = co_await process.communicate();
    log(std::stol(out) == process.pid(), process.returncode());
}

CONFORMS_IN_REAL_TIME("processes.new_session") {
    co_await log_own("-f6", {.start_new_session = true});
    co_await log_own("-f6", {});
}

CONFORMS_IN_REAL_TIME("processes.process_group") {
    co_await log_own("-f5", {.process_group = 0});
    co_await log_own("-f5", {});
}

CONFORMS_IN_REAL_TIME("processes.pass_fds") {
    SharedPipe pipe;
    const std::string line = "echo passed >&" + std::to_string(pipe.far.get());
    const std::array passed = {pipe.far.get()};
    const Process without_it = co_await create_subprocess_shell(line, {.std_err = Stdio::null});
    const int status = co_await without_it.wait();
    log(status != 0);
    const Process with_it =
        co_await create_subprocess_shell(line, {.std_err = Stdio::null, .pass_fds = passed});
    log(co_await with_it.wait());
    pipe.far.reset();
    StreamReader reader = co_await connect_read_pipe(std::move(pipe.near));
    log(co_await reader.read());
}

CONFORMS_IN_REAL_TIME("processes.cancelled_before_it_starts") {
    const Directory directory;
    auto starting = create_task(create_subprocess_exec({"touch", directory / "file"}));
    starting.cancel();
    log(co_await failure(starting));
    log(std::filesystem::is_empty(directory.path()));
}

Task<> run_in_the_child() { log("in the child", co_await output({"echo", "hello"})); }

CONFORMS_PLAIN("processes.in_a_fork") {
    const pid_t pid = ::fork();
    if (pid == 0) {
        ringio::run(run_in_the_child());
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    log("ended with", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}

}  // namespace
}  // namespace ringio::conformance
