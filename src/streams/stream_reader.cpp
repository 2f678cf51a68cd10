#include <ringio/streams/stream_reader.hpp>

#include <ringio/base/scope_exit.hpp>

#include <algorithm>
#include <cstring>

namespace ringio {
namespace {

using detail::Intake;
using detail::StreamState;
using State = IntrusivePtr<StreamState>;

/// Where a separator was found: the data before it, and its own length.
struct Match {
    std::size_t begin = std::string_view::npos;
    std::size_t end = 0;
};

// The match that ends first; of those, the one that begins last (the shortest separator).
Match find_earliest(std::string_view data, std::size_t from,
                    const std::vector<std::string>& separators) {
    Match best;
    for (const std::string& separator : separators) {
        const std::size_t begin = data.find(separator, from);
        if (begin == std::string_view::npos) {
            continue;
        }
        const std::size_t end = begin + separator.size();
        const bool better = best.begin == std::string_view::npos || end < best.end ||
                            (end == best.end && begin > best.begin);
        if (better) {
            best = {begin, end};
        }
    }
    return best;
}

/// Reads until there is a match. *Errors*: as StreamReader::readuntil().
Task<std::string> read_until(State state, std::vector<std::string> separators,
                             const char* function) {
    std::size_t longest = 0;
    std::size_t shortest = static_cast<std::size_t>(-1);
    for (const std::string& separator : separators) {
        longest = std::max(longest, separator.size());
        shortest = std::min(shortest, separator.size());
    }
    if (separators.empty() || shortest == 0) {
        throw std::invalid_argument("Separator should be at least one-byte string");
    }
    state->input().require_open(function);
    std::size_t searched = 0;  // no match begins before this
    for (;;) {
        const std::string_view data = state->input().data();
        const Match match = find_earliest(data, searched, separators);
        if (match.begin != std::string_view::npos) {
            if (match.begin > state->input().limit()) {
                state->input().end_loan();
                throw LimitOverrunError("Separator is found, but chunk is longer than limit",
                                        match.begin);
            }
            co_return state->input().take(match.end);
        }
        searched = data.size() + 1 > longest ? data.size() + 1 - longest : 0;
        if (searched > state->input().limit()) {
            state->input().end_loan();
            throw LimitOverrunError("Separator is not found, and chunk exceed the limit", searched);
        }
        if (state->input().at_end()) {
            throw IncompleteReadError(state->input().take(data.size()),
                                      IncompleteReadError::unknown);
        }
        co_await state->input().fill(function);
    }
}

/// Receives until `n` bytes are in the buffer. *Errors*: IncompleteReadError.
Task<> collect(State state, std::size_t n, const char* function) {
    state->input().require_open(function);
    while (state->input().size() < n) {
        if (state->input().at_end()) {
            throw IncompleteReadError(state->input().take(n), n);
        }
        co_await state->input().fill(function);
    }
}

// A large transfer goes straight into the target.
Task<std::size_t> read_into(State state, std::span<char> target) {
    state->input().require_open("read");
    if (target.empty()) {
        co_return 0;
    }
    if (state->input().empty() && !state->input().at_end()) {
        if (state->input().is_bulk()) {
            co_return co_await state->input().fill("read", target);
        }
        if (!state->input().has_descriptor()) {
            const std::size_t size = co_await state->input().fill_memory("read", target);
            if (size > 0) {
                co_return size;
            }
        } else {
            co_await state->input().fill("read");
        }
    }
    const std::size_t size = state->input().data().copy(target.data(), target.size());
    state->input().consume(size);
    co_return size;
}

Task<std::string> read_exactly(State state, std::size_t n) {
    co_await collect(state, n, "readexactly");
    co_return state->input().take(n);
}

Task<> read_exactly_into(State state, std::span<char> target) {
    co_await collect(state, target.size(), "readexactly");
    if (target.empty()) {
        co_return;
    }
    std::memcpy(target.data(), state->input().data().data(), target.size());
    state->input().consume(target.size());
}

// A line, or what is left at the end. A line beyond the limit is dropped.
Task<std::string> read_line(State state) {
    state->input().require_open("readline");
    Intake& input = state->input();
    std::size_t searched = 0;
    for (;;) {
        const std::string_view data = input.data();
        const std::size_t newline = data.find('\n', searched);
        if (newline != std::string_view::npos) {
            if (newline > state->input().limit()) {
                input.consume(newline + 1);
                throw std::invalid_argument("Separator is found, but chunk is longer than limit");
            }
            co_return input.take(newline + 1);
        }
        searched = data.size();
        if (searched > state->input().limit()) {
            input.consume(searched);
            throw std::invalid_argument("Separator is not found, and chunk exceed the limit");
        }
        if (state->input().at_end()) {
            co_return input.take(searched);
        }
        co_await state->input().fill("readline");
    }
}

Task<std::string> as_task(detail::Read read) { co_return co_await read; }

}  // namespace

Task<std::string> detail::read_all(IntrusivePtr<StreamState> stream) {
    stream->input().require_open("read");
    while (!stream->input().at_end()) {
        co_await stream->input().fill("read");
    }
    co_return stream->input().take(stream->input().size());
}

std::string detail::ReadAwaiter::await_resume() {
    if (most_ <= 0) [[unlikely]] {
        return all_ ? all_->waiting.await_resume() : std::string();
    }
    check();
    stream_->throw_failure();
    const ScopeExit taken([this] { end(); });
    return stream_->input().take(static_cast<std::size_t>(most_));
}

detail::Read::operator Task<std::string>() const { return as_task(*this); }

StreamReader::StreamReader(std::size_t limit) {
    if (limit == 0) {
        throw std::invalid_argument("StreamReader: the limit is 0; a reader needs a buffer");
    }
    state_ = IntrusivePtr<StreamState>(new StreamState(
        get_running_loop(), std::unique_ptr<detail::FarSide>(), "a reader made by hand", limit));
    state_->add_reader();
}

Task<std::size_t> StreamReader::read(std::span<char> target) { return read_into(state_, target); }

Task<std::string> StreamReader::readexactly(std::ptrdiff_t n) {
    if (n < 0) {
        throw std::invalid_argument("readexactly size can not be less than zero");
    }
    return read_exactly(state_, static_cast<std::size_t>(n));
}

Task<> StreamReader::readexactly(std::span<char> target) {
    return read_exactly_into(state_, target);
}

Task<std::string> StreamReader::readuntil(Separators separators) {
    return read_until(state_, separators.take(), "readuntil");
}

Task<std::string> StreamReader::readline() { return read_line(state_); }

detail::StreamInbound& StreamReader::fed_input(const char* call) const {
    if (!state_->is_fed()) {
        throw std::runtime_error(std::string(call) + "() on the stream to " + state_->peer() +
                                 ", which receives by itself");
    }
    return state_->input();
}

void StreamReader::feed_data(std::string_view bytes) {
    detail::StreamInbound& input = fed_input("feed_data");
    if (input.at_end()) {
        throw std::runtime_error("feed_data after feed_eof");
    }
    input.feed(bytes);
}

void StreamReader::feed_eof() { fed_input("feed_eof").feed_end(); }

void StreamReader::set_exception(std::exception_ptr exception) {
    fed_input("set_exception");
    if (!exception) {
        throw std::invalid_argument("StreamReader::set_exception: the exception is null");
    }
    state_->fail(std::move(exception));
}

}  // namespace ringio
