// The UDP echo server on ringio, as a user writes it: a task for each endpoint.
#include "server.h"

#include <ringio.hpp>

#include <utility>
#include <vector>

namespace {

using ringio::DatagramEndpoint;
using ringio::Task;

Task<> echo(DatagramEndpoint endpoint) {
    for (;;) {
        const ringio::Datagram datagram = co_await endpoint.recv();
        endpoint.sendto(datagram.data, datagram.from);
        co_await endpoint.drain();
    }
}

Task<> serve(int sockets) {
    std::vector<Task<>> echoing;
    std::vector<int> fds;
    for (int i = 0; i < sockets; ++i) {
        const auto local = ringio::SocketAddress::from_literal("127.0.0.1", 0).value();
        DatagramEndpoint endpoint = co_await ringio::create_datagram_endpoint({.local = local});
        fds.push_back(endpoint.socket().fd());
        echoing.push_back(echo(std::move(endpoint)));
    }
    say_listening(fds.data(), sockets);
    co_await ringio::gather(std::move(echoing));
}

}  // namespace

int main(int argc, char** argv) { ringio::run(serve(read_options(argc, argv).sockets)); }
