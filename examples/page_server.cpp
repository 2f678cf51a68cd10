// A web server for a directory: page_server <directory> [port]. Ctrl-C ends it.
// Python: python3 -m http.server --bind 127.0.0.1 --directory <directory> [port].
#include "page_server.hpp"

#include <fmt/core.h>
#include <ringio/main.hpp>

#include <cstdio>
#include <cstdlib>

ringio::Task<int> co_main(int argc, char** argv) {
    if (argc < 2 || argc > 3) {
        fmt::print(stderr, "usage: page_server <directory> [port]\n");
        co_return 2;
    }
    const long port = argc > 2 ? std::atol(argv[2]) : 8000;
    auto server = co_await pages::start_server(argv[1], port);
    fmt::print("Serving {} on http://{}/\n", argv[1],
               server.sockets()[0].getsockname().to_string());
    std::fflush(stdout);
    co_await server.serve_forever();
    co_return 0;
}
