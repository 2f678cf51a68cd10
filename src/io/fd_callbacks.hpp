// What add_reader() and add_writer() keep with a loop: by descriptor, the callback of each
// direction, which is itself the poll that waits for it and what the ready queue holds.
#pragma once

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/base/unique_function.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/handle.hpp>
#include <ringio/core/loop_books.hpp>
#include <ringio/io/poll.hpp>
#include <ringio/ring/completion.hpp>

#include <cstdint>
#include <string>
#include <unordered_map>

namespace ringio::detail {

/// A callback that is called as long as its descriptor is ready. The table holds it, and so does
/// the kernel or the ready queue.
///
/// Legend: queued to be armed (when the loop does not run) -> waiting in the kernel -> queued to be
/// called -> waiting ...; removed, which is cancelled(), at any time: what is still to come for it
/// passes unnoticed.
class FdCallback final : public Completion,
                         public Runnable,
                         public ScheduledCallback,
                         public Pooled {
public:
    FdCallback(EventLoop& loop, int fd, unsigned events, Callback&& callback);

    /// Begins to wait for the file that the descriptor is of now. To be called once, with a
    /// reference of the table.
    void start(const FileIdentity& file) noexcept;
    /// Ends: the callback is not called any more. The callable is destroyed last, after the call
    /// that it is in: the user's code, which may close the loop.
    void remove() noexcept;

    void prepare(io_uring_sqe& sqe) noexcept override;
    void complete(int result, std::uint32_t flags) noexcept override;
    void run() override;
    void discard() noexcept override { intrusive_release(this); }
    void outlive_loop() noexcept override { forget_loop(); }
    std::string repr() const override { return describe("Handle"); }

    friend void intrusive_add_ref(FdCallback* callback) noexcept { ++callback->references_; }
    friend void intrusive_release(FdCallback* callback) noexcept {
        if (--callback->references_ == 0) {
            delete callback;
        }
    }

private:
    ~FdCallback() { drop(); }
    void arm() noexcept;
    void queue() noexcept;
    void call();
    bool is_still_the_same() const noexcept;
    void give_up(int error, const char* message) noexcept;

    union {
        UniqueFunction<void()> function_;  // destroyed by drop()
    };
    FileIdentity file_;
    int fd_;
    unsigned events_;
    int result_ = 0;
    bool has_result_ = false;  // that the kernel told, and the callback did not hear of yet
    bool is_called_ = false;
};

/// The callbacks of one loop.
class FdCallbacks final : public EndsWithLoop {
public:
    enum class Direction : bool { read, write };

    ~FdCallbacks() override;

    /// *Errors*: std::bad_alloc; then nothing is changed.
    void add(int fd, Direction direction, IntrusivePtr<FdCallback> added, const FileIdentity& file);
    bool remove(int fd, Direction direction) noexcept;

private:
    struct Pair {
        IntrusivePtr<FdCallback> reader;
        IntrusivePtr<FdCallback> writer;

        IntrusivePtr<FdCallback>& at(Direction direction) noexcept {
            return direction == Direction::read ? reader : writer;
        }
    };

    std::unordered_map<int, Pair> pairs_;
};

}  // namespace ringio::detail
