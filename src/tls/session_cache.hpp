// SessionCache: what lets a client's next connection to the same server shake hands for less.
#pragma once

#include "openssl.hpp"

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace ringio::detail {

/// Keeps the last session of each of so many servers. Of a context, so that nothing is resumed that
/// another set of rules has let in. Any thread may use it.
class SessionCache {
public:
    static constexpr std::size_t most_servers = 256;  // the one asked for least recently goes

    /// *Errors*: std::bad_alloc.
    void put(const std::string& server, SslSessionPtr session);
    /// Returns a session, or null. One of TLS 1.3 is taken, for it is to be used once (RFC 8446,
    /// C.4).
    SslSessionPtr take(const std::string& server);

private:
    using Order = std::list<std::pair<std::string, SslSessionPtr>>;

    std::mutex mutex_;
    Order order_;  // the last used first
    std::unordered_map<std::string, Order::iterator> places_;
};

}  // namespace ringio::detail
