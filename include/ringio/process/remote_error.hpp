// RemoteError: what a function threw in a worker process, when that is none of the types which are
// the same on both sides.
#pragma once

#include <ringio/base/config.hpp>

#include <stdexcept>
#include <string>
#include <utility>

#include <sys/types.h>

namespace ringio::concurrent {

/// An exception of a worker process whose type cannot be made again here: of the standard
/// exceptions and of ringio's own, the very type arrives; all others are told by name. what() is
/// its text. *Python*: the exception itself, with a _RemoteTraceback as its cause.
class RINGIO_API RemoteError final : public std::runtime_error {
public:
    RemoteError(std::string type_name, const std::string& text, pid_t worker_pid)
        : std::runtime_error(text), type_name_(std::move(type_name)), worker_pid_(worker_pid) {}

    /// "app::NoSuchJob".
    const std::string& type_name() const noexcept { return type_name_; }
    pid_t worker_pid() const noexcept { return worker_pid_; }

private:
    std::string type_name_;
    pid_t worker_pid_;
};

}  // namespace ringio::concurrent
