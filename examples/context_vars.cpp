// Each request has its own id, whoever runs in between: a task gets a copy of the context that it
// was created in. Python: contextvars.ContextVar.
#include <fmt/core.h>
#include <ringio.hpp>

using namespace std::chrono_literals;

// [context_vars]
ringio::ContextVar<std::string> request_id("request_id", "-");

void log(std::string_view text) { fmt::print("[{}] {}\n", request_id.get(), text); }
// [/context_vars]

ringio::Task<> look_up(std::chrono::milliseconds pause) {
    log("looking up");
    co_await ringio::sleep(pause);
    log("found");
}

// [handle_request]
ringio::Task<> handle_request(std::string id, std::chrono::milliseconds pause) {
    request_id.set(id);  // in the context of this task only
    co_await look_up(pause);
    log("answered");
}
// [/handle_request]

ringio::Task<> main_coroutine() {
    co_await ringio::gather(handle_request("a1", 20ms), handle_request("b2", 10ms));
    log("no request is left");

    auto token = request_id.set("clean-up");
    log("for the time being");
    request_id.reset(token);
    log("as before");
}

int main() { ringio::run(main_coroutine()); }
