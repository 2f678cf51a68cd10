// Transfer: one exchange of a request for an answer, from its place in the queue to the last byte
// of the body. libcurl's callbacks only fill it; who waits is told by a future.
#pragma once

#include "curl_multi.hpp"
#include "request_setup.hpp"
#include "request_spec.hpp"
#include "response_head.hpp"
#include "session_state.hpp"

#include <ringio/core/task.hpp>
#include <ringio/tasks/create_task.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>

namespace ringio::http::detail {

/// Legend: fresh -> queued (for a place, for a name) -> running in the multi -> ended. It ends when
/// the body does, by an error, by a deadline, or because nobody wants it any more.
class Transfer final : public MultiTransfer, public std::enable_shared_from_this<Transfer> {
public:
    static constexpr std::size_t high_mark = std::size_t{256} << 10;

    Transfer(std::shared_ptr<SessionState> session, std::unique_ptr<Exchange> exchange);
    ~Transfer() override;

    /// Starts, and waits until the head is there. *Errors*: why there is none.
    Task<> run_to_head();
    /// Waits for the next piece of the body; none at its end.
    Task<std::optional<std::string>> next();
    /// Moves what is there of it to the end of `body`; says whether that was the last.
    /// *Errors*: why there is no more.
    bool take_rest(std::string& body);
    /// Done with the next that comes. *Errors*: std::runtime_error when somebody waits already.
    Future<> news();

    /// Ends it, if it has not ended: whoever waits gets the error, if there is one.
    void abort(const std::exception_ptr& why) noexcept;

    const ResponseHead& head() const noexcept { return head_reader_.head(); }
    const Exchange& exchange() const noexcept { return *exchange_; }
    bool has_ended() const noexcept { return has_ended_; }
    /// Whether it failed because a kept connection was closed, and may be made over a new one.
    bool may_be_made_again() const noexcept { return has_lost_kept_; }
    /// What was asked for, from its beginning; nothing of it is left here.
    std::unique_ptr<Exchange> take_exchange_again() noexcept;

    CURL* easy() const noexcept override { return handle_.easy.get(); }
    void on_end(CURLcode code, const std::exception_ptr& lost) noexcept override;
    void on_removed() noexcept override { session_->put_back(std::move(handle_)); }
    void on_unwatched() noexcept override;
    bool is_paused() const noexcept override { return is_paused_; }
    void drop_rest() noexcept override { is_dropped_ = true; }

    // What libcurl calls.
    std::size_t on_header(std::string_view line) noexcept;
    std::size_t on_body(std::string_view bytes) noexcept;
    std::size_t on_read(char* to, std::size_t room) noexcept;
    int on_rewind() noexcept;
    int on_connected() noexcept;
    /// Whether libcurl may make one more connection.
    bool may_connect() noexcept;

private:
    // GCC 12: a closure in a coroutine of a class has no linkage in a batch of files.
    struct WaitForPlace {
        Task<> operator()() const { return transfer->wait_for_place(); }
        Transfer* transfer;
    };

    Task<> wait_until_it_may_start();
    Task<> wait_for_place();
    /// Where to connect to, if that needs no question to anybody; says whether it did not.
    bool take_known_address();
    /// Whom to connect to; the proxy, if there is one.
    const Url& peer() const noexcept { return proxy_ ? *proxy_ : exchange_->url; }
    bool has_piece() const noexcept { return !buffer_.empty() || has_ended_; }
    std::optional<std::string> take_piece();
    static Task<> feed(std::shared_ptr<Transfer> self);
    void go_on_sending() noexcept;
    void start();
    void configure();
    void configure_session();
    void configure_connection();
    ConnectionOptions connection_options() const;
    void configure_body();
    std::string proxy() const { return proxy_of(*exchange_, session_->settings()); }

    bool may_be_repeated() const noexcept;
    bool loses_kept_connection(CURLcode code) const noexcept;
    std::exception_ptr failure_of(CURLcode code) const noexcept;
    /// Ends it in the middle of what libcurl does: its connection goes.
    void let_go() noexcept;
    void end_if_whole() noexcept;
    void end() noexcept;
    void wake() noexcept;

    void begin_time();
    void arm_timer();
    void on_timer() noexcept;
    std::exception_ptr why_late(EventLoop::TimePoint now) const;
    void note_activity() noexcept;
    /// The end of `connect`, counted from when the exchange began.
    std::optional<EventLoop::TimePoint> connect_deadline() const noexcept;
    /// The end of the time for a connection, or once there is one for the next bytes.
    std::optional<EventLoop::TimePoint> socket_deadline() const noexcept;

    std::shared_ptr<SessionState> session_;
    std::unique_ptr<Exchange> exchange_;
    RequestHandle handle_;
    std::optional<Url> proxy_;
    std::string resolve_entry_;
    Slot slot_;

    HeadReader head_reader_;
    bool has_head_ = false;
    std::string buffer_;  // of the body, not read yet
    std::uint64_t body_size_ = 0;

    std::exception_ptr failure_;
    std::optional<Promise<>> news_;  // of who waits
    TaskHandle<> feeder_;
    std::optional<Promise<>> hungry_;  // of the feeder, until more is to be sent
    TimerHandle timer_;                // for the nearest of the deadlines
    EventLoop::TimePoint began_;
    std::optional<EventLoop::TimePoint> connect_end_;
    EventLoop::TimePoint last_activity_;
    int connections_ = 0;  // how many it had: it may have been repeated
    bool has_ended_ = false;
    bool has_lost_kept_ = false;   // a connection that was used before
    bool is_dropped_ = false;      // what comes now is nobody's
    bool is_paused_ = false;       // the reader is slow
    bool is_send_paused_ = false;  // the feeder is
    bool has_hung_up_ = false;     // the server, while the feeder was slow
};

}  // namespace ringio::http::detail
