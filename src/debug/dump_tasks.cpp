#include <ringio/debug/dump_tasks.hpp>

#include <ringio/core/task_tree.hpp>

namespace ringio::debug {

std::string format_tasks(const EventLoop& loop) { return detail::format_tasks_of(loop); }

std::string format_tasks() { return format_tasks(get_running_loop()); }

void dump_tasks(const EventLoop& loop, std::FILE* file) {
    std::fputs(format_tasks(loop).c_str(), file);
    std::fflush(file);
}

void dump_tasks(std::FILE* file) { dump_tasks(get_running_loop(), file); }

}  // namespace ringio::debug
