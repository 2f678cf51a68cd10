// A server for tests: it reads requests as a strict parser would, and answers what the test says,
// byte by byte if need be, on the loop of the test.
#pragma once

#include <ringio/http.hpp>
#include <ringio/streams.hpp>
#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include <ringio/tls.hpp>

#include <fmt/core.h>
#include <support/async_test_case.hpp>
#include <support/catch.hpp>
#include <support/ends.hpp>

#include "../../src/http/live_handles.hpp"

#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringio::test_support {

/// A request as it came.
struct Heard {
    std::string method;
    std::string target;
    http::Headers headers;
    std::string body;
    int connection = 0;  // the number of it, from 0

    std::string line() const { return fmt::format("{} {}", method, target); }
};

/// The text of an answer with a body whose length it says.
inline std::string answer(std::string_view status, std::string_view body,
                          std::string_view headers = "") {
    return fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(),
                       headers, body);
}

/// One chunk of a body that comes in chunks.
inline std::string chunk(std::string_view bytes) {
    return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

/// A connection of the server's, for a script.
class Conversation {
public:
    Conversation(StreamReader stream_reader, StreamWriter stream_writer, int connection,
                 std::vector<Heard>& heard, Event& stop)
        : reader(std::move(stream_reader)),
          writer(std::move(stream_writer)),
          number(connection),
          stopped(&stop),
          heard_(&heard) {}

    /// The next request, with its body; none when the client has gone.
    Task<std::optional<Heard>> next() {
        std::optional<Heard> request = co_await next_head();
        if (request) {
            request->body = co_await body_of(*request);
            heard_->back().body = request->body;
        }
        co_return request;
    }

    /// The same without its body.
    Task<std::optional<Heard>> next_head() {
        std::string head;
        bool gone = false;
        try {
            head = co_await reader.readuntil("\r\n\r\n");
        } catch (const std::runtime_error&) {  // IncompleteReadError, of the system, aborted
            gone = true;
        }
        if (gone) {
            co_return std::nullopt;
        }
        Heard request = parse(head);
        request.connection = number;
        heard_->push_back(request);
        co_return request;
    }

    Task<> send(std::string bytes) {
        writer.write(bytes);
        try {
            co_await writer.drain();
        } catch (const std::runtime_error&) {  // the client has had enough
        }
    }

    /// Waits until the client has closed the connection.
    Task<> until_gone() {
        try {
            std::string rest = co_await reader.read();
        } catch (const std::runtime_error&) {
        }
    }

    StreamReader reader;
    StreamWriter writer;
    int number;
    Event* stopped;  // set when the server stops: for a script that ignores its client

private:
    static Heard parse(const std::string& head) {
        Heard request;
        const std::size_t line_end = head.find("\r\n");
        const std::string line = head.substr(0, line_end);
        const std::size_t blank = line.find(' ');
        request.method = line.substr(0, blank);
        request.target = line.substr(blank + 1, line.rfind(' ') - blank - 1);
        for (std::size_t at = line_end + 2; at + 2 < head.size();) {
            const std::size_t end = head.find("\r\n", at);
            const std::string field = head.substr(at, end - at);
            const std::size_t colon = field.find(':');
            request.headers.add(field.substr(0, colon),
                                std::string(http::detail::trimmed(field.substr(colon + 1))));
            at = end + 2;
        }
        return request;
    }

    Task<std::string> body_of(Heard request) {
        if (request.headers.get("Transfer-Encoding") == "chunked") {
            std::string body;
            while (true) {
                const std::string size_line = co_await reader.readuntil("\r\n");
                const std::size_t size = std::stoul(size_line, nullptr, 16);
                const std::string bytes =
                    co_await reader.readexactly(static_cast<std::ptrdiff_t>(size + 2));
                if (size == 0) {
                    break;
                }
                body += bytes.substr(0, size);
            }
            co_return body;
        }
        const std::string length(request.headers.get("Content-Length", "0"));
        std::string body = co_await reader.readexactly(std::stol(length));
        co_return body;
    }

    std::vector<Heard>* heard_;
};

class HttpServer {
public:
    using Answer = std::function<std::string(const Heard&)>;
    using Script = std::function<Task<>(Conversation&)>;

    HttpServer() = default;
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Answers each request by a function; the connection is kept.
    Task<> start(Answer answers) {
        answers_ = std::move(answers);
        Script script = [this](Conversation& client) { return answer_all(client); };
        co_await run_script(std::move(script));
    }

    /// Runs a script for each connection.
    Task<> run_script(Script script) {
        script_ = std::move(script);
        auto handler = [this](StreamReader reader, StreamWriter writer) {
            return handle(std::move(reader), std::move(writer));
        };
        server_ = co_await start_server(handler, "127.0.0.1", 0, {.tls = tls_option()});
    }

    Task<> stop() {
        stopped_.set();
        server_->close();
        server_->abort_clients();
        co_await server_->wait_closed();
        while (open != 0) {
            left_.clear();
            co_await left_.wait();
        }
    }

    unsigned port() const { return server_->sockets()[0].getsockname().port(); }
    std::string url(std::string_view path) const { return url_of("127.0.0.1", path); }
    /// By a name, which a resolver of the test's is to know.
    std::string url_of(std::string_view host, std::string_view path) const {
        return fmt::format("{}://{}:{}{}", tls ? "https" : "http", host, port(), path);
    }

    std::optional<TlsContext> tls;  // what it speaks when it is started, or none
    std::vector<Heard> heard;
    int connections = 0;  // that there were
    int open = 0;         // that there are

private:
    TlsOption tls_option() const { return tls ? TlsOption(*tls) : TlsOption(); }

    Task<> answer_all(Conversation& client) {
        while (auto request = co_await client.next()) {
            co_await client.send(answers_(*request));
        }
    }

    Task<> handle(StreamReader reader, StreamWriter writer) {
        Conversation client(std::move(reader), std::move(writer), connections++, heard, stopped_);
        ++open;
        const ScopeExit leaves([this] {
            --open;
            left_.set();
        });
        try {
            co_await script_(client);
        } catch (const std::runtime_error&) {  // the client has gone
        }
        client.writer.close();
    }

    Answer answers_;
    Script script_;
    Event stopped_;
    Event left_;  // set by each script at its end
    std::optional<Server> server_;
};

/// Ends both; nothing is left then.
inline Task<> end(http::ClientSession& session, HttpServer& server) {
    co_await session.close();
    CHECK(http::detail::live_easy_handles() == 0);
    co_await server.stop();
}

}  // namespace ringio::test_support
