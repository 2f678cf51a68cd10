#include <ringio/core/task_tree.hpp>

#include <ringio/core/loop_books.hpp>

#include <fmt/format.h>

#include <unordered_map>
#include <unordered_set>

namespace ringio::detail {
namespace {

constexpr std::size_t step = 4;         // blanks for each level
constexpr std::size_t levels_max = 20;  // what is nested deeper begins at the margin again

using Tasks = std::vector<const TaskStateBase*>;

class TaskTree {
public:
    TaskTree(const EventLoop& loop, std::size_t indent) : indent_(indent) {
        for (const TaskStateBase* task : loop.machine().books().pending_tasks()) {
            tasks_.push_back(task);
            const Tasks awaiting = tasks_awaiting(*task);
            for (const TaskStateBase* awaiter : awaiting) {
                awaited_[awaiter].push_back(task);
            }
            if (awaiting.empty()) {
                roots_.push_back(task);
            }
        }
    }

    std::string text() && {
        for (const TaskStateBase* root : roots_) {
            add_tree(*root);
        }
        for (const TaskStateBase* task : tasks_) {
            add_tree(*task);  // what is left: circles, which no root leads to
        }
        return std::move(text_);
    }

private:
    void add_tree(const TaskStateBase& root) {
        too_deep_.assign(1, &root);
        for (std::size_t index = 0; index < too_deep_.size(); ++index) {
            if (!written_.contains(too_deep_[index])) {
                add(*too_deep_[index], 0);
            }
        }
    }

    void add(const TaskStateBase& task, std::size_t level) {
        const std::string margin(indent_ + level * step, ' ');
        text_ += fmt::format("{}* Task '{}' ", margin, task.name());
        if (above_.contains(&task)) {
            text_ += "(see above): these tasks wait for each other in a circle\n";
            return;
        }
        if (written_.contains(&task)) {
            text_ += "(see above)\n";
            return;
        }
        if (level == levels_max) {
            text_ += "(see below)\n";
            too_deep_.push_back(&task);
            return;
        }
        written_.insert(&task);
        text_ += describe_state(task) + "\n";
        add_origin(task, margin);
        above_.insert(&task);
        for (const TaskStateBase* awaited : awaited_[&task]) {
            add(*awaited, level + 1);
        }
        above_.erase(&task);
    }

    void add_origin(const TaskStateBase& task, const std::string& margin) {
        if (task.created().line() != 0) {
            text_ += fmt::format("{}  | created by {}() at {}\n", margin,
                                 function_name(task.created()), file_and_line(task.created()));
        }
        if (const std::string source = task.cancel_source().text();
            task.cancelling() > 0 && !source.empty()) {
            text_ += fmt::format("{}  | {}\n", margin, source);
        }
        for (const std::source_location& frame : task.stack()) {
            text_ += fmt::format("{}  | in {}() at {}\n", margin, function_name(frame),
                                 file_and_line(frame));
        }
    }

    std::size_t indent_;
    Tasks tasks_;
    Tasks roots_;     // those that no task waits for
    Tasks too_deep_;  // to begin at the margin again
    std::unordered_map<const TaskStateBase*, Tasks> awaited_;
    std::unordered_set<const TaskStateBase*> written_;
    std::unordered_set<const TaskStateBase*> above_;  // the way from the root
    std::string text_;
};

std::string describe_wait(const Wait& wait) {
    const FutureStateBase* const future = wait.future();
    if (future == nullptr) {
        return std::string("waits in ") + wait.what();
    }
    if (const auto* task = dynamic_cast<const TaskStateBase*>(future)) {
        return "waits for Task '" + task->name() + "'";
    }
    const std::source_location& created = future->created();
    return created.line() == 0 ? "waits for a future"
                               : "waits for a future made by " + function_name(created) + "() at " +
                                     file_and_line(created);
}

}  // namespace

std::vector<const TaskStateBase*> tasks_awaiting(const FutureStateBase& future) {
    Tasks tasks;
    std::vector<const FutureStateBase*> waiting_for = {&future};
    std::unordered_set<const FutureStateBase*> seen;
    // Grows while it is read: by the futures that stand between.
    for (std::size_t index = 0; index < waiting_for.size(); ++index) {
        if (waiting_for[index]->loop_or_null() == nullptr) {
            continue;  // those who waited went with the loop
        }
        for (const DoneNode& node : waiting_for[index]->waiting()) {
            const FutureStateBase* const awaiter = node.awaiter();
            if (awaiter == nullptr || !seen.insert(awaiter).second) {
                continue;
            }
            if (const auto* task = dynamic_cast<const TaskStateBase*>(awaiter)) {
                tasks.push_back(task);
            } else {
                waiting_for.push_back(awaiter);
            }
        }
    }
    return tasks;
}

std::string describe_state(const TaskStateBase& task) {
    if (task.done()) {
        return "is done";
    }
    const EventLoop* const loop = task.loop_or_null();
    if (loop != nullptr && loop->machine().current_task() == &task) {
        return "runs now";
    }
    const Wait* const wait = task.wait();
    const bool is_ready = wait == nullptr || (wait->future() != nullptr && wait->future()->done());
    std::string text = is_ready ? "is ready to run" : describe_wait(*wait);
    if (task.cancelling() > 0) {
        text += ", to be cancelled";
    }
    return text;
}

std::string format_task_tree(const EventLoop& loop, std::size_t indent) {
    return TaskTree(loop, indent).text();
}

std::string format_tasks_of(const EventLoop& loop) {
    const std::size_t count = loop.statistics().tasks;
    return std::to_string(count) + (count == 1 ? " task is" : " tasks are") + " not done\n" +
           format_task_tree(loop);
}

}  // namespace ringio::detail
