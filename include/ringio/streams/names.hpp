// Names: from the name of a host to its addresses, and back. The C library's calls block, for half
// a minute when no server answers, so threads of their own make them ("ringio-dns"): to_thread()
// need not wait for names, nor names for it.
#pragma once

#include <ringio/core/event_loop.hpp>
#include <ringio/core/task.hpp>
#include <ringio/io/address.hpp>

#include <string>
#include <utility>
#include <vector>

namespace ringio {

/// What addresses are wanted: the words of addrinfo(3). 0: any.
struct AddressHints {
    int family = 0;  ///< AF_INET, AF_INET6
    int type = 0;    ///< SOCK_STREAM, SOCK_DGRAM
    int proto = 0;   ///< IPPROTO_TCP, IPPROTO_UDP
    int flags = 0;   ///< AI_PASSIVE, AI_CANONNAME, AI_NUMERICHOST …
};

/// One answer of getaddrinfo().
struct AddressInfo {
    SocketAddress address;
    int family = 0;
    int type = 0;
    int protocol = 0;
    std::string canonname;  ///< of the first one, when AI_CANONNAME was among the flags

    friend bool operator==(const AddressInfo&, const AddressInfo&) = default;
};

/// Looks a host up, in the order of the C library. `service` is a port, or a name such as "http".
/// An empty host is this machine: every interface with AI_PASSIVE, else the loopback; an empty
/// service is port 0.
///
/// At most four look-ups of a loop are under way; the others wait. Who asks for what is being asked
/// for already gets that answer. A literal with a port needs no thread: its answer is there at
/// once. Nothing is kept for later.
///
/// *Errors*: std::system_error of resolver_category() (EAI_NONAME, EAI_AGAIN …) that names host and
/// service; std::invalid_argument for a zero byte in one of them.
/// *Cancellation*: at once; the answer is dropped. A look-up that a thread has begun goes on: the
/// loop can be closed meanwhile, and the process can end.
/// *Python*: loop.getaddrinfo() uses the default executor, and None for what is empty here.
inline Task<std::vector<AddressInfo>> getaddrinfo(std::string host, long port,
                                                  const AddressHints& hints = {}) {
    return get_running_loop().getaddrinfo(std::move(host), port, hints);
}
inline Task<std::vector<AddressInfo>> getaddrinfo(std::string host, std::string service,
                                                  const AddressHints& hints = {}) {
    return get_running_loop().getaddrinfo(std::move(host), std::move(service), hints);
}

/// Looks up what an address is called: `auto [host, service] = co_await getnameinfo(address)`.
/// `flags`: NI_NUMERICHOST, NI_NUMERICSERV, NI_NAMEREQD, NI_DGRAM …; with the first two of them no
/// thread is needed.
///
/// *Errors*, *Cancellation*: as getaddrinfo().
inline Task<std::pair<std::string, std::string>> getnameinfo(const SocketAddress& address,
                                                             int flags = 0) {
    return get_running_loop().getnameinfo(address, flags);
}

}  // namespace ringio
