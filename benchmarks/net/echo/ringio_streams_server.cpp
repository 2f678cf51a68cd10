// The echo server through ringio's streams, as a user writes it who ports an asyncio program: what
// came is sent back, or with --lines, line by line. With --patience each read has a time limit.
#include "server.h"

#include <ringio.hpp>

#include <chrono>
#include <string>
#include <system_error>
#include <utility>

namespace {

using ringio::StreamReader;
using ringio::StreamWriter;
using ringio::Task;

std::chrono::seconds patience{};

template <bool limited, class Read>
auto within_patience(Read read) {
    if constexpr (limited) {
        return ringio::wait_for(std::move(read), patience);
    } else {
        return read;
    }
}

template <bool limited>
Task<> echo(StreamReader reader, StreamWriter writer) {
    try {
        for (;;) {
            const std::string data = co_await within_patience<limited>(reader.read(65536));
            if (data.empty()) {
                break;
            }
            writer.write(data);
            co_await writer.drain();
        }
    } catch (const std::system_error&) {
        // The peer is gone.
    } catch (const ringio::TimeoutError&) {
        // The peer has nothing to say.
    }
    writer.close();
}

template <bool limited>
Task<> echo_lines(StreamReader reader, StreamWriter writer) {
    try {
        for (;;) {
            const std::string line = co_await within_patience<limited>(reader.readline());
            if (line.empty()) {
                break;
            }
            writer.write(line);
            co_await writer.drain();
        }
    } catch (const std::system_error&) {
        // The peer is gone.
    } catch (const ringio::TimeoutError&) {
        // The peer has nothing to say.
    }
    writer.close();
}

Task<> serve(int port, std::string path, bool lines) {
    auto* const handler = patience.count() > 0 ? (lines ? echo_lines<true> : echo<true>)
                                               : (lines ? echo_lines<false> : echo<false>);
    if (!path.empty()) {
        const ringio::UnixServerOptions options{.backlog = server_backlog};
        auto server = co_await ringio::start_unix_server(handler, path, options);
        say_listening_at(path.c_str());
        co_await server.serve_forever();
    }
    const ringio::ServerOptions options{.backlog = server_backlog};
    auto server = co_await ringio::start_server(handler, "127.0.0.1", port, options);
    say_listening(server.sockets()[0].getsockname().port());
    co_await server.serve_forever();
}

}  // namespace

int main(int argc, char** argv) {
    const bool lines = argc > 1 && std::strcmp(argv[1], "--lines") == 0;
    if (lines) {
        argv[1] = argv[0];
    }
    const server_options options = read_options(argc - lines, argv + lines);
    allow_descriptors();
    patience = std::chrono::seconds(options.patience);
    ringio::RunOptions run_options;
    if (options.together >= 0) {
        run_options.loop.send_together = options.together == 1;
    }
    ringio::run(serve(options.port, options.path != nullptr ? options.path : "", lines),
                run_options);
}
