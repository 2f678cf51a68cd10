#include "spawn.hpp"

#include <ringio/base/system_calls.hpp>
#include <ringio/core/ignored_signals.hpp>

#include "../concurrent/signal_mask.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace ringio::detail {
namespace {

[[noreturn]] void throw_named(int error, const std::string& what) {
    throw std::system_error(error, std::system_category(), what);
}

void require_no_null(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) {
        throw std::invalid_argument("embedded null byte");
    }
}

// Python's words.
std::vector<std::string> environment_entries(const EnvironmentView& view) {
    std::vector<std::string> entries;
    for (const auto& [name, value] : view.variables()) {
        if (name.empty() || name.find('=') != std::string_view::npos) {
            throw std::invalid_argument("illegal environment variable name");
        }
        require_no_null(name);
        require_no_null(value);
        entries.push_back(std::string(name) + "=" + std::string(value));
    }
    return entries;
}

Redirection redirection_of(const Stdio& stdio, const char* name) {
    Redirection redirection{.kind = stdio.kind(), .own = {}, .number = stdio.number()};
    if (stdio.kind() == Stdio::Kind::owner) {
        redirection.own = stdio.take();
        if (!redirection.own) {
            throw std::invalid_argument(std::string(name) +
                                        ": the descriptor is empty; it was moved");
        }
    }
    if (stdio.kind() == Stdio::Kind::number &&
        system_calls->fcntl(stdio.number(), F_GETFD, 0) < 0) {
        throw_named(errno, std::string(name) + ", descriptor " + std::to_string(stdio.number()));
    }
    return redirection;
}

/// posix_spawn's list of what the child does before exec.
class FileActions {
public:
    FileActions() { ::posix_spawn_file_actions_init(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }

    // Where source and target are the same, glibc only takes close-on-exec off.
    void dup2(int source, int target) {
        check(::posix_spawn_file_actions_adddup2(&actions_, source, target));
    }
    void close(int fd) { check(::posix_spawn_file_actions_addclose(&actions_, fd)); }
    void close_from(int fd) { check(::posix_spawn_file_actions_addclosefrom_np(&actions_, fd)); }
    void change_directory(const std::string& path) {
        check(::posix_spawn_file_actions_addchdir_np(&actions_, path.c_str()));
    }
    const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

private:
    static void check(int error) {
        if (error != 0) {
            throw_named(error, "posix_spawn_file_actions");
        }
    }

    posix_spawn_file_actions_t actions_;
};

/// Copies of the descriptors that the program gets as 0, 1 and 2, out of the way of each other.
using Sources = std::array<UniqueFd, 3>;

UniqueFd above_standard(int fd) {
    UniqueFd copy(system_calls->fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!copy) {
        throw_named(errno, "descriptor " + std::to_string(fd));
    }
    return copy;
}

UniqueFd null_device() {
    UniqueFd fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!fd) {
        throw_named(errno, "open '/dev/null'");
    }
    return fd.get() > STDERR_FILENO ? std::move(fd) : above_standard(fd.get());
}

UniqueFd source_of(const Redirection& redirection) {
    switch (redirection.kind) {
        case Stdio::Kind::inherit:
        case Stdio::Kind::to_stdout:
            return {};
        case Stdio::Kind::null:
            return null_device();
        case Stdio::Kind::number:
            return above_standard(redirection.number);
        case Stdio::Kind::pipe:
        case Stdio::Kind::owner:
            break;
    }
    return above_standard(redirection.own.get());
}

// A number that is not open is no error in the program that is being made.
void pass_descriptors(FileActions& actions, const std::vector<int>& pass_fds) {
    int highest = STDERR_FILENO;
    for (const int fd : pass_fds) {
        actions.dup2(fd, fd);
        highest = std::max(highest, fd);
    }
    for (int fd = STDERR_FILENO + 1; fd < highest; ++fd) {
        if (std::ranges::find(pass_fds, fd) == pass_fds.end()) {
            actions.close(fd);
        }
    }
    actions.close_from(highest + 1);
}

