// What a request sends: a text, or what a generator yields, which libcurl asks for piece by piece.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace ringio::http::detail {

/// The bytes of a body as libcurl takes them.
///
/// Legend of one that is fed: push() -> take() ..., and finish() after the last; take() gives
/// nothing meanwhile, which has libcurl pause.
class RequestBody {
public:
    /// A body that is all there.
    explicit RequestBody(std::string text) : bytes_(std::move(text)), size_(bytes_.size()) {}
    /// One that is fed; its size, if that is known.
    struct Fed {};
    RequestBody(Fed, std::optional<std::size_t> size) : size_(size), is_finished_(false) {}

    static constexpr std::size_t low_mark = std::size_t{64} << 10;

    /// Copies what there is, up to `room` bytes; nothing when there is none now: see at_end().
    std::size_t take(char* to, std::size_t room) noexcept;
    bool at_end() const noexcept { return is_finished_ && at_ == bytes_.size(); }

    /// Back to the first byte, for another try; false when that is gone.
    bool rewind() noexcept;
    bool can_be_repeated() const noexcept { return is_repeatable_; }
    const std::optional<std::size_t>& size() const noexcept { return size_; }

    void push(std::string bytes);
    void finish() noexcept { is_finished_ = true; }
    std::size_t waiting() const noexcept { return bytes_.size() - at_; }

private:
    std::string bytes_;
    std::size_t at_ = 0;
    std::optional<std::size_t> size_;
    bool is_finished_ = true;
    bool is_begun_ = false;
    bool is_repeatable_ = is_finished_;  // all of it is kept
};

}  // namespace ringio::http::detail
