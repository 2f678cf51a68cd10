#include <ringio/core/async_generator_hook.hpp>

#include <ringio/core/event_loop.hpp>
#include <ringio/core/loop_books.hpp>

#include <iterator>
#include <vector>

namespace ringio {
namespace {

// Takes its generator out of the list only now: one that ended meanwhile has left it by itself.
Task<> close_next_generator(EventLoop& loop, IntrusiveList<detail::AsyncGeneratorHook>& open) {
    detail::AsyncGeneratorHook* const generator = open.pop_front();
    if (generator == nullptr) {
        co_return;
    }
    const std::string repr = generator->repr();
    try {
        co_await generator->aclose();
    } catch (...) {
        if (detail::current_exception_kind() != detail::ExceptionKind::ordinary) {
            throw;
        }
        loop.call_exception_handler(
            {.message = "an error occurred during closing of asynchronous generator " + repr,
             .exception = std::current_exception(),
             .details = {{"asyncgen", repr}}});
    }
}

}  // namespace

Task<void> EventLoop::shutdown_asyncgens() {
    detail::LoopBooks& books = machine_.books();
    books.generators_shut_down = true;
    IntrusiveList<detail::AsyncGeneratorHook>& generators = books.generators;
    const auto open = static_cast<std::size_t>(std::distance(generators.begin(), generators.end()));
    std::vector<TaskHandle<>> closing;
    while (closing.size() < open) {
        closing.push_back(create_task(close_next_generator(*this, generators)));
    }
    for (const TaskHandle<>& task : closing) {
        try {
            co_await task;
        } catch (const CancelledError&) {
            if (detail::running_task().cancelling() == 0) {
                continue;  // a cleanup was cancelled: no error, as in asyncio
            }
            for (TaskHandle<>& other : closing) {
                other.cancel();
            }
            throw;
        }
    }
}

void detail::LoopBooks::add_generator(EventLoop& loop, AsyncGeneratorHook& generator) {
    generators.push_back(generator);
    if (loop.get_debug() && generators_shut_down) {
        loop.call_exception_handler(
            {.message = "asynchronous generator " + generator.repr() +
                        " was scheduled after loop.shutdown_asyncgens() call",
             .exception = nullptr,
             .details = {}});
    }
}

}  // namespace ringio
