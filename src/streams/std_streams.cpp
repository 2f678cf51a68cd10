#include <ringio/streams/std_streams.hpp>

#include <ringio/base/system_calls.hpp>
#include <ringio/core/loop_books.hpp>

#include "pipe_ends.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <system_error>

namespace ringio {
namespace {

using detail::Medium;
using State = IntrusivePtr<detail::StreamState>;

/// Those of a loop, made when they are first asked for.
struct StdStreams final : detail::EndsWithLoop {
    std::optional<StreamReader> input;
    std::optional<StreamWriter> output;
    std::optional<StreamWriter> errors;
};

StdStreams& streams_of_loop() {
    return get_running_loop().machine().books().find_or_make<StdStreams>();
}

State open_std_stream(int number, Medium medium, const char* name) {
    UniqueFd fd(detail::system_calls->fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!fd) {
        throw std::system_error(errno, std::system_category(), name);
    }
    // Kernel: a regular file is always "ready", and has nobody at its other side to notice.
    struct stat status{};
    const bool is_file = ::fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode);
    State state = detail::stream_of_end(std::move(fd), medium, name, default_stream_limit);
    if (!is_file || medium == Medium::read_end) {
        state->start();
    }
    state->output().finish_with_loop();
    return state;
}

// One that was closed is made anew.
StreamWriter writer_of(std::optional<StreamWriter>& kept, int number, const char* name) {
    if (!kept || kept->is_closing()) {
        kept.emplace(open_std_stream(number, Medium::write_end, name));
    }
    return *kept;
}

}  // namespace

StreamReader stdin_reader() {
    std::optional<StreamReader>& kept = streams_of_loop().input;
    if (!kept) {
        kept.emplace(open_std_stream(STDIN_FILENO, Medium::read_end, "the standard input"));
    }
    return *kept;
}

StreamWriter stdout_writer() {
    return writer_of(streams_of_loop().output, STDOUT_FILENO, "the standard output");
}

StreamWriter stderr_writer() {
    return writer_of(streams_of_loop().errors, STDERR_FILENO, "the standard error output");
}

}  // namespace ringio
