// A session, and a server that says whatever the input says, over a Unix socket.
//
// The first line has a letter for each request, one after another (see make_request()). All the
// rest is what the server says; in it '|' ends what is sent at once, '^' waits for the next request
// of the connection, and '$' hangs up, so that the next connection goes on with the rest.
#include <ringio/http.hpp>
#include <ringio/streams.hpp>
#include <ringio/tasks.hpp>
#include <ringio/testing.hpp>
#include <ringio/tls.hpp>
#include <support/fuzzing.hpp>
#include <support/temporary_directory.hpp>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "../../../src/http/live_handles.hpp"
#include "targets.hpp"

namespace ringio::fuzz {

using namespace http;

namespace {

constexpr std::size_t requests_max = 8;

/// What the server says, on one connection after another.
class Said {
public:
    explicit Said(std::string_view bytes) noexcept : bytes_(bytes) {}

    /// The next piece, and with what mark it ends; '$' when that was all.
    std::pair<std::string_view, char> next() noexcept {
        const std::string_view piece = bytes_.substr(0, bytes_.find_first_of("|^$"));
        bytes_.remove_prefix(piece.size());
        const char mark = bytes_.empty() ? '$' : bytes_.front();
        bytes_.remove_prefix(std::min<std::size_t>(1, bytes_.size()));
        return {piece, mark};
    }

private:
    std::string_view bytes_;
};

/// Lets the client do what it can do by itself; it may be waiting for the server.
Task<> let_others_run() {
    for (int turn = 0; turn < 4; ++turn) {
        co_await sleep(Delay());
    }
}

/// How many requests have come by a connection.
using Count = std::shared_ptr<int>;

Task<> hear(StreamReader reader, Count heard) {
    try {
        while (true) {
            const std::string head = co_await reader.readuntil("\r\n\r\n");
            *heard += head.find(" HTTP/1.1\r\n") != head.npos ? 1 : 0;  // else a body's end
        }
    } catch (const std::runtime_error&) {  // the client has gone, or speaks TLS
    }
}

Task<> wait_for_request(Count heard, int number) {
    for (int round = 0; round < 16 && *heard < number; ++round) {
        co_await let_others_run();
    }
}

Task<> say(StreamWriter writer, Said* said, Count heard) {
    int number = 1;
    co_await wait_for_request(heard, number);
    while (true) {
        const auto [piece, mark] = said->next();
        writer.write(piece);
        co_await writer.drain();
        if (mark == '$') {
            break;
        }
        if (mark == '^') {
            co_await wait_for_request(heard, ++number);
        } else {
            co_await let_others_run();
        }
    }
}

Task<> serve(StreamReader reader, StreamWriter writer, Said* said) {
    const Count heard = std::make_shared<int>(0);
    TaskHandle<> hearing = create_task(hear(std::move(reader), heard));
    try {
        co_await say(writer, said, heard);
    } catch (const std::runtime_error&) {  // the client has gone
    }
    writer.close();
    co_await hearing;
}

AsyncGenerator<std::string> two_pieces() {
    co_yield "one ";
    co_await sleep(Delay());
    co_yield "two";
}

void must_be_an_answer(const ClientResponse& response) {
    const int status = response.status();
    must_hold(status == 101 || (status >= 200 && status <= 999), "an answer has a status");
    must_hold(response.history().size() <= 10, "redirects end");
    must_hold(!response.url().to_string().empty(), "an answer comes from somewhere");
    must_hold(!response.content_type().empty() || response.headers().contains("Content-Type"),
              "an answer has a type");
    must_hold(response.charset().size() <= response.headers().get("Content-Type").size(),
              "a charset stands in the type");
    must_hold(response.cookies().size() <= response.headers().size(),
              "a cookie stands in a header");
}

Task<> read_whole(const ClientSession& session, std::string method) {
    auto response = co_await session.request(method, "http://localhost/a/b?c");
    must_be_an_answer(response);
    const std::string body = co_await response.read();
    must_hold(method != "HEAD" || body.empty(), "HEAD has no body");
}

Task<> read_in_pieces(const ClientSession& session) {
    auto response = co_await session.get("http://localhost/");
    must_be_an_answer(response);
    while (auto piece = co_await response.content().next()) {
        must_hold(!piece->empty(), "a piece has something in it");
    }
}

Task<> read_little(const ClientSession& session) {
    constexpr std::size_t most = 16;
    auto response = co_await session.get("http://localhost/", {.max_body = most});
    const std::string body = co_await response.read();
    must_hold(body.size() <= most, "a body is no longer than max_body");
}

Task<> read_json(const ClientSession& session) {
    auto response = co_await session.get("http://localhost/", {.raise_for_status = true});
    must_hold(response.ok(), "another answer is an error");
    const std::string text = co_await response.json();
}

Task<> send_text(const ClientSession& session) {
    auto response = co_await session.post("http://localhost/", {.data = "a text"});
    must_be_an_answer(response);
    const std::string body = co_await response.text();
}

Task<> send_pieces(const ClientSession& session) {
    AsyncGenerator<std::string> pieces = two_pieces();
    auto response = co_await session.put("http://localhost/", {.data = pieces});
    must_be_an_answer(response);
    const std::string body = co_await response.text();
}

Task<> leave_body(const ClientSession& session) {
    auto response = co_await session.get("http://localhost/");
    must_be_an_answer(response);
}

Task<> read_two(const ClientSession& session) {
    co_await gather(read_in_pieces(session), read_whole(session, "OPTIONS"));
}

Task<> give_up(const ClientSession& session) {
    TaskHandle<> reading = create_task(read_in_pieces(session));
    co_await let_others_run();
    reading.cancel();
    try {
        co_await reading;
    } catch (const CancelledError&) {
    }
}

Task<> make_request(const ClientSession& session, char letter) {
    switch (letter) {
        case 'H':
            return read_whole(session, "HEAD");
        case 'D':
            return read_whole(session, "DELETE");
        case 'S':
            return read_in_pieces(session);
        case 'M':
            return read_little(session);
        case 'J':
            return read_json(session);
        case 'P':
            return send_text(session);
        case 'U':
            return send_pieces(session);
        case 'C':
            return leave_body(session);
        case '2':
            return read_two(session);
        case 'X':
            return give_up(session);
        default:
            return read_whole(session, "GET");
    }
}

// Another error than these ends the run, and so it is found.
Task<> try_request(const ClientSession& session, char letter) {
    try {
        co_await make_request(session, letter);
    } catch (const ClientError&) {
    } catch (const TimeoutError&) {
    }
}

Task<> run_script(std::string_view requests, Said* said) {
    static const testing::TemporaryDirectory folder;
    // For redirects to https: what the system trusts takes long to read.
    static const TlsContext trusts_anybody =
        TlsContext::client({.verify = tls::insecure_no_verify()});
    const std::string path = folder / "socket";
    const auto handler = [said](StreamReader reader, StreamWriter writer) {
        return serve(std::move(reader), std::move(writer), said);
    };
    Server server = co_await start_unix_server(handler, path);
    ClientSession session({.unix_socket = path, .tls = trusts_anybody});
    for (const char letter : requests.substr(0, requests_max)) {
        co_await try_request(session, letter);
    }
    co_await session.close();
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
}

}  // namespace

void fuzz_response(std::string_view input) {
    const std::string_view requests = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(requests.size() + 1, input.size()));
    Said said(input);
    const testing::Balance balance;
    testing::run_virtual(run_script(requests, &said));
    must_hold(balance.difference().empty(), "nothing is left");
    must_hold(http::detail::live_easy_handles() == 0, "no handle is left");
}

}  // namespace ringio::fuzz