/// posix_spawn's attributes.
class Attributes {
public:
    explicit Attributes(const Launch& launch) {
        ::posix_spawnattr_init(&attributes_);
        short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
        sigset_t defaults;
        ::sigemptyset(&defaults);
        SignalSet ignored = ignored_by_ringio();
        while (const int number = ignored.take_lowest()) {
            ::sigaddset(&defaults, number);
        }
        ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
        sigset_t blocked = concurrent::signal_mask_of_programs();
        SignalSet more = launch.blocked;
        while (const int number = more.take_lowest()) {
            ::sigaddset(&blocked, number);
        }
        ::posix_spawnattr_setsigmask(&attributes_, &blocked);
        if (launch.start_new_session) {
            flags = static_cast<short>(flags | POSIX_SPAWN_SETSID);
        }
        if (launch.process_group) {
            flags = static_cast<short>(flags | POSIX_SPAWN_SETPGROUP);
            ::posix_spawnattr_setpgroup(&attributes_, *launch.process_group);
        }
        ::posix_spawnattr_setflags(&attributes_, flags);
    }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }

    const posix_spawnattr_t* get() const noexcept { return &attributes_; }

private:
    posix_spawnattr_t attributes_;
};

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (const std::string& text : texts) {
        pointers.push_back(const_cast<char*>(text.c_str()));
    }
    pointers.push_back(nullptr);
    return pointers;
}

std::string search_path_of(const Launch& launch) {
    if (launch.env) {
        for (const std::string& entry : *launch.env) {
            if (entry.starts_with("PATH=")) {
                return entry.substr(std::strlen("PATH="));
            }
        }
    } else if (const char* const path = ::getenv("PATH")) {
        return path;
    }
    return "/bin:/usr/bin";
}

// As the program will see it, which has its own working directory.
std::string seen_from_here(const Launch& launch, const std::string& path) {
    return launch.cwd.empty() || path.starts_with('/') ? path : launch.cwd + "/" + path;
}

int why_not_executable(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        return errno;
    }
    if (!S_ISREG(status.st_mode)) {
        return EACCES;
    }
    return ::access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

// Looks for a program as execvpe(3) does, in the PATH that the program gets.
std::string find_program(const Launch& launch) {
    const std::string& name = launch.command.arguments().front();
    if (name.find('/') != std::string::npos) {
        return name;
    }
    const std::string search = search_path_of(launch);
    int refusal = ENOENT;
    for (std::size_t begin = 0; begin <= search.size() && !name.empty();) {
        const std::size_t end = std::min(search.find(':', begin), search.size());
        const std::string directory = search.substr(begin, end - begin);
        std::string candidate = directory.empty() ? "./" + name : directory + "/" + name;
        const int error = why_not_executable(seen_from_here(launch, candidate));
        if (error == 0) {
            return candidate;
        }
        refusal = error == EACCES ? error : refusal;
        begin = end + 1;
    }
    throw_named(refusal, "exec '" + name + "'");
}

// The interpreter that a script names, if that is missing.
std::string missing_interpreter(const std::string& program) {
    std::ifstream file(program, std::ios::binary);
    std::string line;
    if (!std::getline(file, line) || !line.starts_with("#!")) {
        return {};
    }
    const std::size_t begin = line.find_first_not_of(" \t", 2);
    if (begin == std::string::npos) {
        return {};
    }
    const std::size_t end = std::min(line.find_first_of(" \t\r", begin), line.size());
    const std::string interpreter = line.substr(begin, end - begin);
    return why_not_executable(interpreter) != 0 ? interpreter : std::string();
}

