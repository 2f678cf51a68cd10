// A relay: what comes from one connection goes over another, in both directions, each of which may
// end before the other.
#include <fmt/core.h>
#include <ringio.hpp>

#include <utility>

// [relay]
ringio::Task<> pump(ringio::StreamReader from, ringio::StreamWriter to) {
    for (;;) {
        const auto data = co_await from.read(64 * 1024);
        if (data.empty()) {
            break;
        }
        to.write(data);
        co_await to.drain();  // a slow receiver holds the sender back
    }
    to.write_eof();  // this direction is over; the other one may go on
}

ringio::Task<> relay(ringio::Connection near, ringio::Connection far) {
    co_await ringio::task_group([&](ringio::TaskGroup& group) -> ringio::Task<> {
        group.create_task(pump(near.reader, far.writer));
        group.create_task(pump(far.reader, near.writer));
        co_return;
    });
    near.writer.close();
    far.writer.close();
}
// [/relay]

ringio::Task<> shout(ringio::StreamReader reader, ringio::StreamWriter writer) {
    const auto text = co_await reader.read();  // the end of the question begins the answer
    writer.write(text + "!");
    writer.close();
}

ringio::Task<> co_main() {
    auto server = co_await ringio::start_server(shout, "127.0.0.1", 0);
    const auto port = server.sockets()[0].getsockname().port();
    auto through = [port](ringio::StreamReader reader, ringio::StreamWriter writer) {
        return [](ringio::Connection near, long target) -> ringio::Task<> {
            auto far = co_await ringio::open_connection("127.0.0.1", target);
            co_await relay(std::move(near), std::move(far));
        }(ringio::Connection(std::move(reader), std::move(writer)), port);
    };
    auto between = co_await ringio::start_server(through, "127.0.0.1", 0);

    auto [reader, writer] =
        co_await ringio::open_connection("127.0.0.1", between.sockets()[0].getsockname().port());
    writer.write("hello");
    writer.write_eof();
    fmt::print("{}\n", co_await reader.read());
    writer.close();
    for (auto* listening : {&between, &server}) {
        listening->close();
        co_await listening->wait_closed();
    }
}

int main() { ringio::run(co_main()); }
