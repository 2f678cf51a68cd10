#include <ringio/debug/call_graph.hpp>

#include <ringio/core/task_tree.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace ringio {
namespace {

using debug::CallGraphEnd;
using debug::CallGraphOptions;
using debug::FrameCallGraphEntry;
using debug::FutureCallGraph;
using detail::FutureStateBase;
using detail::TaskStateBase;

// A graph is a tree: what several tasks wait for stands below each of them. These bounds keep that
// from growing without measure, and the recursion off the end of the stack.
constexpr std::size_t futures_max = 1000;
constexpr std::size_t depth_max = 200;

using Stack = std::vector<FrameCallGraphEntry>;

void apply_limit(Stack& stack, const std::optional<int>& limit) {
    if (!limit) {
        return;
    }
    const std::size_t kept = std::min(
        stack.size(), static_cast<std::size_t>(*limit < 0 ? -static_cast<long>(*limit) : *limit));
    const auto surplus = static_cast<std::ptrdiff_t>(stack.size() - kept);
    if (*limit < 0) {
        stack.erase(stack.begin(), stack.begin() + surplus);
    } else {
        stack.erase(stack.end() - surplus, stack.end());
    }
}

Stack stack_of(const FutureStateBase& future) {
    Stack stack;
    if (const auto* task = dynamic_cast<const TaskStateBase*>(&future)) {
        for (const std::source_location& location : task->stack()) {
            stack.push_back({location});
        }
        std::ranges::reverse(stack);
    }
    return stack;
}

class Capture {
public:
    explicit Capture(const CallGraphOptions& options) noexcept : options_(options) {}

    FutureCallGraph graph_of(const FutureStateBase& future, Stack stack) {
        FutureCallGraph graph;
        // The handle is given out as any other; to look changes nothing but its count.
        graph.future =
            AnyFuture(IntrusivePtr<FutureStateBase>(const_cast<FutureStateBase*>(&future)));
        if (std::ranges::find(path_, &future) != path_.end()) {
            graph.end = CallGraphEnd::circle;
            return graph;
        }
        graph.call_stack = std::move(stack);
        apply_limit(graph.call_stack, options_.limit);
        if (++futures_ >= futures_max || path_.size() >= depth_max) {
            graph.end = CallGraphEnd::cut;
            return graph;
        }
        path_.push_back(&future);
        for (const TaskStateBase* task : detail::tasks_awaiting(future)) {
            if (futures_ >= futures_max) {
                graph.end = CallGraphEnd::cut;
                break;
            }
            graph.awaited_by.push_back(graph_of(*task, stack_of(*task)));
        }
        path_.pop_back();
        return graph;
    }

private:
    const CallGraphOptions& options_;
    std::vector<const FutureStateBase*> path_;
    std::size_t futures_ = 0;
};

void append_text(std::string& text, const FutureCallGraph& graph, std::size_t level) {
    const std::string margin(level * 4, ' ');
    const FutureStateBase* const state = graph.future.shared_state().get();
    const auto* task = dynamic_cast<const TaskStateBase*>(state);
    text += task != nullptr ? fmt::format("{}* Task(name={}, id={})", margin,
                                          detail::repr_text(task->name()), fmt::ptr(state))
                            : fmt::format("{}* Future(id={})", margin, fmt::ptr(state));
    text += graph.end == CallGraphEnd::circle ? " (see above): these wait in a circle\n" : "\n";
    if (!graph.call_stack.empty()) {
        text += margin + "  + Call stack:\n";
    }
    for (const FrameCallGraphEntry& entry : graph.call_stack) {
        text += fmt::format("{}  |   File '{}', line {}, in async {}()\n", margin, entry.file(),
                            entry.line(), entry.function());
    }
    if (!graph.awaited_by.empty()) {
        text += margin + "  + Awaited by:\n";
    }
    for (const FutureCallGraph& awaiting : graph.awaited_by) {
        append_text(text, awaiting, level + 1);
    }
    if (graph.end == CallGraphEnd::cut) {
        text += margin + "  + and so on\n";
    }
}

}  // namespace

FutureCallGraph detail::capture_caller(std::coroutine_handle<> caller,
                                       const CallGraphOptions& options) {
    Stack stack;
    std::size_t skipped = 0;
    std::coroutine_handle<> frame = running_task().innermost(caller);
    for (; frame; frame = PromiseBase::awaiting(frame)) {
        if (skipped++ >= options.depth) {
            stack.push_back({PromiseBase::of(frame).location});
        }
    }
    return Capture(options).graph_of(running_task(), std::move(stack));
}

std::string detail::CallerTextAwaiter::await_resume() const {
    return debug::format_call_graph(graph_);
}

void detail::CallerPrintAwaiter::await_resume() const {
    fmt::print(file_, "{}\n", debug::format_call_graph(graph_));
}

namespace debug {

std::string FrameCallGraphEntry::function() const { return detail::function_name(location); }

FutureCallGraph capture_call_graph(const AnyFuture& future, const CallGraphOptions& options) {
    static_cast<void>(future.done());  // refuses a handle that refers to nothing
    const FutureStateBase& state = *future.shared_state();
    return Capture(options).graph_of(state, stack_of(state));
}

std::string format_call_graph(const FutureCallGraph& graph) {
    std::string text;
    append_text(text, graph, 0);
    text.pop_back();
    return text;
}

std::string format_call_graph(const AnyFuture& future, const CallGraphOptions& options) {
    return format_call_graph(capture_call_graph(future, options));
}

void print_call_graph(const AnyFuture& future, const CallGraphOptions& options, std::FILE* file) {
    fmt::print(file, "{}\n", format_call_graph(future, options));
}

}  // namespace debug
}  // namespace ringio
