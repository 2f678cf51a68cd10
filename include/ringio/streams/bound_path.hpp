// BoundPath: the name of a Unix socket in the file system, for as long as the socket is bound.
#pragma once

#include <ringio/io/address.hpp>
#include <ringio/io/socket.hpp>
#include <ringio/ring/own_process.hpp>

#include <string>
#include <utility>

#include <sys/types.h>

namespace ringio::detail {

/// Removes the path of a Unix socket when it is destroyed, unless something else is there by then.
/// In the child of a fork(2) it does nothing.
class BoundPath {
public:
    /// None.
    BoundPath() noexcept = default;
    BoundPath(BoundPath&& other) noexcept
        : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}
    BoundPath& operator=(BoundPath&& other) noexcept {
        BoundPath(std::move(other)).swap(*this);
        return *this;
    }
    ~BoundPath() { remove(); }

    /// Binds a Unix socket. A socket that is at its path already, and left over, is removed first;
    /// when that cannot be, the exception handler is told, and bind() says why not.
    /// *Errors*: std::system_error that names the path.
    static BoundPath bind(const Socket& socket, const SocketAddress& address);
    /// Takes the path of a socket that is bound; none when it is bound to none.
    static BoundPath of(const Socket& socket);

    void remove() noexcept;
    void swap(BoundPath& other) noexcept {
        path_.swap(other.path_);
        std::swap(device_, other.device_);
        std::swap(inode_, other.inode_);
        std::swap(process_, other.process_);
    }
    /// Leaves the path where it is.
    void release() noexcept { path_.clear(); }

private:
    static BoundPath at(std::string path);

    std::string path_;  // empty: none
    dev_t device_ = 0;
    ino_t inode_ = 0;
    OwnProcess process_;
};

}  // namespace ringio::detail
