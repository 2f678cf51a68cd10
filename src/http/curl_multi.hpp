// CurlMulti: libcurl's multi interface on a loop. libcurl says which sockets it waits for and until
// when; the loop's polls and one timer do so, and come back to curl_multi_socket_action(). Nothing
// of libcurl is called within a callback of it, and no code but ours runs there.
#pragma once

#include "easy_handle.hpp"
#include "socket_poll.hpp"

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/handle.hpp>
#include <ringio/core/promise.hpp>
#include <ringio/ring/own_process.hpp>

#include <curl/curl.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace ringio::http::detail {

/// What a CurlMulti carries: one request with its answer.
class MultiTransfer {
public:
    virtual CURL* easy() const noexcept = 0;
    /// It is over. `lost`: why all transfers of the multi are; null: `code` says how this one
    /// ended.
    virtual void on_end(CURLcode code, const std::exception_ptr& lost) noexcept = 0;
    /// libcurl has let go of it; after on_end(), if that is called.
    virtual void on_removed() noexcept = 0;
    /// libcurl, in the middle of what it does, waits for nothing of its socket any more.
    virtual void on_unwatched() noexcept {}
    /// Whether its reader is slow, and libcurl keeps what comes.
    virtual bool is_paused() const noexcept { return false; }
    /// It goes on for the last time, and what libcurl kept for it is nobody's.
    virtual void drop_rest() noexcept {}

protected:
    MultiTransfer() = default;
    MultiTransfer(const MultiTransfer&) = delete;
    MultiTransfer& operator=(const MultiTransfer&) = delete;
    virtual ~MultiTransfer() = default;

private:
    friend class CurlMulti;

    enum class Place : unsigned char { outside, inside, to_be_removed };

    Place place_ = Place::outside;
    bool wants_to_go_on_ = false;
    std::size_t index_ = 0;  // in CurlMulti::running_
};

struct MultiLimits {
    long idle_connections = 100;
};

/// Sockets, polls and its place in the ready queue keep it; its session closes it.
class CurlMulti final : public Runnable {
public:
    /// *Errors*: std::bad_alloc, std::runtime_error.
    CurlMulti(EventLoop& loop, const MultiLimits& limits);

    /// Starts a transfer; it is kept until on_end() or remove_soon() has taken effect.
    /// *Errors*: std::bad_alloc, ClientConnectionError.
    void add(std::shared_ptr<MultiTransfer> transfer);

    /// Has a transfer removed in the next turn, with its connection unless that is free again.
    /// on_end() is not called.
    void remove_soon(MultiTransfer& transfer) noexcept;

    /// Has a transfer that paused go on in the next turn.
    void go_on_soon(MultiTransfer& transfer) noexcept;

    /// Says that bytes have moved, for the guards against spinning and standing still.
    void note_progress() noexcept { ++progress_; }
    /// Says that a transfer paused, in the middle of what libcurl does: others may wait behind it.
    void note_pause() noexcept;

    /// Ends all transfers, for that reason, and closes all connections. Idempotent.
    void close(const std::exception_ptr& reason) noexcept;
    bool is_closed() const noexcept { return multi_ == nullptr; }

    /// A future that is done when the last descriptor is closed.
    Future<> closed_descriptors();

    /// Opens and closes sockets for libcurl.
    static curl_socket_t open_socket(const curl_sockaddr& address) noexcept;
    static int close_socket(void* self, curl_socket_t fd);

    EventLoop& loop() const noexcept { return loop_; }
    std::size_t running() const noexcept { return running_.size(); }

    void socket_made() noexcept;
    void socket_gone() noexcept;
    void on_ready(CurlSocket& socket, int events) noexcept;

    void run() override;
    void discard() noexcept override;
    std::string repr() const override { return "<Handle of libcurl>"; }

    friend void intrusive_add_ref(CurlMulti* multi) noexcept { ++multi->references_; }
    friend void intrusive_release(CurlMulti* multi) noexcept {
        if (--multi->references_ == 0) {
            delete multi;
        }
    }

private:
    struct Ended {
        std::shared_ptr<MultiTransfer> transfer;
        CURLcode code;
    };

    ~CurlMulti();

    static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* socket) noexcept;
    void tell_unwatched(const CURL* easy) const noexcept;
    static int on_timer(CURLM* multi, long milliseconds, void* self) noexcept;

    void make_multi();
    void want(curl_socket_t fd, int events);
    void set_timer(long milliseconds);
    void queue() noexcept;
    void act(curl_socket_t fd, int events) noexcept;
    void act_on_all() noexcept;
    void remove_and_go_on() noexcept;
    void finish_ended();
    void arm_polls();
    void arm_poll(CurlSocket& socket);
    void after_curl(CURLMcode code) noexcept;
    bool is_spinning(CurlSocket& socket) noexcept;
    bool is_any_paused() const noexcept;
    void look_behind_paused() noexcept;
    void act_as_if_readable() noexcept;
    void report_spinning(const CurlSocket& socket) noexcept;
    void remove(const std::shared_ptr<MultiTransfer>& transfer, CURLcode code,
                const std::exception_ptr& lost) noexcept;
    void lose_all(const std::exception_ptr& reason) noexcept;
    void forget_sockets() noexcept;

    EventLoop& loop_;
    const MultiLimits limits_;
    OwnProcess process_;
    CURLM* multi_ = nullptr;
    std::vector<std::shared_ptr<MultiTransfer>> running_;
    std::unordered_map<int, IntrusivePtr<CurlSocket>> sockets_;
    std::vector<IntrusivePtr<CurlSocket>> changed_;  // whose poll is not what is wanted
    TimerHandle timer_;
    TimerHandle pause_timer_;            // while a transfer is paused
    std::size_t progress_at_pause_ = 0;  // when that was set
    bool watches_pause_ = false;
    bool is_queued_ = false;
    bool has_expired_ = false;  // in the next turn libcurl is to look at its timers
    bool has_work_ = false;     // some transfer is to be removed, or to go on
    std::size_t progress_ = 0;
    std::size_t socket_count_ = 0;
    std::optional<Promise<>> all_closed_;
    unsigned references_ = 0;
};

}  // namespace ringio::http::detail
