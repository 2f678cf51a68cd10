// Makes streams of ends of pipes, for those who know what they have.
#pragma once

#include <ringio/base/unique_fd.hpp>
#include <ringio/streams/stream_state.hpp>

#include <cstddef>
#include <string>
#include <utility>

namespace ringio::detail {

/// Both ends of a new pipe; the one that is ours gets O_NONBLOCK by make_own().
struct PipeEnds {
    UniqueFd read;
    UniqueFd write;
};

/// *Errors*: std::system_error.
PipeEnds make_pipe();

/// Kernel: before 6.4 a request on a pipe in blocking mode keeps a worker. An end that nobody else
/// shares may be in the other mode.
void make_own(const UniqueFd& end) noexcept;

/// Makes a stream of an end; it begins with start(). *Errors*: std::runtime_error when no loop
/// runs.
IntrusivePtr<StreamState> stream_of_end(UniqueFd end, Medium medium, std::string name,
                                        std::size_t limit);

}  // namespace ringio::detail
