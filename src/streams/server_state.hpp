// What the handles of a Server share. Each listening socket has an Acceptor: one accept in the
// kernel at a time, so that no connection is taken that nobody has room for.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/promise.hpp>
#include <ringio/core/timers.hpp>
#include <ringio/streams/bound_path.hpp>
#include <ringio/streams/start_server.hpp>
#include <ringio/streams/stream_state.hpp>
#include <ringio/sync/event.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ringio::detail {

/// Accepts on one listening socket, and hands each connection to the server in the ready queue.
class Acceptor final : public Completion, public Runnable {
public:
    Acceptor(ServerState& server, int fd) noexcept : server_(server), fd_(fd) {}

    void start() noexcept;
    void stop() noexcept;

    void prepare(io_uring_sqe& sqe) noexcept override;
    void complete(int result, std::uint32_t flags) noexcept override;

    // Begins to handle the connection that was accepted, and accepts the next one.
    void run() override;
    void discard() noexcept override;

private:
    void handle_error(int error) noexcept;
    void back_off(int error) noexcept;

    ServerState& server_;
    int fd_;
    UniqueFd accepted_;  // while it is in the ready queue
    TimerHandle retry_;
    bool out_of_resources_ = false;  // said so, and waits to try again
};

class ServerState final : public StreamOwner {
public:
    ServerState(EventLoop& loop, ConnectionHandler handler, std::vector<Socket> sockets,
                const ServerOptions& options, OwnedTls tls);

    /// The path of a Unix socket, to be removed when it closes.
    void own_path(BoundPath path) noexcept { path_ = std::move(path); }

    void start_serving();
    bool is_serving() const noexcept { return serving_; }
    bool is_closed() const noexcept { return closing_; }
    void close() noexcept;
    Task<> serve_forever();
    Task<> wait_closed();
    void close_clients() noexcept;
    void abort_clients() noexcept;

    const std::vector<Socket>& sockets() const noexcept {
        return closing_ ? no_sockets_ : sockets_;
    }
    EventLoop* loop_or_null() const noexcept { return anchor_->loop; }
    EventLoop& loop() const;

    void connection_made(UniqueFd fd);
    void connection_closed(StreamState& stream) noexcept override;
    void acceptor_ended() noexcept;

    friend void intrusive_add_ref(ServerState* state) noexcept { ++state->references_; }
    friend void intrusive_release(ServerState* state) noexcept {
        if (--state->references_ == 0) {
            delete state;
        }
    }

private:
    void run_handler(const IntrusivePtr<StreamState>& stream);
    void run_as_task(const IntrusivePtr<StreamState>& stream, Task<> coroutine);
    void handshake_failed() noexcept;
    static Task<> secure_and_handle(IntrusivePtr<ServerState> server,
                                    IntrusivePtr<StreamState> stream);

    IntrusivePtr<LoopAnchor> anchor_;
    ConnectionHandler handler_;
    std::vector<Socket> sockets_;
    std::vector<Socket> no_sockets_;
    BoundPath path_;
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
    IntrusiveList<StreamState> connections_;
    Event closed_;                      // set when no listener and no connection is left
    std::optional<Promise<>> forever_;  // while serve_forever() waits
    ServerOptions options_;
    OwnedTls tls_;
    std::uint32_t references_ = 0;
    bool serving_ = false;
    bool closing_ = false;
};

/// What all kinds of servers refuse; returns their TLS, if there is to be any. *Errors*:
/// std::invalid_argument that names `function`.
OwnedTls check_server(const std::string& function, const ConnectionHandler& handler,
                      const ServerOptions& options);

/// Makes a server of sockets that listen; it removes `path` when it is closed.
Server serve(ConnectionHandler handler, std::vector<Socket> sockets, const ServerOptions& options,
             OwnedTls tls, BoundPath path = {});

}  // namespace ringio::detail
