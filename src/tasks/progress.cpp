#include <ringio/core/ignored_signals.hpp>
#include <ringio/tasks/progress.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <iterator>

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace ringio::detail {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t bar_columns_min = 12;  // with less, there is none
constexpr std::chrono::seconds silence_max{10};

/// A code point of a label: what it takes in bytes and in columns.
struct CodePoint {
    std::size_t bytes;
    std::size_t columns;
};

/// The columns that terminals give to a code point. East Asian characters and emoji have two.
std::size_t columns_of(char32_t code) noexcept {
    struct Range {
        char32_t first;
        char32_t last;
    };
    constexpr std::array<Range, 4> none = {
        {{0x300, 0x36F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};
    constexpr std::array<Range, 10> two = {{{0x1100, 0x115F},
                                            {0x2E80, 0x303E},
                                            {0x3041, 0xA4CF},
                                            {0xAC00, 0xD7A3},
                                            {0xF900, 0xFAFF},
                                            {0xFE30, 0xFE6F},
                                            {0xFF00, 0xFF60},
                                            {0xFFE0, 0xFFE6},
                                            {0x1F300, 0x1FAFF},
                                            {0x20000, 0x3FFFD}}};
    const auto holds = [code](Range range) { return range.first <= code && code <= range.last; };
    return std::ranges::any_of(none, holds) ? 0 : std::ranges::any_of(two, holds) ? 2 : 1;
}

/// What `text`, which is not empty, begins with; 0 bytes when that is no UTF-8.
CodePoint first_code_point(std::string_view text) noexcept {
    const auto byte = [text](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    if (byte(0) < 0x80) {
        return {1, 1};
    }
    const std::size_t bytes = byte(0) < 0xC2 ? 0 : byte(0) < 0xE0 ? 2 : byte(0) < 0xF0 ? 3 : 4;
    if (bytes == 0 || bytes > text.size() || byte(0) > 0xF4) {
        return {0, 1};
    }
    char32_t code = byte(0) & (0x7FU >> bytes);
    for (std::size_t index = 1; index < bytes; ++index) {
        if ((byte(index) & 0xC0U) != 0x80U) {
            return {0, 1};
        }
        code = code << 6U | (byte(index) & 0x3FU);
    }
    const bool too_long = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
    const bool no_character = (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF;
    return too_long || no_character ? CodePoint{0, 1} : CodePoint{bytes, columns_of(code)};
}

/// The label without what would move the cursor or is no text.
std::string printable(std::string_view label) {
    std::string text;
    while (!label.empty()) {
        const CodePoint first = first_code_point(label);
        const std::size_t bytes = std::max<std::size_t>(first.bytes, 1);
        const auto lead = static_cast<unsigned char>(label.front());
        const bool control =
            lead < 0x20 || lead == 0x7F ||
            (first.bytes == 2 && lead == 0xC2 && static_cast<unsigned char>(label[1]) < 0xA0);
        text.append(first.bytes == 0 || control ? "?" : label.substr(0, bytes));
        label.remove_prefix(bytes);
    }
    return text;
}

std::size_t width_of(std::string_view text) noexcept {
    std::size_t columns = 0;
    while (!text.empty()) {
        const CodePoint first = first_code_point(text);
        columns += first.columns;
        text.remove_prefix(first.bytes);
    }
    return columns;
}

/// The beginning of `text` that fits, in whole code points.
std::string_view cut_to(std::string_view text, std::size_t columns) noexcept {
    std::size_t bytes = 0;
    while (bytes < text.size()) {
        const CodePoint next = first_code_point(text.substr(bytes));
        if (next.columns > columns) {
            break;
        }
        columns -= next.columns;
        bytes += next.bytes;
    }
    return text.substr(0, bytes);
}

/// The columns of a line that stays one: in the last one some terminals wrap.
std::size_t columns_for_line(int fd) noexcept {
    struct ::winsize size{};
    const bool known = ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return (known ? size.ws_col : std::size_t{80}) - 1;
}

/// "01:05", "2:00:00".
std::string clock_text(std::int64_t seconds) {
    const auto minutes = seconds / 60;
    return minutes < 60 ? fmt::format("{:02}:{:02}", minutes, seconds % 60)
                        : fmt::format("{}:{:02}:{:02}", minutes / 60, minutes % 60, seconds % 60);
}

std::string rate_text(double rate) {
    return rate >= 99.95   ? fmt::format("{:.0f}/s", rate)
           : rate >= 0.995 ? fmt::format("{:.1f}/s", rate)
                           : fmt::format("{:.2f}/s", rate);
}

std::size_t percent_of(std::size_t done, std::size_t total) noexcept {
    return total == 0 ? 100
                      : static_cast<std::size_t>(100.0L * static_cast<long double>(done) /
                                                 static_cast<long double>(total));
}

void write_text(int fd, std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written > 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (written == 0 || errno != EINTR) {
            return;
        }
    }
}

}  // namespace

ProgressBar::ProgressBar(std::shared_ptr<CompletionQueue> queue, std::size_t total,
                         const ProgressOptions& options)
    : queue_(std::move(queue)),
      loop_(get_running_loop()),
      label_(printable(options.label)),
      total_(total),
      fd_(options.fd),
      terminal_(::isatty(options.fd) == 1),
      interval_(options.interval),
      start_(loop_.time()),
      now_(start_),
      last_draw_(start_) {
    if (!terminal_) {
        ignore_if_default(SIGPIPE);
    }
    queue_->on_each_done([this] { on_done(); });
    if (total_ == 0) {
        finish();
    } else if (terminal_) {
        draw();
    }
}

ProgressBar::~ProgressBar() {
    queue_->on_each_done({});
    if (running_loop == &loop_) {
        now_ = loop_.time();
    }
    finish();
}

void ProgressBar::on_done() noexcept {
    ++done_;
    now_ = loop_.time();
    if (done_ == total_) {
        finish();
    } else if (!terminal_) {
        if (is_line_due()) {
            draw();
        }
    } else if (now_ >= saturating_add(last_draw_, interval_)) {
        draw();
    } else if (!draws_soon_) {
        draw_soon();
    }
}

bool ProgressBar::is_line_due() const noexcept {
    return percent_of(done_, total_) / 10 > percent_of(drawn_, total_) / 10 ||
           now_ - last_draw_ >= silence_max;
}

void ProgressBar::draw_soon() {
    try {
        timer_ = loop_.call_at(saturating_add(last_draw_, interval_), [this] {
            now_ = loop_.time();
            draw();
        });
        draws_soon_ = true;
    } catch (...) {
        // No memory: the next one that ends draws it.
    }
}

void ProgressBar::draw() noexcept {
    timer_.cancel();
    draws_soon_ = false;
    drawn_ = done_;
    last_draw_ = now_;
    try {
        write_text(fd_, terminal_ ? bar_line() : plain_line());
    } catch (...) {
        // No memory: nothing is drawn.
    }
}

void ProgressBar::finish() noexcept {
    if (finished_) {
        return;
    }
    finished_ = true;
    if (terminal_ || drawn_ < done_ || total_ == 0) {
        draw();
    }
    if (terminal_) {
        write_text(fd_, "\n");
    }
}

std::string ProgressBar::bar_line() const {
    const std::size_t columns = columns_for_line(fd_);
    std::string line = label_ + (label_.empty() ? "" : " ");
    fmt::format_to(std::back_inserter(line), "{:3}% ", percent_of(done_, total_));
    const std::string tail = facts();
    const std::size_t taken = width_of(line) + tail.size() + 1;
    if (taken + bar_columns_min <= columns) {
        const std::size_t cells = columns - taken - 2;
        const std::size_t full = total_ == 0 ? cells : cells * done_ / total_;
        line.append("[").append(full, '#').append(cells - full, '.').append("] ");
    }
    line += tail;
    // To the end of the line: what an earlier draw left there.
    return fmt::format("\r{}\x1b[K", cut_to(line, columns));
}

std::string ProgressBar::plain_line() const {
    return fmt::format("{}{}{} ({}%)\n", label_, label_.empty() ? "" : ": ", facts(),
                       percent_of(done_, total_));
}

/// " 9/20 00:03 3.0/s 00:04 left".
std::string ProgressBar::facts() const {
    const std::string total = std::to_string(total_);
    const double elapsed = std::chrono::duration<double>(now_ - start_).count();
    std::string text =
        fmt::format("{:>{}}/{} {}", done_, terminal_ ? total.size() : 0, total,
                    clock_text(std::chrono::floor<std::chrono::seconds>(now_ - start_).count()));
    if (done_ > 0 && elapsed > 0) {
        text += fmt::format(" {}", rate_text(static_cast<double>(done_) / elapsed));
        if (done_ < total_) {
            const double left =
                elapsed * static_cast<double>(total_ - done_) / static_cast<double>(done_);
            constexpr double longest = 1e9;
            text += fmt::format(
                " {} left", clock_text(static_cast<std::int64_t>(std::min(left, longest) + 0.999)));
        }
    }
    return text;
}

}  // namespace ringio::detail
