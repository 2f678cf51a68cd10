#include "curl_multi.hpp"

#include <ringio/http/errors.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <stdexcept>
#include <utility>

namespace ringio::http::detail {
namespace {

constexpr std::chrono::milliseconds pause_patience{100};

std::exception_ptr lost_all(CURLMcode code) noexcept {
    try {
        return std::make_exception_ptr(make_error<ClientConnectionError>(fmt::format(
            "libcurl lost all transfers of the session: {}", curl_multi_strerror(code))));
    } catch (...) {
        return std::current_exception();
    }
}

}  // namespace

CurlMulti::CurlMulti(EventLoop& loop, const MultiLimits& limits) : loop_(loop), limits_(limits) {
    require_curl();
    make_multi();
}

CurlMulti::~CurlMulti() = default;

void CurlMulti::make_multi() {
    multi_ = curl_multi_init();
    if (multi_ == nullptr) {
        throw std::bad_alloc();
    }
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlMulti::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlMulti::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, limits_.idle_connections);
}

void CurlMulti::add(std::shared_ptr<MultiTransfer> transfer) {
    running_.push_back(transfer);
    const CURLMcode code = curl_multi_add_handle(multi_, transfer->easy());
    if (code != CURLM_OK) {
        running_.pop_back();
        throw make_error<ClientConnectionError>(
            fmt::format("libcurl refuses a transfer: {}", curl_multi_strerror(code)));
    }
    transfer->place_ = MultiTransfer::Place::inside;
    transfer->index_ = running_.size() - 1;
}

void CurlMulti::remove_soon(MultiTransfer& transfer) noexcept {
    if (transfer.place_ == MultiTransfer::Place::inside) {
        transfer.place_ = MultiTransfer::Place::to_be_removed;
        has_work_ = true;
        queue();
    }
}

void CurlMulti::go_on_soon(MultiTransfer& transfer) noexcept {
    if (transfer.place_ == MultiTransfer::Place::inside) {
        transfer.wants_to_go_on_ = true;
        has_work_ = true;
        queue();
    }
}

void CurlMulti::queue() noexcept {
    if (!std::exchange(is_queued_, true)) {
        intrusive_add_ref(this);
        loop_.machine().schedule_here(*this);
    }
}

void CurlMulti::run() {
    const IntrusivePtr<CurlMulti> queued(this, adopt);
    is_queued_ = false;
    if (multi_ == nullptr) {
        return;
    }
    if (std::exchange(has_work_, false)) {
        remove_and_go_on();
        has_expired_ = true;
    }
    if (std::exchange(has_expired_, false)) {
        act(CURL_SOCKET_TIMEOUT, 0);
    }
}

void CurlMulti::discard() noexcept {
    is_queued_ = false;
    intrusive_release(this);
}

void CurlMulti::remove_and_go_on() noexcept {
    for (std::size_t at = 0; at < running_.size();) {
        const std::shared_ptr<MultiTransfer> transfer = running_[at];
        if (transfer->place_ == MultiTransfer::Place::to_be_removed) {
            remove(transfer, CURLE_OK, nullptr);
            continue;
        }
        if (std::exchange(transfer->wants_to_go_on_, false)) {
            const CURLcode code = curl_easy_pause(transfer->easy(), CURLPAUSE_CONT);
            if (code != CURLE_OK) {  // of a callback that it called: the multi does not hear of it
                remove(transfer, code, nullptr);
                continue;
            }
        }
        ++at;
    }
}

void CurlMulti::remove(const std::shared_ptr<MultiTransfer>& transfer, CURLcode code,
                       const std::exception_ptr& lost) noexcept {
    // libcurl 7.88 loses the memory of what it keeps for a paused stream of HTTP/2.
    if (transfer->is_paused() || transfer->wants_to_go_on_) {
        transfer->drop_rest();
        curl_easy_pause(transfer->easy(), CURLPAUSE_CONT);
    }
    curl_multi_remove_handle(multi_, transfer->easy());
    const std::size_t index = transfer->index_;
    running_.back()->index_ = index;
    std::swap(running_[index], running_.back());
    running_.pop_back();
    if (std::exchange(transfer->place_, MultiTransfer::Place::outside) ==
        MultiTransfer::Place::inside) {
        transfer->on_end(code, lost);
    }
    transfer->on_removed();
}

