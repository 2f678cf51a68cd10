// ringio_conformance [AREA | ID]...: runs the scenarios in question, or all, and prints for each
// "# id" and its lines.
#include "scenario.hpp"

#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include <ringio/testing/balance.hpp>

#include <cxxabi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <typeinfo>

namespace ringio::conformance {
namespace {

struct Scenario {
    std::string id;
    Task<> (*coroutine)();
    void (*function)();
    Clock clock;
};

std::vector<Scenario>& scenarios() {
    static std::vector<Scenario> all;
    return all;
}

std::string unqualified(const std::type_info& type) {
    const std::unique_ptr<char, void (*)(void*)> name(
        abi::__cxa_demangle(type.name(), nullptr, nullptr, nullptr), std::free);
    const std::string whole = name ? name.get() : type.name();
    const std::size_t colon = whole.rfind(':');
    return colon == std::string::npos ? whole : whole.substr(colon + 1);
}

// Python's name for what C++ calls otherwise.
std::string python_name(const std::type_info& type) {
    static const std::pair<const std::type_info&, const char*> names[] = {
        {typeid(std::invalid_argument), "ValueError"},
        {typeid(std::runtime_error), "RuntimeError"},
        {typeid(std::out_of_range), "LookupError"},
        {typeid(std::system_error), "OSError"},
    };
    for (const auto& [known, name] : names) {
        if (type == known) {
            return name;
        }
    }
    return unqualified(type);
}

std::string group_text(const ExceptionGroup& group) {
    std::string inner;
    for (const std::exception_ptr& each : group.exceptions()) {
        inner += (inner.empty() ? "" : ", ") + error(each);
    }
    return group.message() + " [" + inner + "]";
}

std::string message_of(const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const CancelledError& cancelled) {
        return cancelled.message();
    } catch (const KeyboardInterrupt&) {
        return "";
    } catch (const TimeoutError&) {
        return "";  // "timed out" here, on purpose
    } catch (const ExceptionGroup& group) {
        return group_text(group);
    } catch (const std::system_error& failed) {
        return std::to_string(failed.code().value());
    } catch (const std::exception& other) {
        return other.what();
    } catch (...) {
        return "";
    }
}

void run(const Scenario& scenario) {
    std::printf("# %s\n", scenario.id.c_str());
    std::fflush(stdout);
    const testing::Balance balance;
    try {
        if (scenario.coroutine != nullptr) {
            RunOptions options;
            options.loop.virtual_time = scenario.clock == Clock::jumping;
            ringio::run(scenario.coroutine(), options);
        } else {
            scenario.function();
        }
    } catch (...) {
        log_line("! " + error_of_current());
    }
    if (const std::string left = balance.difference(); !left.empty()) {
        log_line("! " + left);
    }
}

bool wanted(const Scenario& scenario, int argc, char** argv) {
    return argc == 1 || std::any_of(argv + 1, argv + argc, [&](std::string_view name) {
               return scenario.id == name || scenario.id.starts_with(std::string(name).append("."));
           });
}

}  // namespace

Registration::Registration(const char* id, Task<> (*body)(), Clock clock) {
    scenarios().push_back({id, body, nullptr, clock});
}

Registration::Registration(const char* id, void (*body)()) {
    scenarios().push_back({id, nullptr, body, Clock::real});
}

void log_line(const std::string& line) {
    std::string flat = line;
    std::replace(flat.begin(), flat.end(), '\n', ' ');
    std::printf("%s\n", flat.c_str());
    std::fflush(stdout);
}

std::string kind(const std::exception_ptr& exception) {
    return exception ? python_name(*exception.__cxa_exception_type()) : "None";
}

std::string error(const std::exception_ptr& exception) {
    if (!exception) {
        return "None";
    }
    const std::string message = message_of(exception);
    return kind(exception) + (message.empty() ? "" : ": " + message);
}

double now() {
    return std::chrono::duration<double>(get_running_loop().time().time_since_epoch()).count();
}

Task<> turns(int count) {
    for (int turn = 0; turn < count; ++turn) {
        co_await sleep(0s);
    }
}

void log_reports(EventLoop& loop) {
    loop.set_exception_handler([](EventLoop&, const ExceptionContext& context) {
        const std::string callback = "Exception in callback";
        const bool names_place = context.message.starts_with(callback);
        log("reported:", (names_place ? callback : context.message) + ",",
            error(context.exception));
    });
}

void log_reports() { log_reports(get_running_loop()); }

}  // namespace ringio::conformance

int main(int argc, char** argv) {
    for (const auto& scenario : ringio::conformance::scenarios()) {
        if (ringio::conformance::wanted(scenario, argc, argv)) {
            ringio::conformance::run(scenario);
        }
    }
    return 0;
}
