// The echo server through ringio's streams, as a user writes it who ports an asyncio program: what
// came is sent back, or with --lines, line by line.
#include "server.h"

#include <ringio.hpp>

#include <string>
#include <system_error>

namespace {

using ringio::StreamReader;
using ringio::StreamWriter;
using ringio::Task;

Task<> echo(StreamReader reader, StreamWriter writer) {
    try {
        for (;;) {
            const std::string data = co_await reader.read(65536);
            if (data.empty()) {
                break;
            }
            writer.write(data);
            co_await writer.drain();
        }
    } catch (const std::system_error&) {
        // The peer is gone.
    }
    writer.close();
}

Task<> echo_lines(StreamReader reader, StreamWriter writer) {
    try {
        for (;;) {
            const std::string line = co_await reader.readline();
            if (line.empty()) {
                break;
            }
            writer.write(line);
            co_await writer.drain();
        }
    } catch (const std::system_error&) {
        // The peer is gone.
    }
    writer.close();
}

Task<> serve(int port, bool lines) {
    const ringio::ServerOptions options{.backlog = server_backlog};
    auto server =
        co_await ringio::start_server(lines ? echo_lines : echo, "127.0.0.1", port, options);
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
    ringio::RunOptions run_options;
    if (options.together >= 0) {
        run_options.loop.send_together = options.together == 1;
    }
    ringio::run(serve(options.port, lines), run_options);
}
