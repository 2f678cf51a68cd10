// The end of an event loop: what close() does with all that is pending, and in which order.
#include <ringio/core/event_loop.hpp>

#include <ringio/core/loop_books.hpp>
#include <ringio/core/loop_signals.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <system_error>

namespace ringio {
namespace {

// False when the ring cannot go on: what is in flight never ends.
bool end_requests(EventLoop& loop) noexcept {
    try {
        loop.machine().end_requests();
        return true;
    } catch (const std::system_error&) {
        loop.call_exception_handler(
            {.message = "an event loop is closed whose ring cannot go on: what is pending stays in "
                        "memory, for the kernel may still write to it",
             .exception = std::current_exception(),
             .details = {}});
        return false;
    }
}

void destroy_pending_tasks(detail::Machine& machine) noexcept {
    detail::LoopBooks& books = machine.books();
    while (detail::TaskStateBase* task = books.tasks.front()) {
        const IntrusivePtr<detail::TaskStateBase> keep(task);
        books.remove_task(*task);
        task->destroy_pending();
        machine.discard_queued();  // a destructor may have woken a task that is destroyed next
    }
}

// Destructors may start what they like: again, until nothing is left.
void end_everything(EventLoop& loop) noexcept {
    detail::Machine& machine = loop.machine();
    detail::LoopBooks& books = machine.books();
    books.mailbox.refuse_posts();
    do {
        if (!end_requests(loop)) {
            books.end_what_ends_with_loop();
            machine.leave_everything();
            return;
        }
        machine.discard_queued();
        destroy_pending_tasks(machine);
        books.end_what_ends_with_loop();  // threads are joined; who waited for this loop was let go
    } while (machine.is_anything_left() || books.is_anything_left());
}

// The last resort of the destructor: what the kernel may still write to stays in memory.
void forsake(EventLoop& loop) {
    std::fprintf(stderr,
                 "ringio: an event loop is destroyed on another thread than the one that ran it, "
                 "with %zu operations in flight there: they, and all tasks, are left in memory\n",
                 loop.statistics().operations);
    detail::LoopBooks& books = loop.machine().books();
    books.mailbox.refuse_posts();
    if (detail::LoopSignals* const signals = books.find<detail::LoopSignals>()) {
        signals->give_back();
    }
    loop.machine().leave_everything();
    loop.machine().mark_closed();
}

}  // namespace

EventLoop::~EventLoop() {
    RINGIO_ASSERT(!is_running() || machine_.is_inherited(),
                  "an event loop is destroyed while it runs");
    if (!is_closed()) {
        if (machine_.is_inherited() || machine_.leave_ring_behind()) {
            close();
        } else {
            forsake(*this);
        }
    }
    machine_.books().forget_user();
}

void EventLoop::close() {
    if (is_running() && !machine_.is_inherited()) {
        throw std::runtime_error("Cannot close a running event loop");
    }
    if (is_closed()) {
        return;
    }
    if (machine_.is_inherited()) {
        machine_.leave_everything();
    } else if (machine_.leave_ring_behind()) {
        end_everything(*this);
    } else {
        throw std::runtime_error("This event loop ran on another thread and has " +
                                 std::to_string(statistics().operations) +
                                 " operations in flight there: close it on that thread");
    }
    machine_.mark_closed();
    machine_.give_ring_back();
}

}  // namespace ringio
