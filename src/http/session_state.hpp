// What a session keeps: its settings, the multi with its connections, easy handles for the next
// requests, cookies and TLS sessions, how many requests there are, and where hosts are.
#pragma once

#include "curl_multi.hpp"
#include "request_setup.hpp"
#include "session_settings.hpp"

#include <ringio/core/event_loop.hpp>
#include <ringio/core/task.hpp>
#include <ringio/http/options.hpp>
#include <ringio/sync/capacity_limiter.hpp>
#include <ringio/sync/semaphore.hpp>

#include <curl/curl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace ringio::http::detail {

class SessionState;

/// A place among the requests of a session, and of a host; given back when it is destroyed.
class Slot {
public:
    Slot() noexcept = default;
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot() { release(); }

    bool is_taken() const noexcept { return session_ != nullptr; }
    void release() noexcept;

private:
    friend class SessionState;

    std::optional<Held<Semaphore>> total_;
    std::optional<CapacityToken> host_;
    SessionState* session_ = nullptr;
    std::string host_name_;
};

class SessionState : public std::enable_shared_from_this<SessionState> {
public:
    explicit SessionState(const SessionOptions& options);
    SessionState(const SessionState&) = delete;
    SessionState& operator=(const SessionState&) = delete;
    ~SessionState();

    const SessionSettings& settings() const noexcept { return settings_; }
    EventLoop& loop() const noexcept { return multi_->loop(); }
    CurlMulti& multi() const noexcept { return *multi_; }
    CURLSH* share() const noexcept { return share_; }

    /// Ends everything, at once; idempotent. What closes in the kernel is still on its way.
    void close_now() noexcept;
    bool is_closed() const noexcept { return multi_->is_closed(); }
    /// *Errors*: ClientConnectionError on a closed session.
    void require_open() const;

    /// Waits for a place. *Errors*: ClientConnectionError when the session is closed meanwhile.
    Task<> take_slot(Slot& slot, const Url& url);
    /// Takes one if one is free; never where a host has a limit, too.
    void take_slot_nowait(Slot& slot);
    void forget_idle_host(const std::string& host) noexcept;

    /// Where a host is, as CURLOPT_RESOLVE takes it: "+host:80:127.0.0.1"; empty for a literal.
    /// Kept for ten seconds, as by aiohttp. *Errors*: ClientConnectorDNSError.
    Task<std::string> resolve(std::string host, unsigned port);
    /// The same, of a literal and of what is kept; else none.
    std::optional<std::string> known_address(const Url& url) const;

    RequestHandle take_handle();
    /// For the next request; with `is_set_up` as it is.
    void put_back(RequestHandle handle) noexcept;

    /// Which servers spoke HTTP/2 before: requests to them wait for a connection to share.
    void note_http2(const std::string& origin);
    bool speaks_http2(const std::string& origin) const { return http2_.contains(origin); }

private:
    CapacityLimiter& limiter_of(const std::string& host);

    struct Answer {
        std::string entry;
        EventLoop::TimePoint until;
    };

    const SessionSettings settings_;
    IntrusivePtr<CurlMulti> multi_;
    CURLSH* share_ = nullptr;
    std::vector<RequestHandle> idle_;
    std::optional<Semaphore> total_;
    std::unordered_map<std::string, std::unique_ptr<CapacityLimiter>> hosts_;
    std::unordered_map<std::string, Answer> names_;
    std::set<std::string> http2_;
};

/// The sessions of a loop that are not closed.
void register_session(const std::shared_ptr<SessionState>& session);
void unregister_session(SessionState& session) noexcept;

}  // namespace ringio::http::detail
