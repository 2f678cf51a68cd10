// The environment variable by which a worker process knows that it is one.
#pragma once

#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include <sys/types.h>

namespace ringio::detail {

struct WorkerVariable {
    static constexpr const char* name = "RINGIO_WORKER";

    int socket = -1;
    pid_t parent = -1;

    std::string text() const { return fmt::format("{}={}:{}", name, socket, parent); }
};

/// Of this process; nothing when it is not set, or by somebody else.
inline std::optional<WorkerVariable> worker_variable() {
    const char* const text = ::getenv(WorkerVariable::name);
    WorkerVariable variable;
    if (text == nullptr || std::sscanf(text, "%d:%d", &variable.socket, &variable.parent) != 2) {
        return std::nullopt;
    }
    return variable;
}

}  // namespace ringio::detail
