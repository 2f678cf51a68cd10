#include "transfer.hpp"

#include "curl_errors.hpp"

#include <ringio/http/errors.hpp>
#include <ringio/tasks/timeout.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace ringio::http::detail {

Transfer::Transfer(std::shared_ptr<SessionState> session, std::unique_ptr<Exchange> exchange)
    : session_(std::move(session)), exchange_(std::move(exchange)) {}

Transfer::~Transfer() {
    timer_.cancel();
    on_removed();  // of one that never began
}

Task<> Transfer::run_to_head() {
    began_ = session_->loop().time();
    session_->take_slot_nowait(slot_);
    if (!slot_.is_taken() || !take_known_address()) {
        co_await wait_until_it_may_start();
    }
    session_->require_open();
    start();
    while (!has_head_ && !has_ended_) {
        Future<> future = news();
        co_await future;
    }
    if (!has_head_) {
        std::rethrow_exception(failure_);
    }
}

Task<> Transfer::wait_until_it_may_start() {
    std::optional<EventLoop::TimePoint> deadline = connect_deadline();
    if (exchange_->deadline && (!deadline || *exchange_->deadline < *deadline)) {
        deadline = exchange_->deadline;
    }
    bool is_late = false;
    try {
        co_await timeout_at(deadline, WaitForPlace{this});
    } catch (const TimeoutError&) {
        is_late = true;
    }
    if (is_late && deadline == exchange_->deadline) {
        throw TimeoutError();
    }
    if (is_late) {
        throw ConnectionTimeoutError(
            fmt::format("Connection timeout to host {}", exchange_->url.to_string()));
    }
}

Task<> Transfer::wait_for_place() {
    if (!slot_.is_taken()) {
        co_await session_->take_slot(slot_, exchange_->url);
    }
    if (!take_known_address()) {
        const Url& url = peer();
        resolve_entry_ = co_await session_->resolve(url.host(), url.port());
    }
}

bool Transfer::take_known_address() {
    const bool is_local =
        !exchange_->url.unix_socket().empty() || !session_->settings().unix_socket.empty();
    const std::string proxy_url = proxy();
    if (is_local && proxy_url.empty()) {
        return true;
    }
    if (!proxy_url.empty()) {
        proxy_ = Url(proxy_url);
    }
    const std::optional<std::string> entry = session_->known_address(peer());
    resolve_entry_ = entry.value_or(std::string());
    return entry.has_value();
}

void Transfer::start() {
    configure();
    session_->multi().add(shared_from_this());
    begin_time();
    if (exchange_->chunks) {
        auto self = shared_from_this();
        feeder_ = session_->loop().create_task(feed(std::move(self)));
    }
}

Future<> Transfer::news() {
    if (news_ && !news_->done()) {
        throw std::runtime_error(
            "next() called while another coroutine is already waiting for the body");
    }
    news_ = session_->loop().create_future<>();
    return news_->get_future();
}

Task<std::optional<std::string>> Transfer::next() {
    while (!has_piece()) {
        Future<> future = news();
        co_await future;
    }
    co_return take_piece();
}

bool Transfer::take_rest(std::string& body) {
    while (has_piece()) {
        std::optional<std::string> piece = take_piece();
        if (!piece) {
            return true;
        }
        if (body.empty()) {
            body = std::move(*piece);
        } else {
            body += *piece;
        }
    }
    return false;
}

std::optional<std::string> Transfer::take_piece() {
    if (buffer_.empty()) {
        if (failure_) {
            std::rethrow_exception(failure_);
        }
        return std::nullopt;
    }
    std::optional<std::string> piece = std::exchange(buffer_, {});
    if (std::exchange(is_paused_, false)) {
        note_activity();
        session_->multi().go_on_soon(*this);
    }
    return piece;
}

