#include <ringio/streams/pipes.hpp>

#include <ringio/base/system_calls.hpp>
#include <ringio/core/ignored_signals.hpp>

#include "pipe_ends.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string>
#include <system_error>

namespace ringio {
namespace detail {

PipeEnds make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        throw std::system_error(errno, std::system_category(), "pipe");
    }
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

void make_own(const UniqueFd& end) noexcept {
    const int flags = system_calls->fcntl(end.get(), F_GETFL, 0);
    system_calls->fcntl(end.get(), F_SETFL, flags | O_NONBLOCK);
}

IntrusivePtr<StreamState> stream_of_end(UniqueFd end, Medium medium, std::string name,
                                        std::size_t limit) {
    if (medium == Medium::write_end) {
        ignore_if_default(SIGPIPE);
    }
    return IntrusivePtr<StreamState>(
        new StreamState(get_running_loop(), std::move(end), medium, std::move(name), limit));
}

}  // namespace detail

namespace {

using detail::Medium;
using State = IntrusivePtr<detail::StreamState>;

std::string end_name(const UniqueFd& fd) { return "file descriptor " + std::to_string(fd.get()); }

void require_stream_file(const UniqueFd& fd, const char* refusal) {
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) {
        throw std::system_error(errno, std::system_category(), end_name(fd));
    }
    if (!S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode) && !S_ISCHR(status.st_mode)) {
        throw std::invalid_argument(refusal);
    }
}

void require_limit(std::size_t limit, const char* function) {
    if (limit == 0) {
        throw std::invalid_argument(std::string(function) +
                                    ": the limit is 0; a reader needs a buffer");
    }
}

Task<StreamReader> read_from(UniqueFd fd, std::size_t limit) {
    std::string name = end_name(fd);
    const State state =
        detail::stream_of_end(std::move(fd), Medium::read_end, std::move(name), limit);
    state->start();
    co_return StreamReader(state);
}

Task<StreamWriter> write_to(UniqueFd fd) {
    std::string name = end_name(fd);
    const State state = detail::stream_of_end(std::move(fd), Medium::write_end, std::move(name),
                                              default_stream_limit);
    state->start();
    co_return StreamWriter(state);
}

UniqueFd detach_end(const State& state, const char* refusal) {
    if (state->closing() || !state->input().is_fresh() || state->output().pending_bytes() != 0) {
        throw std::runtime_error(refusal);
    }
    const int own = state->socket().fd();
    UniqueFd fd(detail::system_calls->fcntl(own, F_DUPFD_CLOEXEC, 0));
    if (!fd) {
        throw std::system_error(errno, std::system_category(), state->peer());
    }
    const int flags = detail::system_calls->fcntl(fd.get(), F_GETFL, 0);
    detail::system_calls->fcntl(fd.get(), F_SETFL, flags & ~O_NONBLOCK);
    state->abort();
    return fd;
}

}  // namespace

Task<StreamReader> connect_read_pipe(UniqueFd fd, const PipeOptions& options) {
    require_limit(options.limit, "connect_read_pipe");
    require_stream_file(fd, "Pipe transport is for pipes/sockets only.");
    return read_from(std::move(fd), options.limit);
}

Task<StreamWriter> connect_write_pipe(UniqueFd fd) {
    require_stream_file(fd, "Pipe transport is only for pipes, sockets and character devices");
    return write_to(std::move(fd));
}

UniqueFd PipeReader::detach() && {
    return detach_end(state(), "the descriptor of a pipe that was read, or closed, already");
}

UniqueFd PipeWriter::detach() && {
    return detach_end(state(), "the descriptor of a pipe that was written to, or closed, already");
}

Pipe open_pipe(const PipeOptions& options) {
    require_limit(options.limit, "open_pipe");
    detail::PipeEnds ends = detail::make_pipe();
    detail::make_own(ends.read);
    detail::make_own(ends.write);
    const State reading = detail::stream_of_end(std::move(ends.read), Medium::read_end,
                                                "the other end of a pipe", options.limit);
    const State writing = detail::stream_of_end(std::move(ends.write), Medium::write_end,
                                                "the other end of a pipe", default_stream_limit);
    return {PipeReader(reading), PipeWriter(writing)};
}

}  // namespace ringio
