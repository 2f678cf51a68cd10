#include "session_cache.hpp"

namespace ringio::detail {

void SessionCache::put(const std::string& server, SslSessionPtr session) {
    const std::lock_guard lock(mutex_);
    if (const auto found = places_.find(server); found != places_.end()) {
        found->second->second = std::move(session);
        order_.splice(order_.begin(), order_, found->second);
        return;
    }
    Order added;
    added.emplace_front(server, std::move(session));
    places_.emplace(server, added.begin());
    order_.splice(order_.begin(), added);
    if (order_.size() > most_servers) {
        places_.erase(order_.back().first);
        order_.pop_back();
    }
}

SslSessionPtr SessionCache::take(const std::string& server) {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(server);
    if (found == places_.end()) {
        return nullptr;
    }
    const Order::iterator place = found->second;
    if (SSL_SESSION_is_resumable(place->second.get()) == 0 ||
        SSL_SESSION_get_protocol_version(place->second.get()) >= TLS1_3_VERSION) {
        SslSessionPtr session = std::move(place->second);
        places_.erase(found);
        order_.erase(place);
        return SSL_SESSION_is_resumable(session.get()) == 0 ? nullptr : std::move(session);
    }
    order_.splice(order_.begin(), order_, place);
    SSL_SESSION_up_ref(place->second.get());
    return SslSessionPtr(place->second.get());
}

}  // namespace ringio::detail
