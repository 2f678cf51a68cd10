// ChunkedMapResults: what ProcessPoolExecutor::map() gives. The calls travel in portions, each a
// call of its own.
#pragma once

#include <ringio/concurrent/map.hpp>
#include <ringio/concurrent/next_range.hpp>
#include <ringio/process/remote_call.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ringio {
namespace concurrent {

/// The results of the calls of a process pool's map(), in the order of the input: a range that is
/// read once, by one thread. To read it blocks; a value may be moved out: `for (auto value :
/// results)`.
///
/// *Errors*: reading throws, in the place of the first result of its portion, what a call threw;
/// CancelledError, TimeoutError, and what submitting throws. Then there are no more results.
/// *Cancellation*: as MapResults.
template <class R>
class ChunkedMapResults
    : public detail::NextRange<ChunkedMapResults<R>,
                               std::conditional_t<std::is_void_v<R>, std::monostate, R>> {
public:
    /// The result of a call; void has none, so std::monostate stands for it.
    using value_type = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

    explicit ChunkedMapResults(MapResults<std::vector<value_type>> chunks)
        : chunks_(std::move(chunks)) {}

    /// Blocks for the next result, and gives it; nothing after the last one.
    std::optional<value_type> next() {
        while (at_ == chunk_.size()) {
            std::optional<std::vector<value_type>> chunk = chunks_.next();
            if (!chunk) {
                return std::nullopt;
            }
            chunk_ = std::move(*chunk);
            at_ = 0;
        }
        return static_cast<value_type>(std::move(chunk_[at_++]));
    }

private:
    MapResults<std::vector<value_type>> chunks_;
    std::vector<value_type> chunk_;
    std::size_t at_ = 0;
};

}  // namespace concurrent

namespace detail {

/// multiprocessing.Pool's rule: four portions for each worker.
inline std::size_t pool_chunk_size(std::size_t calls, std::size_t workers) {
    return std::max<std::size_t>(1, (calls + 4 * workers - 1) / (4 * workers));
}

/// The range, or its elements when nobody can tell how many they are.
template <class Range>
decltype(auto) with_size(Range&& range) {
    if constexpr (std::ranges::sized_range<Range>) {
        return std::forward<Range>(range);
    } else {
        std::vector<std::ranges::range_value_t<Range>> elements;
        for (auto&& element : range) {
            elements.push_back(std::forward<decltype(element)>(element));
        }
        return elements;
    }
}

/// Takes portions of the inputs of a map(), and writes them as RemoteChunk reads them.
template <class Fn, class Travellers, class... Ranges>
class ChunkReader;

template <class Fn, class... Travellers, class... Ranges>
class ChunkReader<Fn, TypeList<Travellers...>, Ranges...> {
public:
    using Chunk = RemoteChunk<Fn, TypeList<Travellers...>>;

    /// `size` is how many calls a portion has, `calls` how many there are in all.
    template <class... R>
    ChunkReader(Fn callee, std::size_t size, std::size_t calls, R&&... ranges)
        : function_(callee), size_(size), left_(calls), readers_(std::forward<R>(ranges)...) {}
    ChunkReader(const ChunkReader&) = delete;
    ChunkReader& operator=(const ChunkReader&) = delete;

    Fn function() const noexcept { return function_; }

    /// The next portion; empty vectors at the end of the shortest input.
    typename Chunk::Arguments next() {
        typename Chunk::Arguments arguments;
        const std::size_t count = std::min(size_, left_);
        std::apply([&](auto&... each) { (each.reserve(count), ...); }, arguments);
        left_ -= count;
        while (!at_end_ && std::get<0>(arguments).size() < size_) {
            at_end_ = !std::apply([](auto&... reader) { return (reader.next() && ...); }, readers_);
            if (!at_end_) {
                take(arguments, std::index_sequence_for<Travellers...>());
            }
        }
        return arguments;
    }

private:
    template <std::size_t... I>
    void take(typename Chunk::Arguments& arguments, std::index_sequence<I...>) {
        (std::get<I>(arguments).push_back(static_cast<Travellers>(std::get<I>(readers_).take())),
         ...);
    }

    Fn function_;
    std::size_t size_;
    std::size_t left_;
    std::tuple<MapReaderOf<Ranges>...> readers_;
    bool at_end_ = false;
};

}  // namespace detail
}  // namespace ringio
