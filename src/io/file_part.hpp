// FilePart: what is sent of a file, read a piece at a time.
#pragma once

#include <ringio/core/op.hpp>
#include <ringio/io/socket.hpp>
#include <ringio/ring/file_requests.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace ringio::detail {

/// A part of a file, and how much of it was sent. When it ends, the position of the file is behind
/// that, if it was anything. Each piece takes the memory of the one before.
class FilePart {
public:
    /// *Errors*: std::invalid_argument, std::system_error, SendfileNotAvailableError.
    FilePart(int file, const SendfileOptions& options);
    FilePart(const FilePart&) = delete;
    FilePart& operator=(const FilePart&) = delete;
    ~FilePart();

    /// Says that all that was asked for was sent.
    bool is_over() const noexcept { return left_ == 0; }
    /// Reads what follows what was sent; gives the size of the piece(), 0 at the end of the file.
    Op<ReadRequest> read() const;
    std::string_view piece(int size) const noexcept {
        return {memory_.get(), static_cast<std::size_t>(size)};
    }
    void count_sent(std::size_t size) noexcept {
        at_ += size;
        left_ -= size;
        sent_ += size;
    }
    std::uint64_t sent() const noexcept { return sent_; }

private:
    int file_;
    std::uint64_t at_;
    std::uint64_t left_;
    std::uint64_t sent_ = 0;
    bool has_position_ = false;
    std::unique_ptr<char[]> memory_;
};

}  // namespace ringio::detail
