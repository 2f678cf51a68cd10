#include "frame.hpp"

#include <ringio/base/system_calls.hpp>
#include <ringio/process/archive.hpp>

#include <fmt/core.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>
#include <utility>

namespace ringio::detail {

void FrameBody::grow(std::size_t capacity) {
    void* const bytes = std::realloc(bytes_.get(), capacity);
    if (bytes == nullptr) {
        throw std::bad_alloc();
    }
    static_cast<void>(bytes_.release());
    bytes_.reset(static_cast<char*>(bytes));
    capacity_ = capacity;
}

void FrameBody::append(std::string_view bytes) {
    if (bytes.empty()) {
        return;
    }
    if (size_ + bytes.size() > capacity_) {
        grow(size_ + bytes.size());
    }
    std::memcpy(bytes_.get() + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
}

char* FrameBody::room(std::size_t wanted, std::size_t& size) {
    constexpr std::size_t first_room = 1 << 20;
    if (size_ == capacity_) {
        grow(size_ + std::min(wanted, std::max(first_room, size_)));
    }
    size = std::min(wanted, capacity_ - size_);
    return bytes_.get() + size_;
}

FrameReader::FrameReader(std::uint64_t max_length)
    : max_length_(max_length), buffer_(std::make_unique_for_overwrite<char[]>(buffer_size)) {}

FrameReader::Filled FrameReader::fill(int fd, int flags) {
    char* place = nullptr;
    std::size_t size = 0;
    const bool is_long = coming_ && begin_ == end_;
    if (is_long) {
        place = coming_->body.room(
            static_cast<std::size_t>(coming_->header.length) - coming_->body.size(), size);
    } else {
        const std::string_view rest = buffered();
        std::memmove(buffer_.get(), rest.data(), rest.size());
        end_ = rest.size();
        begin_ = 0;
        place = buffer_.get() + end_;
        size = buffer_size - end_;
    }
    ssize_t received = 0;
    do {
        received = SystemCalls::real.recv(fd, place, size, flags);
    } while (received < 0 && errno == EINTR);
    if (received > 0) {
        if (is_long) {
            coming_->body.add(static_cast<std::size_t>(received));
        } else {
            end_ += static_cast<std::size_t>(received);
        }
        return Filled::some;
    }
    if (received == 0 || errno == ECONNRESET) {
        return Filled::end;
    }
    if (errno == EAGAIN) {
        return Filled::nothing_yet;
    }
    throw std::system_error(errno, std::system_category(), "the socket of a worker process");
}

void FrameReader::begin_frame() {
    FrameHeader header;
    std::memcpy(&header, buffered().data(), sizeof(header));
    if (header.magic != FrameHeader::magic_number || header.kind < FrameKind::start ||
        header.kind > FrameKind::exception) {
        throw concurrent::ArchiveError("what came is no message of a process pool");
    }
    if (header.length > max_length_) {
        throw concurrent::ArchiveError(fmt::format(
            "a message says that it has {} bytes; {} are allowed", header.length, max_length_));
    }
    take_from_buffer(sizeof(header));
    coming_.emplace();
    coming_->header = header;
}

std::optional<Frame> FrameReader::next() {
    if (!coming_) {
        if (buffered().size() < sizeof(FrameHeader)) {
            return std::nullopt;
        }
        begin_frame();
    }
    const std::size_t missing =
        static_cast<std::size_t>(coming_->header.length) - coming_->body.size();
    const std::string_view part = buffered().substr(0, missing);
    coming_->body.append(part);
    take_from_buffer(part.size());
    if (part.size() < missing) {
        return std::nullopt;
    }
    return std::exchange(coming_, std::nullopt);
}

void FrameWriter::push(FrameKind kind, std::uint64_t id, std::string body) {
    FrameHeader header;
    header.kind = kind;
    header.id = id;
    header.length = body.size();
    frames_.push_back({header, std::move(body)});
}

FrameWriter::Flushed FrameWriter::flush(int fd, int flags) {
    while (!frames_.empty()) {
        Outgoing& first = frames_.front();
        const std::size_t size = sizeof(first.header) + first.body.size();
        std::array<iovec, 2> parts;
        std::size_t count = 0;
        if (sent_ < sizeof(first.header)) {
            parts[count++] = {reinterpret_cast<char*>(&first.header) + sent_,
                              sizeof(first.header) - sent_};
        }
        const std::size_t begin = std::max(sent_, sizeof(first.header)) - sizeof(first.header);
        parts[count++] = {first.body.data() + begin, first.body.size() - begin};
        msghdr message = {};
        message.msg_iov = parts.data();
        message.msg_iovlen = count;
        const ssize_t sent = ::sendmsg(fd, &message, flags | MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) {
                continue;
            }
            return errno == EAGAIN ? Flushed::some : Flushed::lost;
        }
        sent_ += static_cast<std::size_t>(sent);
        if (sent_ == size) {
            frames_.pop_front();
            sent_ = 0;
        }
    }
    return Flushed::all;
}

}  // namespace ringio::detail
