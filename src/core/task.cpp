#include <ringio/core/task.hpp>

#include <ringio/core/report.hpp>

namespace ringio {
namespace detail {

void throw_not_awaitable(bool has_coroutine) {
    throw std::runtime_error(has_coroutine
                                 ? "cannot reuse already awaited coroutine"
                                 : "this Task holds no coroutine: it was moved from or given away");
}

namespace {

void report_never_awaited(const PromiseBase& promise) noexcept {
    report(running_loop, "a coroutine was never awaited", nullptr, [&promise] {
        const std::string function = function_name(promise.location);
        return ExceptionContext{.message = "coroutine '" + function + "' was never awaited",
                                .exception = nullptr,
                                .details = {{"coroutine", function + "() defined at " +
                                                              file_and_line(promise.location)}}};
    });
}

}  // namespace

void destroy_for_owner(std::coroutine_handle<> coroutine, Report report) noexcept {
    const PromiseBase& promise = PromiseBase::of(coroutine);
    if (promise.use == FrameUse::hollow) {
        free_hollow(coroutine);
        return;
    }
    if (promise.use == FrameUse::fresh && report == Report::never_awaited) {
        report_never_awaited(promise);
    }
    coroutine.destroy();
}

std::vector<std::source_location> newest(std::vector<std::source_location> stack,
                                         std::size_t limit) {
    if (limit != 0 && stack.size() > limit) {
        stack.erase(stack.begin(), stack.end() - static_cast<std::ptrdiff_t>(limit));
    }
    return stack;
}

void print_stack(const TaskStateBase& task, std::size_t limit, std::FILE* file) {
    const std::vector<std::source_location> stack = newest(task.stack(), limit);
    std::string text = stack.empty() ? "No stack for " + task.repr() + "\n"
                                     : "Stack for " + task.repr() + " (most recent call last):\n";
    for (const std::source_location& frame : stack) {
        text += fmt::format("  File \"{}\", line {}, in {}\n", frame.file_name(), frame.line(),
                            function_name(frame));
    }
    std::fputs(text.c_str(), file);
}

}  // namespace detail

void eager_task_factory(EventLoop&, const AnyTask&, TaskOptions& options) {
    options.eager_start = true;
}

}  // namespace ringio
