#include <ringio/streams/server.hpp>

#include <ringio/ring/socket_requests.hpp>
#include <ringio/tasks/create_task.hpp>

#include "server_state.hpp"
#include "sockets.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <new>
#include <system_error>

namespace ringio {
namespace detail {
namespace {

constexpr std::chrono::milliseconds accept_retry_delay{1000};  // asyncio's ACCEPT_RETRY_DELAY

bool is_out_of_resources(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// Errors of one connection that came and went, not of the listening socket. accept(2).
bool is_transient(int error) noexcept {
    switch (error) {
        case ECONNABORTED:
        case EINTR:
        case EAGAIN:
        case EPERM:
        case EPROTO:
        case ENETDOWN:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case ENETUNREACH:
        case ETIMEDOUT:
            return true;
        default:
            return false;
    }
}

// Without memory for the report there is none.
void report_failure(EventLoop& loop, const char* message, int error) noexcept {
    try {
        loop.call_exception_handler(
            {.message = message, .exception = make_system_error(error, "accept"), .details = {}});
    } catch (const std::bad_alloc&) {
    }
}

/// Awaits; gives the CancelledError that ended it, or null.
template <class A>
Task<std::exception_ptr> cancellation_of(A awaitable) {
    try {
        co_await std::move(awaitable);
    } catch (const CancelledError&) {
        co_return std::current_exception();
    }
    co_return nullptr;
}

}  // namespace

void Acceptor::start() noexcept {
    intrusive_add_ref(&server_);  // the request's
    server_.loop_or_null()->machine().ring().submit(*this);
}

void Acceptor::stop() noexcept {
    retry_.cancel();
    if (in_flight() && server_.loop_or_null() != nullptr) {
        server_.loop_or_null()->machine().ring().cancel(*this);
    }
}

void Acceptor::prepare(io_uring_sqe& sqe) noexcept { AcceptRequest{.fd = fd_}.prepare(sqe); }

void Acceptor::complete(int result, std::uint32_t) noexcept {
    const IntrusivePtr<ServerState> keep(&server_, adopt);
    UniqueFd fd(result);
    if (server_.is_closed()) {
        server_.acceptor_ended();
    } else if (fd) {
        out_of_resources_ = false;
        accepted_ = std::move(fd);
        intrusive_add_ref(&server_);  // the queue's
        server_.loop_or_null()->machine().schedule(*this);
    } else if (is_transient(-result)) {
        start();
    } else {
        handle_error(-result);
    }
}

void Acceptor::handle_error(int error) noexcept {
    if (is_out_of_resources(error)) {
        back_off(error);
    } else if (error != ECANCELED) {
        server_.close();
        report_failure(*server_.loop_or_null(), "the server stops: accept failed", error);
    }
}

// Without memory for a timer the next accept waits for nothing but its turn.
void Acceptor::back_off(int error) noexcept {
    EventLoop& loop = *server_.loop_or_null();
    try {
        retry_ = loop.call_later(accept_retry_delay,
                                 [this, keep = IntrusivePtr<ServerState>(&server_)] { start(); });
    } catch (const std::bad_alloc&) {
        start();
        return;
    }
    // Told last: the exception handler may close the server, which takes the timer back.
    if (!std::exchange(out_of_resources_, true)) {
        report_failure(loop, "socket.accept() out of system resource", error);
    }
}

void Acceptor::run() {
    const IntrusivePtr<ServerState> keep(&server_, adopt);
    UniqueFd fd = std::move(accepted_);
    if (!server_.is_closed()) {
        start();
        server_.connection_made(std::move(fd));
    }
}

void Acceptor::discard() noexcept {
    accepted_.reset();
    intrusive_release(&server_);
}

ServerState::ServerState(EventLoop& loop, ConnectionHandler handler, std::vector<Socket> sockets,
                         const ServerOptions& options, OwnedTls tls)
    : anchor_(loop.machine().anchor()),
      handler_(std::move(handler)),
      sockets_(std::move(sockets)),
      options_(options),
      tls_(std::move(tls)) {
    for (const Socket& socket : sockets_) {
        acceptors_.push_back(std::make_unique<Acceptor>(*this, socket.fd()));
    }
}

EventLoop& ServerState::loop() const {
    if (anchor_->loop == nullptr) {
        throw std::runtime_error("Event loop is closed");
    }
    return *anchor_->loop;
}

void ServerState::start_serving() {
    if (closing_) {
        throw std::runtime_error("server is closed");
    }
    if (serving_) {
        return;
    }
    static_cast<void>(loop());
    serving_ = true;
    for (const auto& acceptor : acceptors_) {
        acceptor->start();
    }
}

void ServerState::connection_made(UniqueFd fd) {
    Socket socket(std::move(fd));
    socket.set_no_delay();
    std::string peer = peer_text(socket);
    const IntrusivePtr<StreamState> stream(
        new StreamState(loop(), std::move(socket), std::move(peer), options_.limit));
    stream->set_owner(this);
    connections_.push_back(*stream);
    intrusive_add_ref(this);  // the connection's, until connection_closed()
    try {
        if (tls_) {
            run_as_task(stream, secure_and_handle(IntrusivePtr<ServerState>(this), stream));
        } else {
            run_handler(stream);
        }
    } catch (...) {
        stream->close();
        if (current_exception_kind() == ExceptionKind::interrupt) {
            loop().machine().escape(std::current_exception());
            return;
        }
        loop().call_exception_handler({.message = "Unhandled exception in client_connected_cb",
                                       .exception = std::current_exception(),
                                       .details = {{"transport", stream->peer()}}});
    }
}

void ServerState::run_handler(const IntrusivePtr<StreamState>& stream) {
    Task<> coroutine = handler_(StreamReader(stream), StreamWriter(stream));
    if (coroutine) {
        run_as_task(stream, std::move(coroutine));
    }
}

// The task of the handler begins with the handshake. One that fails is the client's affair.
Task<> ServerState::secure_and_handle(IntrusivePtr<ServerState> server,
                                      IntrusivePtr<StreamState> stream) {
    bool is_secure = false;
    try {
        co_await secure(stream, server->tls_);
        is_secure = true;
    } catch (const std::exception&) {
        server->handshake_failed();
    }
    if (!is_secure) {
        stream->abort();
        co_return;
    }
    Task<> coroutine = server->handler_(StreamReader(stream), StreamWriter(stream));
    if (coroutine) {
        co_await std::move(coroutine);
    }
}

void ServerState::handshake_failed() noexcept {
    EventLoop* const loop = anchor_->loop;
    if (loop == nullptr || !loop->machine().is_debug()) {
        return;
    }
    try {
        loop->call_exception_handler({.message = "SSL handshake failed",
                                      .exception = std::current_exception(),
                                      .details = {}});
    } catch (const std::bad_alloc&) {
    }
}

void ServerState::run_as_task(const IntrusivePtr<StreamState>& stream, Task<> coroutine) {
    TaskHandle<> task = loop().create_task(std::move(coroutine));
    task.add_done_callback([stream, server = IntrusivePtr<ServerState>(this)](TaskHandle<> done) {
        if (done.cancelled()) {
            stream->close();
        } else if (const std::exception_ptr error = done.exception()) {
            server->loop().call_exception_handler(
                {.message = "Unhandled exception in client_connected_cb",
                 .exception = error,
                 .details = {{"transport", stream->peer()}}});
            stream->close();
        }
    });
}

void ServerState::connection_closed(StreamState& stream) noexcept {
    stream.unlink();
    const IntrusivePtr<ServerState> keep(this, adopt);
    if (closing_ && connections_.empty()) {
        closed_.set();
    }
}

void ServerState::close() noexcept {
    if (closing_) {
        return;
    }
    closing_ = true;
    serving_ = false;
    path_.remove();
    const IntrusivePtr<ServerState> keep(this);
    bool accepting = false;
    for (std::size_t index = 0; index < acceptors_.size(); ++index) {
        // Kernel: after shutdown(2) a listening socket refuses at once; close(2) alone would wait
        // for the accept that still names it.
        sockets_[index].shutdown(SHUT_RDWR);
        acceptors_[index]->stop();
        accepting = accepting || acceptors_[index]->in_flight();
    }
    if (!accepting) {
        acceptor_ended();
    }
    if (forever_ && !forever_->done()) {
        forever_->set_result();
    }
    if (connections_.empty()) {
        closed_.set();
    }
}

void ServerState::acceptor_ended() noexcept {
    for (const auto& acceptor : acceptors_) {
        if (acceptor->in_flight()) {
            return;
        }
    }
    sockets_.clear();
}

Task<> ServerState::serve_forever() {
    const IntrusivePtr<ServerState> keep(this);
    if (forever_) {
        throw std::runtime_error("server is already being awaited on serve_forever()");
    }
    start_serving();
    forever_ = loop().create_future<void>();
    std::exception_ptr cancellation = co_await cancellation_of(forever_->get_future());
    forever_.reset();
    close();
    if (!cancellation) {  // closed by another: the connections may take their time
        cancellation = co_await cancellation_of(wait_closed());
    }
    if (!cancellation) {
        throw CancelledError();
    }
    close_clients();  // lest a client that keeps its connection open keeps us from ending
    // When it is cancelled again it ends at once; the first request goes on all the same.
    static_cast<void>(co_await cancellation_of(wait_closed()));
    std::rethrow_exception(cancellation);
}

Task<> ServerState::wait_closed() {
    const IntrusivePtr<ServerState> keep(this);
    if (!closed_.is_set()) {
        if (&loop() != &get_running_loop()) {
            throw std::runtime_error("Server.wait_closed(): the server is of a different loop");
        }
        co_await closed_.wait();
    }
}

void ServerState::close_clients() noexcept {
    std::vector<IntrusivePtr<StreamState>> streams;
    for (StreamState& stream : connections_) {
        streams.emplace_back(&stream);
    }
    for (const auto& stream : streams) {
        stream->close_from_outside();
    }
}

void ServerState::abort_clients() noexcept {
    std::vector<IntrusivePtr<StreamState>> streams;
    for (StreamState& stream : connections_) {
        streams.emplace_back(&stream);
    }
    for (const auto& stream : streams) {
        stream->abort();
    }
}

}  // namespace detail

Server::Server(IntrusivePtr<detail::ServerState> state) noexcept : state_(std::move(state)) {}
Server::Server(const Server&) noexcept = default;
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(const Server&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;
Server::~Server() = default;

const std::vector<Socket>& Server::sockets() const noexcept { return state_->sockets(); }
bool Server::is_serving() const noexcept { return state_->is_serving(); }
EventLoop& Server::get_loop() const { return state_->loop(); }
void Server::start_serving() { state_->start_serving(); }
Task<> Server::serve_forever() { return state_->serve_forever(); }
void Server::close() noexcept { state_->close(); }
Task<> Server::wait_closed() { return state_->wait_closed(); }
void Server::close_clients() noexcept { state_->close_clients(); }
void Server::abort_clients() noexcept { state_->abort_clients(); }

}  // namespace ringio
