// Feeds bytes, and how they are split, to either end of TLS. The first byte of an input chooses the
// end, and whether the bytes are all that it gets, or changes to what a real peer sends. In the
// latter case keys are random, and a crash may take several runs to come again.
#include <ringio/streams.hpp>
#include <ringio/tasks.hpp>
#include <ringio/testing.hpp>
#include <ringio/tls.hpp>
#include <support/fuzzing.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "../certificates.hpp"
#include "targets.hpp"

namespace ringio::fuzz {

using namespace test_support;

namespace {

constexpr std::string_view said = "hello, world\n";

class Input {
public:
    explicit Input(std::string_view bytes) noexcept : bytes_(bytes) {}

    bool empty() const noexcept { return bytes_.empty(); }
    std::uint8_t byte() noexcept {
        const std::string_view one = piece(1);
        return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one.front());
    }
    std::string_view piece(std::size_t size) noexcept {
        const std::string_view result = bytes_.substr(0, size);
        bytes_.remove_prefix(result.size());
        return result;
    }

private:
    std::string_view bytes_;
};

/// One end of TLS: says something, and hears what the other one says.
Task<> converse(Connection connection, TlsContext context) {
    try {
        co_await connection.writer.start_tls(context, {.server_hostname = "localhost"});
        connection.writer.write(said);
        co_await connection.writer.drain();
        const std::string heard = co_await connection.reader.readexactly(said.size());
        must_hold(heard == said, "what is heard is what was said");
        connection.writer.close();
        co_await connection.writer.wait_closed();
    } catch (const std::exception&) {
    }
    connection.writer.abort();
}

// What was cut off in a record is waited for without end.
Task<> speak(Connection connection, TlsContext context) {
    try {
        co_await wait_for(converse(std::move(connection), context), std::chrono::seconds(100));
    } catch (const TimeoutError&) {
    }
}

Task<> feed(Connection connection, Input input) {
    while (!input.empty()) {
        connection.writer.write(input.piece(1U + input.byte()));
        co_await sleep(Delay());
    }
    connection.writer.close();
}

/// Changes, drops and adds bytes here and there.
std::string changed(std::string bytes, Input& input) {
    std::size_t place = 0;
    while (!input.empty()) {
        const std::uint8_t what = input.byte();
        place += input.byte() + (what & 0x30U) * 16U;
        if (place >= bytes.size()) {
            break;
        }
        switch (what & 3U) {
            case 0:
                bytes[place] = static_cast<char>(bytes[place] ^ static_cast<char>(input.byte()));
                break;
            case 1:
                bytes.erase(place, 1U + input.byte() % 8U);
                break;
            case 2:
                bytes.insert(place, input.piece(input.byte() % 32U));
                break;
            default:
                bytes.resize(place);
                break;
        }
    }
    return bytes;
}

Task<> carry(StreamReader reader, StreamWriter writer, Input* changes) {
    try {
        for (;;) {
            std::string bytes = co_await reader.read(65536);
            if (bytes.empty()) {
                break;
            }
            if (changes != nullptr) {
                bytes = changed(std::move(bytes), *changes);
            }
            writer.write(bytes);
            co_await writer.drain();
        }
    } catch (const std::exception&) {
    }
    writer.close();
}

Task<> run_input(Input input) {
    static const TlsContext client = client_context();
    static const TlsContext server = server_context();
    static const TlsContext older =
        TlsContext::client({.ca_file = test_ca_file(), .max_version = TlsVersion::tls1_2});
    const std::uint8_t mode = input.byte();
    const bool is_server = (mode & 1U) != 0;
    auto [one, its_peer] = testing::memory_stream_pair();
    if ((mode & 2U) != 0) {
        TaskHandle<> feeding = create_task(feed(std::move(its_peer), input));
        co_await speak(std::move(one), is_server ? server : client);
        feeding.cancel();
        co_return;
    }
    auto [other, other_peer] = testing::memory_stream_pair();
    const TlsContext& chosen = (mode & 4U) != 0 ? older : client;
    TaskHandle<> there =
        create_task(carry(its_peer.reader, other_peer.writer, is_server ? nullptr : &input));
    TaskHandle<> back =
        create_task(carry(other_peer.reader, its_peer.writer, is_server ? &input : nullptr));
    TaskHandle<> serving = create_task(speak(std::move(other), server));
    co_await speak(std::move(one), chosen);
    co_await serving;
    co_await there;
    co_await back;
}

}  // namespace

void fuzz_tls(std::string_view input) {
    const testing::Balance balance;
    testing::run_virtual(run_input(Input(input)));
    must_hold(balance.difference().empty(), "nothing is left");
}

}  // namespace ringio::fuzz
