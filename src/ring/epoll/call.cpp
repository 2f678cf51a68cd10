#include "call.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <iterator>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../posix_now.hpp"

namespace ringio::detail {
namespace {

using Next = Verdict::Next;

bool would_block() noexcept { return errno == EAGAIN || errno == EINTR; }

bool is_ready(int fd, short events) noexcept {
    pollfd entry{fd, events, 0};
    return ::poll(&entry, 1, 0) == 1;
}

// -1 where there is none.
int socket_option(int fd, int name) noexcept {
    int value = -1;
    socklen_t length = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

// A file, a directory, a disk: what is always "ready", and may block all the same.
bool is_file(int fd) noexcept {
    struct stat status{};
    return ::fstat(fd, &status) == 0 &&
           (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode) || S_ISDIR(status.st_mode));
}

// Kernel: RWF_NOWAIT waits for no lock and no page, but for the disk it does when there is no page
// cache in between. A pipe's O_DIRECT means something else.
bool waits_for_disk(int fd) noexcept {
    const int flags = ::fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_DIRECT) != 0 && is_file(fd);
}

bool is_message(const io_uring_sqe& request) noexcept {
    return request.opcode == IORING_OP_RECVMSG || request.opcode == IORING_OP_SENDMSG;
}

std::size_t bytes_left(const Call& call) noexcept {
    if (!is_message(call.request)) {
        return call.request.len;
    }
    const msghdr& message = *pointer<const msghdr>(call.request.addr);
    std::size_t size = 0;
    for (std::size_t part = 0; part < message.msg_iovlen; ++part) {
        size += message.msg_iov[part].iov_len;
    }
    return size - call.done;
}

// Moves bytes of a message of which some were moved, and with them what comes beside bytes.
ssize_t call_rest_of_message(const Call& call) noexcept {
    const msghdr& whole = *pointer<const msghdr>(call.request.addr);
    iovec parts[16];  // what does not fit has its turn at the next call
    msghdr rest{};
    rest.msg_iov = parts;
    std::size_t skipped = call.done;
    for (std::size_t at = 0; at < whole.msg_iovlen && rest.msg_iovlen < std::size(parts); ++at) {
        const iovec& part = whole.msg_iov[at];
        const std::size_t skip = std::min(skipped, part.iov_len);
        skipped -= skip;
        if (skip < part.iov_len) {
            parts[rest.msg_iovlen++] = {static_cast<char*>(part.iov_base) + skip,
                                        part.iov_len - skip};
        }
    }
    io_uring_sqe request = call.request;
    request.addr = reinterpret_cast<std::uintptr_t>(&rest);
    return call_socket(request);
}

// MSG_WAITALL goes on until all bytes are moved, or an end or an error comes. Kernel: as io_uring
// does, not with datagrams.
bool goes_on(const io_uring_sqe& request) noexcept {
    if ((request.msg_flags & MSG_WAITALL) == 0) {
        return false;
    }
    const int type = socket_option(request.fd, SO_TYPE);
    return type == SOCK_STREAM || type == SOCK_SEQPACKET;
}

Verdict transfer(Call& call, Next on_block) noexcept {
    for (;;) {
        const ssize_t moved = call.done != 0 && is_message(call.request)
                                  ? call_rest_of_message(call)
                                  : call_socket(call.request);
        if (moved < 0) {
            if (!would_block() || (call.request.msg_flags & MSG_DONTWAIT) != 0) {
                return Verdict::over(call.final_result(-errno));
            }
            return {on_block, 0};
        }
        if (moved == 0 || !goes_on(call.request) ||
            static_cast<std::size_t>(moved) >= bytes_left(call)) {
            return Verdict::over(call.final_result(static_cast<int>(moved)));
        }
        call.advance(static_cast<std::uint32_t>(moved));
    }
}

// Kernel: accept4(2) on a descriptor in blocking mode waits when the connection, of which poll(2)
// told, is gone by then. So a listener is made non-blocking here, save one that came from outside
// as a standard stream, which other processes share; so does who has what is no listener.
void make_non_blocking(int fd) noexcept {
    const int flags = ::fcntl(fd, F_GETFL);
    if (fd > STDERR_FILENO && flags >= 0 && (flags & O_NONBLOCK) == 0 &&
        socket_option(fd, SO_ACCEPTCONN) == 1) {
        ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    }
}

Verdict accept_one(const io_uring_sqe& request) noexcept {
    make_non_blocking(request.fd);
    if (request.fd <= STDERR_FILENO && !is_ready(request.fd, POLLIN)) {
        return {Next::readable, 0};
    }
    const int fd =
        ::accept4(request.fd, pointer<sockaddr>(request.addr), pointer<socklen_t>(request.addr2),
                  static_cast<int>(request.accept_flags));
    if (fd < 0 && would_block()) {
        // Kernel: a Unix listener that was shut down says so only to those who wait in accept(2).
        return is_ready(request.fd, POLLRDHUP) ? Verdict::over(-EINVAL)
                                               : Verdict{Next::readable, 0};
    }
    return Verdict::over(result_of(fd));
}

Verdict begin_connect(Call& call) noexcept {
    const io_uring_sqe& request = call.request;
    const int flags = ::fcntl(request.fd, F_GETFL);
    if (flags < 0) {
        return Verdict::over(-errno);
    }
    const bool blocking = (flags & O_NONBLOCK) == 0;
    if (blocking) {
        ::fcntl(request.fd, F_SETFL, flags | O_NONBLOCK);
    }
    const auto* const address = pointer<const sockaddr>(request.addr);
    const int result =
        result_of(::connect(request.fd, address, static_cast<socklen_t>(request.off)));
    if (blocking) {
        ::fcntl(request.fd, F_SETFL, flags);
    }
    if (result == -EINPROGRESS || result == -EINTR) {
        call.connecting = true;
        return {Next::writable, 0};
    }
    // Kernel: a Unix listener whose backlog is full; no event tells when it has room, and poll(2)
    // says at once that the socket is writable, and hung up.
    if (result == -EAGAIN && address->sa_family == AF_UNIX) {
        return {Next::later, 0};
    }
    return Verdict::over(result);
}

Verdict connect(Call& call) noexcept {
    if (!call.connecting) {
        return begin_connect(call);
    }
    if (!is_ready(call.request.fd, POLLOUT)) {
        return {Next::writable, 0};
    }
    int error = 0;
    socklen_t length = sizeof error;
    if (::getsockopt(call.request.fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
        error = errno;
    }
    return Verdict::over(-error);
}

constexpr std::uint64_t current_position = ~std::uint64_t{0};

struct FileTransfer {
    bool write;
    short ready;
    Next on_block;
};

FileTransfer direction_of(const io_uring_sqe& request) noexcept {
    return request.opcode == IORING_OP_WRITE ? FileTransfer{true, POLLOUT, Next::writable}
                                             : FileTransfer{false, POLLIN, Next::readable};
}

ssize_t move_bytes(const io_uring_sqe& request, bool write, std::uint64_t offset,
                   int flags) noexcept {
    iovec bytes{pointer<void>(request.addr), request.len};
    return write ? ::pwritev2(request.fd, &bytes, 1, static_cast<off_t>(offset), flags)
                 : ::preadv2(request.fd, &bytes, 1, static_cast<off_t>(offset), flags);
}

// What answers EOPNOTSUPP to RWF_NOWAIT and is no file, a terminal for instance: when it is ready,
// one piece so small that a blocking call does not wait.
Verdict move_one_piece(const io_uring_sqe& request, const FileTransfer& direction) noexcept {
    constexpr std::size_t piece = 4096;
    if (!is_ready(request.fd, direction.ready)) {
        return {direction.on_block, 0};
    }
    auto* const bytes = pointer<void>(request.addr);
    const ssize_t moved =
        direction.write ? ::write(request.fd, bytes, std::min<std::size_t>(request.len, piece))
                        : ::read(request.fd, bytes, request.len);
    if (moved < 0 && would_block()) {
        return {direction.on_block, 0};
    }
    return Verdict::over(result_of(moved));
}

Verdict read_or_write(Call& call, FileBudget& budget) noexcept {
    const io_uring_sqe& request = call.request;
    const FileTransfer direction = direction_of(request);
    if (!budget.take(std::min(request.len, FileBudget::bytes + 1)) && is_file(request.fd)) {
        return {Next::worker, 0};
    }
    if (waits_for_disk(request.fd)) {
        return {Next::worker, 0};
    }
    bool seekable = request.off != current_position;
    ssize_t moved = move_bytes(request, direction.write, request.off, RWF_NOWAIT);
    if (moved < 0 && errno == ESPIPE) {
        seekable = false;
        moved = move_bytes(request, direction.write, current_position, RWF_NOWAIT);
    }
    if (moved < 0) {
        const int error = errno;
        if (error == EAGAIN || error == EOPNOTSUPP || error == EINVAL) {
            if (is_file(request.fd)) {
                return {Next::worker, 0};
            }
            if (error == EOPNOTSUPP) {
                return move_one_piece(request, direction);
            }
        }
        return error == EAGAIN || error == EINTR ? Verdict{direction.on_block, 0}
                                                 : Verdict::over(-error);
    }
    const auto bytes = static_cast<std::uint32_t>(moved);
    if (bytes == 0 || bytes == request.len || (!seekable && !is_file(request.fd))) {
        return Verdict::over(call.final_result(static_cast<int>(bytes)));
    }
    // Of a file all is read that there is: the rest is not in the page cache, or is not there.
    call.advance(bytes);
    return {Next::worker, 0};
}

Verdict poll_now(const io_uring_sqe& request) noexcept {
    pollfd entry{request.fd, static_cast<short>(poll_events(request)), 0};
    if (::poll(&entry, 1, 0) != 1) {
        return {Next::readable, 0};
    }
    return Verdict::over((entry.revents & POLLNVAL) != 0 ? -EBADF : entry.revents);
}

Verdict close_now(const io_uring_sqe& request) noexcept {
    if (is_file(request.fd)) {
        return {Next::worker, 0};  // a network's file system may have to write first
    }
    const int result = result_of(::close(request.fd));
    return Verdict::over(result == -EINTR ? 0 : result);
}

}  // namespace

void Call::advance(std::uint32_t bytes) noexcept {
    done += bytes;
    if (is_message(request)) {
        return;  // its parts are the caller's, and stay as they are
    }
    request.addr += bytes;
    request.len -= bytes;
    if (request.off != current_position &&
        (request.opcode == IORING_OP_READ || request.opcode == IORING_OP_WRITE)) {
        request.off += bytes;
    }
}

int Call::final_result(int result) const noexcept {
    const int before = static_cast<int>(done);
    return result >= 0 ? before + result : before > 0 ? before : result;
}

std::uint32_t poll_events(const io_uring_sqe& request) noexcept {
    const std::uint32_t events = request.poll32_events;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return events << 16U | events >> 16U;  // as liburing turns it
#else
    return events;
#endif
}

Verdict attempt(Call& call, FileBudget& budget) noexcept {
    const io_uring_sqe& request = call.request;
    switch (request.opcode) {
        case IORING_OP_NOP:
            return Verdict::over(0);
        case IORING_OP_RECV:
        case IORING_OP_RECVMSG:
            return transfer(call, Next::readable);
        case IORING_OP_SEND:
        case IORING_OP_SENDMSG:
            return transfer(call, Next::writable);
        case IORING_OP_ACCEPT:
            return accept_one(request);
        case IORING_OP_CONNECT:
            return connect(call);
        case IORING_OP_READ:
        case IORING_OP_WRITE:
            return read_or_write(call, budget);
        case IORING_OP_POLL_ADD:
            return poll_now(request);
        case IORING_OP_SHUTDOWN:
            return Verdict::over(result_of(::shutdown(request.fd, static_cast<int>(request.len))));
        case IORING_OP_CLOSE:
            return close_now(request);
        case IORING_OP_OPENAT:
        case IORING_OP_OPENAT2:
        case IORING_OP_FSYNC:
        case IORING_OP_STATX:
        case IORING_OP_FALLOCATE:
        case IORING_OP_MKDIRAT:
        case IORING_OP_UNLINKAT:
        case IORING_OP_RENAMEAT:
        case IORING_OP_SYMLINKAT:
        case IORING_OP_LINKAT:
            return {Next::worker, 0};
        default:
            return Verdict::over(-EINVAL);
    }
}

int call_blocking(const Call& call) noexcept {
    const io_uring_sqe& request = call.request;
    switch (request.opcode) {
        case IORING_OP_READ:
        case IORING_OP_WRITE: {
            const bool write = request.opcode == IORING_OP_WRITE;
            ssize_t moved = move_bytes(request, write, request.off, 0);
            if (moved < 0 && errno == ESPIPE) {
                moved = move_bytes(request, write, current_position, 0);
            }
            return call.final_result(result_of(moved));
        }
        case IORING_OP_CLOSE: {
            const int result = result_of(::close(request.fd));
            return result == -EINTR ? 0 : result;
        }
        case IORING_OP_FSYNC:
            return result_of((request.fsync_flags & IORING_FSYNC_DATASYNC) != 0
                                 ? ::fdatasync(request.fd)
                                 : ::fsync(request.fd));
        case IORING_OP_FALLOCATE:
            return result_of(::fallocate(request.fd, static_cast<int>(request.len),
                                         static_cast<off_t>(request.off),
                                         static_cast<off_t>(request.addr)));
        default:
            return call_on_path(request);
    }
}

}  // namespace ringio::detail
