#include "session_state.hpp"

#include <ringio/core/loop_books.hpp>
#include <ringio/core/report.hpp>
#include <ringio/http/errors.hpp>
#include <ringio/streams/names.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include <sys/socket.h>

namespace ringio::http::detail {
namespace {

constexpr std::size_t idle_handles = 64;  // of 70 KiB each
constexpr std::chrono::seconds name_lifetime{10};
constexpr std::size_t names_max = 1000;

std::exception_ptr closed_error() noexcept {
    try {
        return std::make_exception_ptr(make_error<ClientConnectionError>("Session is closed"));
    } catch (...) {
        return std::current_exception();
    }
}

/// Closes, with the loop, those that nobody has closed.
class Sessions final : public ringio::detail::EndsWithLoop {
public:
    ~Sessions() override {
        for (const auto& [key, weak] : std::exchange(open, {})) {
            if (const std::shared_ptr<SessionState> session = weak.lock()) {
                end(*session);
            }
        }
    }

    std::unordered_map<SessionState*, std::weak_ptr<SessionState>> open;

private:
    static void end(SessionState& session) noexcept {
        if (session.is_closed()) {
            return;
        }
        constexpr const char* message = "Unclosed client session";
        ringio::detail::report(&session.loop(), message, nullptr, [] {
            return ExceptionContext{
                .message = message,
                .exception = nullptr,
                .details = {{"remedy", "let it end, or close() it, before its loop closes"}}};
        });
        session.close_now();
    }
};

std::string address_list(const std::vector<AddressInfo>& found) {
    std::string list;
    for (const AddressInfo& each : found) {
        const bool is_ipv6 = each.address.family() == AF_INET6;
        list += list.empty() ? "" : ",";
        list += is_ipv6 ? fmt::format("[{}]", each.address.host()) : each.address.host();
    }
    return list;
}

/// Under what an answer about a host is kept.
std::string peer_name(const std::string& host, unsigned port) {
    return host + ':' + std::to_string(port);
}

}  // namespace

void register_session(const std::shared_ptr<SessionState>& session) {
    Sessions& sessions = session->loop().machine().books().find_or_make<Sessions>();
    sessions.open.emplace(session.get(), session);
}

void unregister_session(SessionState& session) noexcept {
    if (Sessions* const sessions = session.loop().machine().books().find<Sessions>()) {
        sessions->open.erase(&session);
    }
}

void Slot::release() noexcept {
    total_.reset();
    if (host_) {
        host_.reset();
        session_->forget_idle_host(host_name_);
    }
    session_ = nullptr;
}

SessionState::SessionState(const SessionOptions& options)
    : settings_(options),
      multi_(new CurlMulti(get_running_loop(),
                           {.idle_connections = static_cast<long>(
                                std::clamp<std::size_t>(settings_.limit, 1, 10'000))})) {
    if (settings_.limit != 0) {
        total_.emplace(static_cast<std::ptrdiff_t>(settings_.limit));
    }
    share_ = curl_share_init();
    if (share_ == nullptr) {
        multi_->close(nullptr);
        throw std::bad_alloc();
    }
    if (settings_.cookies) {
        curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
    }
    curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

// The last transfer has put its handle back.
SessionState::~SessionState() {
    close_now();
    curl_share_cleanup(share_);
}

void SessionState::close_now() noexcept {
    const std::shared_ptr<SessionState> kept = weak_from_this().lock();
    if (!multi_->is_closed()) {
        unregister_session(*this);
        multi_->close(closed_error());
    }
    idle_.clear();
}

void SessionState::require_open() const {
    if (is_closed()) {
        std::rethrow_exception(closed_error());
    }
}

CapacityLimiter& SessionState::limiter_of(const std::string& host) {
    std::unique_ptr<CapacityLimiter>& limiter = hosts_[host];
    if (!limiter) {
        limiter = std::make_unique<CapacityLimiter>(
            static_cast<std::ptrdiff_t>(settings_.limit_per_host));
    }
    return *limiter;
}

void SessionState::take_slot_nowait(Slot& slot) {
    if (settings_.limit_per_host != 0) {
        return;  // of two limiters the first may have to be waited for, and the second then
    }
    if (total_) {
        if (!total_->acquire_nowait()) {
            return;
        }
        slot.total_.emplace(*total_);
    }
    slot.session_ = this;
}

Task<> SessionState::take_slot(Slot& slot, const Url& url) {
    slot.session_ = this;
    if (settings_.limit_per_host != 0) {
        std::string host = url.origin();
        CapacityLimiter& of_host = limiter_of(host);
        co_await of_host.acquire_on_behalf_of(&slot);
        slot.host_name_ = std::move(host);
        slot.host_.emplace(of_host, &slot);
    }
    if (total_) {
        co_await total_->acquire();
        slot.total_.emplace(*total_);
    }
    require_open();
}

void SessionState::forget_idle_host(const std::string& host) noexcept {
    const auto found = hosts_.find(host);
    if (found != hosts_.end()) {
        const CapacityLimiterStatistics now = found->second->statistics();
        if (now.borrowed_tokens == 0 && now.waiting == 0) {
            hosts_.erase(found);
        }
    }
}

std::optional<std::string> SessionState::known_address(const Url& url) const {
    if (url.host_is_address()) {
        return std::string();
    }
    const auto known = names_.find(peer_name(url.host(), url.port()));
    return known != names_.end() && known->second.until > loop().time()
               ? std::optional(known->second.entry)
               : std::nullopt;
}

Task<std::string> SessionState::resolve(std::string host, unsigned port) {
    std::vector<AddressInfo> found;
    try {
        found = co_await loop().getaddrinfo(host, static_cast<long>(port), {.type = SOCK_STREAM});
    } catch (const std::system_error& error) {
        throw ClientConnectorDNSError(
            host, port, error.code(),
            fmt::format("Cannot connect to host {}:{} [{}]", host, port, error.what()));
    }
    std::string entry = fmt::format("+{}:{}:{}", host, port, address_list(found));
    std::erase_if(names_, [&](const auto& name) { return name.second.until <= loop().time(); });
    if (names_.size() < names_max) {
        names_.insert_or_assign(peer_name(host, port),
                                Answer{entry, loop().time() + name_lifetime});
    }
    co_return entry;
}

RequestHandle SessionState::take_handle() {
    if (idle_.empty()) {
        return {.parts = nullptr, .easy = EasyHandle::make()};
    }
    RequestHandle handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
}

void SessionState::put_back(RequestHandle handle) noexcept {
    if (!handle.easy || is_closed() || idle_.size() >= idle_handles) {
        return;
    }
    if (!handle.is_set_up) {
        handle.easy.reset();
        handle.parts = nullptr;
    }
    try {
        idle_.push_back(std::move(handle));
    } catch (const std::bad_alloc&) {  // it is destroyed
    }
}

void SessionState::note_http2(const std::string& origin) {
    if (http2_.size() < names_max) {
        http2_.insert(origin);
    }
}

}  // namespace ringio::http::detail
