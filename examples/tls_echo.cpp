// A server and a client under TLS, on loopback, with a certificate made on the fly; and what a
// client says that does not trust it.
#include <fmt/core.h>
#include <ringio.hpp>
#include <ringio/main.hpp>
#include <ringio/tls.hpp>

#include "certificate.hpp"

// [server]
ringio::Task<> echo(ringio::StreamReader reader, ringio::StreamWriter writer) {
    auto line = co_await reader.readline();
    writer.write("you said: " + line);
    co_await writer.drain();
    writer.close();
    co_await writer.wait_closed();
}

ringio::Task<ringio::Server> serve(const Certificate& certificate) {
    const auto context =
        ringio::TlsContext::server({.certificate = certificate.file(), .key = certificate.key()});
    co_return co_await ringio::start_server(echo, "127.0.0.1", 0, {.tls = context});
}
// [/server]

// [client]
ringio::Task<> talk(long port, const ringio::TlsContext& context) {
    auto [reader, writer] =
        co_await ringio::open_connection("localhost", port, {.family = AF_INET, .tls = context});
    auto info = writer.tls_info();
    fmt::print("{}, {}\n", info->version, info->peer_certificate->subject);
    writer.write("hello\n");
    co_await writer.drain();
    auto answer = co_await reader.read();
    fmt::print("{}", answer);
    writer.close();
    co_await writer.wait_closed();
}
// [/client]

ringio::Task<int> co_main(int, char**) {
    const Certificate certificate = co_await Certificate::make();
    auto server = co_await serve(certificate);
    const long port = server.sockets()[0].getsockname().port();

    const auto trusting = ringio::TlsContext::client({.ca_file = certificate.file()});
    co_await talk(port, trusting);

    const Certificate another = co_await Certificate::make();
    // [failure]
    const auto doubting = ringio::TlsContext::client({.ca_file = another.file()});
    try {
        co_await talk(port, doubting);
    } catch (const ringio::CertificateError& error) {
        fmt::print("{}\n", error.reason());  // what() has who, why, and what to do about it
    }
    // [/failure]

    server.close();
    co_await server.wait_closed();
    co_return 0;
}
