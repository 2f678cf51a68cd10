// RESP2, the protocol of Redis, spoken over ringio's own streams: no library is needed.
#pragma once

#include <fmt/format.h>
#include <ringio.hpp>

#include <charconv>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace resp {

/// What the server answers, or why the connection is lost.
class Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A reply: null, a number, a text, an error, or an array of replies.
struct Value : std::variant<std::monostate, long long, std::string, Error, std::vector<Value>> {
    using variant::variant;

    bool is_null() const noexcept { return index() == 0; }
    /// *Errors*: std::bad_variant_access when it is none.
    long long number() const { return std::get<long long>(*this); }
    const std::string& text() const { return std::get<std::string>(*this); }
    const std::vector<Value>& array() const { return std::get<std::vector<Value>>(*this); }
    const Value& operator[](std::size_t at) const { return array().at(at); }
};

/// A command is an array of texts, each with its length before it: any bytes will do.
template <class... Words>
std::string encode(const Words&... words) {
    std::string bytes = fmt::format("*{}\r\n", sizeof...(words));
    const auto add = [&bytes](const std::string& word) {
        bytes += fmt::format("${}\r\n", word.size()) + word + "\r\n";
    };
    (add(fmt::format("{}", words)), ...);
    return bytes;
}

inline long long parse_number(std::string_view text) {
    long long number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
        throw Error(fmt::format("the peer does not speak RESP: '{}'", text));
    }
    return number;
}

// [read]
inline ringio::Task<Value> read_value(ringio::StreamReader& reader) {
    std::string line = co_await reader.readuntil("\r\n");
    const char kind = line.front();
    line = line.substr(1, line.size() - 3);
    if (kind == '+') {
        co_return Value(std::move(line));
    }
    if (kind == '-') {
        co_return Value(Error(line));
    }
    const long long number = parse_number(line);
    if (kind == ':') {
        co_return Value(number);
    }
    if (number < 0) {
        co_return Value();
    }
    if (kind == '$') {
        std::string text = co_await reader.readexactly(number + 2);
        text.resize(text.size() - 2);
        co_return Value(std::move(text));
    }
    if (kind != '*') {
        throw Error(fmt::format("the peer does not speak RESP: '{}'", kind));
    }
    std::vector<Value> values;
    for (long long at = 0; at < number; ++at) {
        values.push_back(co_await read_value(reader));
    }
    co_return Value(std::move(values));
}
// [/read]

/// A connection that many tasks share: commands of one turn leave together, one after the other as
/// they were called, and replies come in that order.
///
/// *Cancellation*: a reply that nobody waits for any more is dropped. *Lifetime*: when it goes, the
/// connection is closed, and those who wait get an Error.
class Client {
public:
    /// *Errors*: std::system_error.
    static ringio::Task<Client> connect(std::string host, int port) {
        auto connection = co_await ringio::open_connection(host, port);
        co_return Client(std::move(connection));
    }

    explicit Client(ringio::Connection connection)
        : state_(std::make_shared<State>(std::move(connection))) {
        ringio::create_task(deliver(state_));
    }
    Client(Client&&) = default;
    Client& operator=(Client&&) = delete;
    ~Client() {
        if (state_) {
            state_->connection.writer.abort();
        }
    }

    /// Sends a command: texts and numbers. The future's error is what the server refuses, too.
    template <class... Words>
    ringio::Future<Value> command(const Words&... words) {
        auto reply = ringio::get_running_loop().create_future<Value>();
        if (state_->lost) {
            reply.set_exception(Error(state_->why));
        } else {
            state_->replies.push_back(reply);
            state_->connection.writer.write(encode(words...));
        }
        return reply.get_future();
    }

private:
    struct State {
        explicit State(ringio::Connection connected) : connection(std::move(connected)) {}

        void end() {
            lost = true;
            connection.writer.abort();
            for (ringio::Promise<Value>& reply : std::exchange(replies, {})) {
                if (!reply.done()) {
                    reply.set_exception(Error(why));
                }
            }
        }

        ringio::Connection connection;
        std::deque<ringio::Promise<Value>> replies;
        std::string why = "the connection is closed";
        bool lost = false;
    };

    /// The only one who reads.
    static ringio::Task<> deliver(std::shared_ptr<State> state) {
        const ringio::ScopeExit end([&state] { state->end(); });
        try {
            for (;;) {
                Value value = co_await read_value(state->connection.reader);
                if (state->replies.empty()) {
                    throw Error("a reply that nobody has asked for");
                }
                ringio::Promise<Value> reply = std::move(state->replies.front());
                state->replies.pop_front();
                if (reply.done()) {
                    continue;  // who asked was cancelled
                }
                if (const Error* const error = std::get_if<Error>(&value)) {
                    reply.set_exception(*error);
                } else {
                    reply.set_result(std::move(value));
                }
            }
        } catch (const ringio::IncompleteReadError&) {
            // The end.
        } catch (const std::exception& error) {
            state->why = error.what();
        }
    }

    std::shared_ptr<State> state_;
};

}  // namespace resp
