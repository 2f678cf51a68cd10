// The same echo server through ringio's streams: what a user writes who ports an asyncio program.
#include <ringio.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

ringio::Task<> echo(ringio::StreamReader reader, ringio::StreamWriter writer) {
    for (;;) {
        std::string data = co_await reader.read(65536);
        if (data.empty()) {
            break;
        }
        writer.write(data);
        co_await writer.drain();
    }
    writer.close();
}

ringio::Task<> serve(int port) {
    auto server = co_await ringio::start_server(echo, "127.0.0.1", port);
    std::printf("listening %d\n", static_cast<int>(server.sockets()[0].getsockname().port()));
    std::fflush(stdout);
    co_await server.serve_forever();
}

}  // namespace

int main(int argc, char** argv) {
    int port = 0;
    if (argc == 3 && std::strcmp(argv[1], "--port") == 0) {
        port = std::atoi(argv[2]);
    }
    ringio::run(serve(port));
}