void CurlMulti::act(curl_socket_t fd, int events) noexcept {
    int running = 0;
    after_curl(curl_multi_socket_action(multi_, fd, events, &running));
}

// After a refusal libcurl 7.88 tries the next address of the host when it is called for the
// transfer again; but it has neither a socket nor a timer for it then, but for half of the time
// that a connection may take. What is deprecated here is the only call that reaches it.
void CurlMulti::act_on_all() noexcept {
    if (multi_ == nullptr) {
        return;
    }
    int running = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    after_curl(curl_multi_socket_all(multi_, &running));
#pragma GCC diagnostic pop
}

void CurlMulti::after_curl(CURLMcode code) noexcept {
    try {
        if (code == CURLM_OK) {
            finish_ended();
            arm_polls();
            return;
        }
    } catch (const std::bad_alloc&) {
        code = CURLM_OUT_OF_MEMORY;
    }
    // What libcurl knows of its transfers is lost: so are they.
    lose_all(lost_all(code));
    try {
        make_multi();
    } catch (const std::bad_alloc&) {
        multi_ = nullptr;  // the session is closed
    }
}

void CurlMulti::finish_ended() {
    std::vector<Ended> ended;
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        MultiTransfer* transfer = nullptr;
        const CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        ended.push_back({running_[transfer->index_], code});
    }
    for (const Ended& each : ended) {
        remove(each.transfer, each.code, nullptr);
    }
}

int CurlMulti::on_timer(CURLM*, long milliseconds, void* self) noexcept {
    try {
        static_cast<CurlMulti*>(self)->set_timer(milliseconds);
        return 0;
    } catch (const std::bad_alloc&) {
        return -1;
    }
}

void CurlMulti::set_timer(long milliseconds) {
    timer_.cancel();
    if (milliseconds == 0) {
        has_expired_ = true;
        queue();
    } else if (milliseconds > 0) {
        timer_ = loop_.call_later(std::chrono::milliseconds(milliseconds),
                                  [this] { act(CURL_SOCKET_TIMEOUT, 0); });
    }
}

// The answers of one connection of HTTP/2 come in turns. libcurl 7.88, which looks at one stream at
// a time, now and then (once in a thousand) puts the bytes of a paused one aside, has those of
// another behind them, and tells nobody: the socket is empty, and that one waits for ever.
void CurlMulti::note_pause() noexcept {
    if (std::exchange(watches_pause_, true)) {
        return;
    }
    progress_at_pause_ = progress_;
    try {
        pause_timer_ = loop_.call_later(pause_patience, [this] { look_behind_paused(); });
    } catch (const std::bad_alloc&) {
        watches_pause_ = false;
    }
}

void CurlMulti::look_behind_paused() noexcept {
    watches_pause_ = false;
    if (!is_any_paused()) {
        return;
    }
    const IntrusivePtr<CurlMulti> kept(this);
    const bool others_wait =
        std::ranges::any_of(running_, [](const auto& each) { return !each->is_paused(); });
    if (others_wait && progress_ == progress_at_pause_) {
        act_as_if_readable();
    }
    if (multi_ != nullptr) {
        note_pause();
    }
}

void CurlMulti::act_as_if_readable() noexcept {
    std::vector<int> open;
    try {
        for (const auto& [fd, socket] : sockets_) {
            open.push_back(fd);
        }
    } catch (const std::bad_alloc&) {
        return;  // the next time
    }
    for (std::size_t at = 0; at < open.size() && multi_ != nullptr; ++at) {
        act(open[at], CURL_CSELECT_IN);
    }
}

void CurlMulti::lose_all(const std::exception_ptr& reason) noexcept {
    while (!running_.empty()) {
        const std::shared_ptr<MultiTransfer> transfer = running_.back();
        remove(transfer, CURLE_OK, reason);
    }
    curl_multi_cleanup(std::exchange(multi_, nullptr));  // closes by close_socket()
    timer_.cancel();
    pause_timer_.cancel();
    watches_pause_ = false;
    has_expired_ = false;
    has_work_ = false;
    forget_sockets();
}

void CurlMulti::close(const std::exception_ptr& reason) noexcept {
    // In the child of a fork the connections are the parent's: nothing is to be said there.
    if (multi_ != nullptr && !process_.is_left()) {
        lose_all(reason);
    }
}

}  // namespace ringio::http::detail