// What a generator yields goes to libcurl as it comes, and no faster than it is sent.
Task<> Transfer::feed(std::shared_ptr<Transfer> self) {
    Transfer& transfer = *self;
    RequestBody& body = *transfer.exchange_->body;
    std::exception_ptr error;
    try {
        while (auto chunk = co_await transfer.exchange_->chunks->next()) {
            body.push(std::move(*chunk));
            transfer.go_on_sending();
            while (body.waiting() >= RequestBody::low_mark) {
                transfer.hungry_ = transfer.session_->loop().create_future<>();
                Future<> hungry = transfer.hungry_->get_future();
                co_await hungry;
            }
        }
    } catch (...) {
        error = std::current_exception();
    }
    if (error) {
        transfer.abort(error);  // no effect where the end of the transfer has cancelled this task
    }
    body.finish();
    transfer.go_on_sending();
}

void Transfer::go_on_sending() noexcept {
    if (std::exchange(is_send_paused_, false)) {
        note_activity();
        session_->multi().go_on_soon(*this);
    }
}

void Transfer::abort(const std::exception_ptr& why) noexcept {
    if (has_ended_) {
        return;
    }
    try {
        failure_ =
            why ? why
                : std::make_exception_ptr(make_error<ClientConnectionError>("Connection closed"));
    } catch (...) {
        failure_ = std::current_exception();
    }
    let_go();
}

void Transfer::let_go() noexcept {
    handle_.is_set_up = false;
    session_->multi().remove_soon(*this);
    end();
}

void Transfer::on_end(CURLcode code, const std::exception_ptr& lost) noexcept {
    if (has_ended_) {
        return;
    }
    if (code != CURLE_OK || lost) {
        handle_.is_set_up = false;  // what a failure leaves goes with a reset
    }
    if (lost) {
        failure_ = lost;
    } else if (!failure_ && (code != CURLE_OK || !has_head_)) {
        failure_ = failure_of(code == CURLE_OK ? CURLE_GOT_NOTHING : code);
        has_lost_kept_ = loses_kept_connection(code);
    }
    try {
        if (handle_.easy.info<long>(CURLINFO_HTTP_VERSION) == CURL_HTTP_VERSION_2_0) {
            session_->note_http2(exchange_->url.origin());
        }
    } catch (const std::bad_alloc&) {  // then it is not known
    }
    end();
}

std::exception_ptr Transfer::failure_of(CURLcode code) const noexcept {
    try {
        CurlFailure failure =
            describe_failure(code, handle_.easy, *handle_.parts, *exchange_, session_->settings());
        failure.connected = connections_ != 0;
        failure.has_head = has_head_;
        return error_of(failure);
    } catch (...) {
        return std::current_exception();
    }
}

void Transfer::end() noexcept {
    has_ended_ = true;
    timer_.cancel();
    slot_.release();
    if (feeder_.shared_state() && !feeder_.done()) {
        feeder_.cancel();
    }
    wake();
}

void Transfer::wake() noexcept {
    if (news_ && !news_->done()) {
        news_->set_result();
    }
}

std::size_t Transfer::on_header(std::string_view line) noexcept {
    session_->multi().note_progress();
    note_activity();
    if (has_head_ || has_ended_) {
        return line.size();  // trailers, or nobody listens
    }
    try {
        if (head_reader_.take(line, exchange_->url)) {
            has_head_ = true;
            go_on_sending();  // libcurl waits for who paused, though it sends no more: a refusal
            wake();
            end_if_whole();
        }
    } catch (...) {
        failure_ = std::current_exception();
        return 0;
    }
    return line.size();
}

std::size_t Transfer::on_body(std::string_view bytes) noexcept {
    session_->multi().note_progress();
    note_activity();
    if (has_ended_ || is_dropped_) {
        return bytes.size();
    }
    if (buffer_.size() >= high_mark) {
        is_paused_ = true;
        session_->multi().note_pause();
        return CURL_WRITEFUNC_PAUSE;
    }
    try {
        if (!has_head_) {
            head_reader_.check(bytes, exchange_->url);
            return bytes.size();
        }
        body_size_ += bytes.size();
        if (exchange_->max_body && body_size_ > *exchange_->max_body) {
            buffer_.clear();
            failure_ = std::make_exception_ptr(ClientPayloadError(
                fmt::format("the body is longer than max_body, {} bytes", *exchange_->max_body)));
            return 0;
        }
        buffer_ += bytes;
    } catch (...) {
        failure_ = std::current_exception();
        return 0;
    }
    wake();
    end_if_whole();
    return bytes.size();
}

