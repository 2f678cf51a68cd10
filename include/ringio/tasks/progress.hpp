// progress: as_completed() with a bar on the terminal that shows how many are done. tqdm's.
#pragma once

#include <ringio/base/delay.hpp>
#include <ringio/tasks/as_completed.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace ringio {

struct ProgressOptions {
    /// What stands before the bar, in UTF-8. Copied.
    std::string_view label = {};
    /// Where the bar is drawn: standard error, as with tqdm; -1: nowhere. Not closed.
    int fd = 2;
    /// How much of the loop's time there is at least between two draws on a terminal.
    Delay interval = std::chrono::milliseconds(100);
    /// As that of as_completed().
    std::optional<Delay> limit = std::nullopt;
};

namespace detail {

/// The bar: counts what ends, and draws it. Nothing that goes wrong here is seen outside.
class ProgressBar {
public:
    ProgressBar(std::shared_ptr<CompletionQueue> queue, std::size_t total,
                const ProgressOptions& options);
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;
    ~ProgressBar();

private:
    using TimePoint = EventLoop::TimePoint;

    void on_done() noexcept;
    void draw_soon();
    bool is_line_due() const noexcept;
    void draw() noexcept;
    void finish() noexcept;
    std::string bar_line() const;
    std::string plain_line() const;
    std::string facts() const;

    std::shared_ptr<CompletionQueue> queue_;
    EventLoop& loop_;  // only to be compared and, while it runs, to be used
    std::string label_;
    std::size_t total_;
    std::size_t done_ = 0;
    std::size_t drawn_ = 0;  // what the last draw said
    int fd_;
    bool terminal_;
    bool finished_ = false;
    Delay interval_;
    TimePoint start_;
    TimePoint now_;
    TimePoint last_draw_;
    TimerHandle timer_;  // draws what ended too soon after the last draw
    bool draws_soon_ = false;
};

}  // namespace detail

/// What progress() returns: an AsCompleted, whose bar is there for as long as it lives.
template <class F, bool MayTake = true>
class [[nodiscard]] Progress : public AsCompleted<F, MayTake> {
public:
    Progress(AsCompleted<F, MayTake> completed, const ProgressOptions& options)
        : AsCompleted<F, MayTake>(std::move(completed)),
          bar_(std::make_unique<detail::ProgressBar>(this->completions(), this->size(), options)) {}

private:
    std::unique_ptr<detail::ProgressBar> bar_;
};

/// As as_completed(), and draws how far it has come: on a terminal one line, drawn anew as they
/// end, with label, per cent, bar, number, time gone, rate and time left; elsewhere a plain line
/// for each tenth, and when one ends after ten seconds without. The line is over when the last one
/// has ended, however it did, or when the Progress is destroyed before. Between the ends nothing is
/// drawn: no timer keeps the loop awake.
///
/// *Errors*: as those of as_completed(). What cannot be written is left out, as when a descriptor
/// that does not block takes no more. A terminal that was stopped stops the loop with it. Into a
/// pipe: SIGPIPE is ignored in this process from then on, if it would still end it.
/// *Cancellation*: as that of as_completed(). *Lifetime*: of the thread and loop that made it.
/// *Python*: `for next in tqdm(as_completed(aws), total=len(aws), desc="pages")`, which counts what
/// was taken; here counts what is done.
template <detail::AwaitableRange Range>
auto progress(Range&& awaitables, const ProgressOptions& options = {},
              std::source_location where = std::source_location::current()) {
    return Progress(as_completed(std::forward<Range>(awaitables), options.limit, where), options);
}

template <class Range>
    requires(!detail::AwaitableRange<Range>)
void progress(Range&&, const ProgressOptions& = {}) {
    static_assert(detail::AwaitableRange<Range>,
                  "ringio: progress() takes a range of awaitables of one type");
}

}  // namespace ringio