// One errno stands for whatever went wrong in the child.
[[noreturn]] void throw_spawn_error(int error, const Launch& launch, const std::string& program) {
    struct stat status{};
    if (!launch.cwd.empty()) {
        const int refusal = ::stat(launch.cwd.c_str(), &status) != 0 ? errno
                            : S_ISDIR(status.st_mode)
                                ? (::access(launch.cwd.c_str(), X_OK) == 0 ? 0 : errno)
                                : ENOTDIR;
        if (refusal != 0) {
            throw_named(refusal, "the working directory '" + launch.cwd + "'");
        }
    }
    std::string what =
        "exec '" + (launch.program.empty() ? launch.command.arguments().front() : launch.program) +
        "'";
    if (error == ENOENT) {
        const std::string interpreter = missing_interpreter(seen_from_here(launch, program));
        if (!interpreter.empty()) {
            what += ", its interpreter '" + interpreter + "'";
        }
    }
    throw_named(error, what);
}

// Kernel: a pidfd is close-on-exec. Nobody but us reaps the child, so its pid is still its own.
UniqueFd open_pidfd(pid_t pid) {
    return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
}

}  // namespace

Launch::Launch(Command of, const SubprocessOptions& options)
    : command(std::move(of)),
      cwd(options.cwd.text()),
      start_new_session(options.start_new_session),
      process_group(options.process_group),
      pass_fds(options.pass_fds.begin(), options.pass_fds.end()),
      limit(options.limit),
      detached(options.detached) {
    if (command.arguments().empty()) {
        throw std::invalid_argument("the command is empty; it begins with the program's name");
    }
    std::ranges::for_each(command.arguments(), require_no_null);
    require_no_null(cwd);
    if (limit == 0) {
        throw std::invalid_argument("the limit is 0; a reader needs a buffer");
    }
    if (options.std_in.kind() == Stdio::Kind::to_stdout ||
        options.std_out.kind() == Stdio::Kind::to_stdout) {
        throw std::invalid_argument("Stdio::to_stdout is for std_err only");
    }
    if (options.env) {
        env = environment_entries(options.env);
    }
    for (const int fd : pass_fds) {
        if (system_calls->fcntl(fd, F_GETFD, 0) < 0) {
            throw_named(errno, "pass_fds, descriptor " + std::to_string(fd));
        }
    }
    stdio = {redirection_of(options.std_in, "std_in"), redirection_of(options.std_out, "std_out"),
             redirection_of(options.std_err, "std_err")};
}

Spawned spawn(const Launch& launch) {
    const std::string program = launch.program.empty() ? find_program(launch) : launch.program;
    Sources sources;
    FileActions actions;
    for (int number = 0; number < 3; ++number) {
        UniqueFd& source = sources[static_cast<std::size_t>(number)];
        source = source_of(launch.stdio[static_cast<std::size_t>(number)]);
        if (source) {
            actions.dup2(source.get(), number);
        }
    }
    if (launch.stdio[2].kind == Stdio::Kind::to_stdout) {
        actions.dup2(STDOUT_FILENO, STDERR_FILENO);
    }
    pass_descriptors(actions, launch.pass_fds);
    if (!launch.cwd.empty()) {
        actions.change_directory(launch.cwd);
    }
    const Attributes attributes(launch);
    const std::vector<char*> arguments = pointers_to(launch.command.arguments());
    const std::vector<char*> variables =
        launch.env ? pointers_to(*launch.env) : std::vector<char*>();
    UniqueFd reserved = null_device();

    Spawned spawned;
    const int error = ::posix_spawn(&spawned.pid, program.c_str(), actions.get(), attributes.get(),
                                    arguments.data(), launch.env ? variables.data() : ::environ);
    if (error != 0) {
        throw_spawn_error(error, launch, program);
    }
    reserved.reset();  // there is a number for the next one
    spawned.pidfd = open_pidfd(spawned.pid);
    if (!spawned.pidfd && errno != ESRCH) {
        const int refusal = errno;
        ::kill(spawned.pid, SIGKILL);
        ::waitpid(spawned.pid, nullptr, 0);
        throw_named(refusal, "pidfd_open of '" + launch.command.arguments().front() + "'");
    }
    return spawned;
}

}  // namespace ringio::detail
