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

// To have a megabyte from the system and give it back for each frame costs more than to fill it.
void FrameBody::clear() noexcept {
    constexpr std::size_t kept_capacity = 4 << 20;
    size_ = 0;
    if (capacity_ > kept_capacity) {
        bytes_.reset();
        capacity_ = 0;
    }
}

FrameReader::FrameReader(std::uint64_t max_length)
    : max_length_(max_length), buffer_(std::make_unique_for_overwrite<char[]>(buffer_size)) {}

FrameReader::Filled FrameReader::fill(int fd, int flags) {
    char* place = nullptr;
    std::size_t size = 0;
    const bool is_long = coming_ && begin_ == end_;
    if (is_long) {
        place = body_.room(static_cast<std::size_t>(coming_->length) - body_.size(), size);
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
    is_drained_ = received < static_cast<ssize_t>(size);
    if (received > 0) {
        if (is_long) {
            body_.add(static_cast<std::size_t>(received));
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

FrameHeader FrameReader::take_header() {
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
    return header;
}

std::optional<Frame> FrameReader::next() {
    if (!coming_) {
        body_.clear();
        if (buffered().size() < sizeof(FrameHeader)) {
            return std::nullopt;
        }
        coming_ = take_header();
    }
    const std::size_t missing = static_cast<std::size_t>(coming_->length) - body_.size();
    const std::string_view part = buffered().substr(0, missing);
    take_from_buffer(part.size());
    const bool is_all_here = part.size() == coming_->length;
    if (!is_all_here) {
        body_.append(part);
    }
    if (part.size() < missing) {
        return std::nullopt;
    }
    return Frame{*std::exchange(coming_, std::nullopt), is_all_here ? part : body_.view()};
}

namespace {

constexpr std::size_t long_body = 4096;

}  // namespace

FrameBody FrameReader::take_body(const Frame& frame) {
    FrameBody taken;
    if (body_.size() > 0) {
        std::swap(taken, body_);
    } else {
        taken.append(frame.body);
    }
    return taken;
}

void FrameWriter::push(FrameKind kind, std::uint64_t id, std::string&& body) {
    FrameHeader header;
    header.kind = kind;
    header.id = id;
    header.length = body.size();
    Outgoing outgoing;
    outgoing.head.reserve(sizeof(header) + std::min(body.size(), long_body));
    outgoing.head.append(reinterpret_cast<const char*>(&header), sizeof(header));
    if (body.size() < long_body) {
        outgoing.head += body;
    } else {
        outgoing.body = std::move(body);
    }
    frames_.push_back(std::move(outgoing));
}

std::string FrameWriter::take_back() {
    Outgoing last = std::move(frames_.back());
    frames_.pop_back();
    sent_ = frames_.empty() ? 0 : sent_;
    return last.body.empty() ? last.head.substr(sizeof(FrameHeader)) : std::move(last.body);
}

FrameWriter::Flushed FrameWriter::flush(int fd, int flags) {
    while (!frames_.empty()) {
        Outgoing& first = frames_.front();
        const std::size_t of_head = first.head.size() - std::min(sent_, first.head.size());
        const std::size_t of_body = first.head.size() + first.body.size() - sent_ - of_head;
        ssize_t sent = 0;
        if (of_body == 0) {
            sent = ::send(fd, first.head.data() + sent_, of_head, flags | MSG_NOSIGNAL);
        } else {
            std::array<iovec, 2> parts = {
                iovec{first.head.data() + first.head.size() - of_head, of_head},
                iovec{first.body.data() + first.body.size() - of_body, of_body}};
            msghdr message = {};
            message.msg_iov = parts.data();
            message.msg_iovlen = parts.size();
            sent = ::sendmsg(fd, &message, flags | MSG_NOSIGNAL);
        }
        if (sent < 0) {
            if (errno == EINTR) {
                continue;
            }
            return errno == EAGAIN ? Flushed::some : Flushed::lost;
        }
        sent_ += static_cast<std::size_t>(sent);
        if (sent_ == first.head.size() + first.body.size()) {
            frames_.pop_front();
            sent_ = 0;
        }
    }
    return Flushed::all;
}

}  // namespace ringio::detail
