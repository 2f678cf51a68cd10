#include <ringio/core/dump_signal.hpp>

#include <ringio/core/loop_signals.hpp>
#include <ringio/core/signal_table.hpp>
#include <ringio/core/task_tree.hpp>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace ringio::detail {
namespace {

class DumpSignal final : public EndsWithLoop, public SignalTaker {
public:
    explicit DumpSignal(int number) noexcept : SignalTaker(Kind::tool, SignalSet(number)) {}

    void take(int) noexcept override {
        try {
            std::fputs(format_tasks_of(home()->loop()).c_str(), stderr);
        } catch (const std::bad_alloc&) {
            std::fputs("ringio: no memory for a dump of the tasks\n", stderr);
        }
        std::fflush(stderr);
    }
};

}  // namespace

int dump_signal_from_environment() {
    const char* const text = std::getenv("RINGIO_DUMP_SIGNAL");
    if (text == nullptr || *text == '\0') {
        return 0;
    }
    const int number = signal_number(text);
    try {
        check_signal(number);
    } catch (const std::exception&) {
        throw std::invalid_argument(
            "RINGIO_DUMP_SIGNAL must be the name or the number of a signal that a loop can handle, "
            "such as USR1; it is \"" +
            std::string(text) + "\"");
    }
    return number;
}

void take_dump_signal(EventLoop& loop) {
    LoopBooks& books = loop.machine().books();
    if (books.dump_signal == 0) {
        return;
    }
    auto dump = std::make_unique<DumpSignal>(books.dump_signal);
    try {
        LoopSignals::of(loop).add(*dump);
    } catch (const std::runtime_error&) {
        return;  // another loop has it
    }
    books.ends_with_loop.push_back(std::move(dump));
}

}  // namespace ringio::detail
