#include <ringio/process/process_worker.hpp>

#include <ringio/base/system_calls.hpp>
#include <ringio/base/unique_fd.hpp>
#include <ringio/core/ignored_signals.hpp>
#include <ringio/process/remote_call.hpp>

#include "code_address.hpp"
#include "frame.hpp"
#include "remote_exception.hpp"
#include "worker_variable.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace ringio {
namespace detail {
namespace {

std::atomic<bool> process_worker_called = false;

// The calls come one after the other, in one thread.
class Worker {
public:
    explicit Worker(UniqueFd socket) : socket_(std::move(socket)) {}

    int run() {
        for (;;) {
            while (std::optional<Frame> frame = reader_.next()) {
                if (!answer(*frame)) {
                    return EXIT_FAILURE;
                }
            }
            if (reader_.fill(socket_.get(), 0) == FrameReader::Filled::end) {
                return EXIT_SUCCESS;
            }
        }
    }

private:
    // False: nobody waits for answers any more, or this is no worker of that pool.
    bool answer(const Frame& frame) {
        concurrent::ArchiveIn in(frame.body);
        concurrent::ArchiveOut out;
        const bool is_start = frame.header.kind == FrameKind::start;
        FrameKind kind = is_start ? FrameKind::ready : FrameKind::result;
        try {
            if (is_start) {
                start(in, out);
            } else {
                call(in, out);
                require_size(out.bytes().size());
            }
        } catch (...) {
            out = {};
            write_current_exception(out);
            kind = is_start ? FrameKind::refused : FrameKind::exception;
        }
        std::fflush(stdout);  // what the call has printed is out before its result is known
        writer_.push(kind, frame.header.id, std::move(out).bytes());
        return writer_.flush(socket_.get(), 0) == FrameWriter::Flushed::all &&
               kind != FrameKind::refused;
    }

    void start(concurrent::ArchiveIn& in, concurrent::ArchiveOut& out) {
        if (in.read<std::string>() != build_of_program()) {
            throw std::runtime_error("the worker process is another program than the pool's");
        }
        max_message_size_ = in.read<std::uint64_t>();
        if (in.read<bool>()) {
            call(in, out);
            out = {};
        }
    }

    void require_size(std::uint64_t size) const {
        if (size > max_message_size_) {
            throw std::length_error(
                fmt::format("the result takes {} bytes; the pool's max_message_size is {}", size,
                            max_message_size_));
        }
    }

    static void call(concurrent::ArchiveIn& in, concurrent::ArchiveOut& out) {
        const auto thunk = reinterpret_cast<RemoteThunk>(code_at(in.read<CodeAddress>()));
        const bool has_function = in.read<bool>();
        thunk(has_function ? code_at(in.read<CodeAddress>()) : nullptr, in, out);
    }

    UniqueFd socket_;
    FrameReader reader_;
    FrameWriter writer_;
    std::uint64_t max_message_size_ = 0;
};

// Kernel: PR_SET_PDEATHSIG follows the thread that has started this process, which is the pool's; a
// parent that had ended before is not told of.
void end_with(pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        ::_exit(EXIT_FAILURE);
    }
}

// Ctrl-C is the parent's to handle; it came in blocked, so that none of them ends this process.
void ignore_interrupts() {
    ignore_if_default(SIGINT);
    sigset_t interrupt;
    ::sigemptyset(&interrupt);
    ::sigaddset(&interrupt, SIGINT);
    ::pthread_sigmask(SIG_UNBLOCK, &interrupt, nullptr);
}

// It was started as /proc/self/exe, and is called that.
void take_name(std::string_view program) {
    const std::string name(program.substr(program.rfind('/') + 1));
    ::prctl(PR_SET_NAME, name.c_str());
}

}  // namespace

void require_process_worker_called() {
    if (!process_worker_called.load(std::memory_order_relaxed)) {
        throw std::runtime_error(
            "the workers of a process pool are this program, started again, and main() does not "
            "expect that: let it begin with `if (auto code = ringio::process_worker(argc, argv)) { "
            "return *code; }`, or write co_main()");
    }
}

}  // namespace detail

std::optional<int> process_worker(int argc, char** argv) {
    using namespace detail;
    process_worker_called.store(true, std::memory_order_relaxed);
    const std::optional<WorkerVariable> given = worker_variable();
    if (!given) {
        return std::nullopt;
    }
    ::unsetenv(WorkerVariable::name);  // of the programs that this one starts none is a worker
    end_with(given->parent);
    UniqueFd socket(given->socket);
    SystemCalls::real.fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
    ignore_interrupts();
    if (argc > 0) {
        take_name(argv[0]);
    }
    return Worker(std::move(socket)).run();
}

}  // namespace ringio