// libcurl would go on to send, and so does not say that the answer is whole.
void Transfer::end_if_whole() noexcept {
    if (!exchange_->body || exchange_->body->at_end()) {
        return;
    }
    const ResponseHead& head = head_reader_.head();
    const std::string_view length = head.headers.get("Content-Length");
    std::uint64_t size = 0;
    const auto parsed = std::from_chars(length.data(), length.data() + length.size(), size);
    const bool is_whole = parsed.ec == std::errc() && size == body_size_ &&
                          !head.headers.contains("Content-Encoding");
    if (is_whole || head.status == 204) {
        let_go();
    }
}

// Of a server that hangs up libcurl says nothing before it has sent something to it.
void Transfer::on_unwatched() noexcept {
    if (is_send_paused_ && !is_paused_ && !has_head_ && !has_ended_) {
        has_hung_up_ = true;
        go_on_sending();
    }
}

std::size_t Transfer::on_read(char* to, std::size_t room) noexcept {
    session_->multi().note_progress();
    note_activity();
    if (has_hung_up_) {
        return CURL_READFUNC_ABORT;  // which is a ServerDisconnectedError
    }
    RequestBody& body = *exchange_->body;
    const std::size_t size = body.take(to, room);
    if (body.waiting() < RequestBody::low_mark && hungry_ && !hungry_->done()) {
        hungry_->set_result();
    }
    if (size == 0 && !body.at_end()) {
        is_send_paused_ = true;
        return CURL_READFUNC_PAUSE;
    }
    return size;
}

int Transfer::on_rewind() noexcept {
    return exchange_->body->rewind() ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

// libcurl repeats whatever a kept connection did not answer, up to five times; aiohttp repeats
// once, and only what may be done twice.
bool Transfer::may_be_repeated() const noexcept {
    return connections_ < 2 && !exchange_->is_repeated && exchange_->is_idempotent() &&
           (!exchange_->body || exchange_->body->can_be_repeated());
}

// In the middle of a body libcurl does not repeat it.
bool Transfer::loses_kept_connection(CURLcode code) const noexcept {
    long made = 0;
    const bool was_closed = code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
                            code == CURLE_PARTIAL_FILE || code == CURLE_HTTP2_STREAM;
    return was_closed && !has_head_ && connections_ == 1 && may_be_repeated() &&
           curl_easy_getinfo(easy(), CURLINFO_NUM_CONNECTS, &made) == CURLE_OK && made == 0;
}

std::unique_ptr<Exchange> Transfer::take_exchange_again() noexcept {
    if (exchange_->body) {
        exchange_->body->rewind();
    }
    exchange_->is_repeated = true;
    return std::move(exchange_);
}

bool Transfer::may_connect() noexcept {
    if (connections_ == 0 || may_be_repeated()) {
        return true;
    }
    try {
        failure_ = std::make_exception_ptr(ServerDisconnectedError());
    } catch (...) {
        failure_ = std::current_exception();
    }
    return false;
}

int Transfer::on_connected() noexcept {
    session_->multi().note_progress();
    if (!may_connect()) {
        return CURL_PREREQFUNC_ABORT;
    }
    try {
        if (++connections_ == 1 && socket_deadline()) {
            note_activity();
            timer_.cancel();
            arm_timer();
        }
        return CURL_PREREQFUNC_OK;
    } catch (...) {
        failure_ = std::current_exception();
        return CURL_PREREQFUNC_ABORT;
    }
}

}  // namespace ringio::http::detail
