// A channel: several producers, each with a handle of its own, and a stream that ends when the last
// of them is done. Python: trio.open_memory_channel().
#include <fmt/core.h>
#include <ringio.hpp>
#include <ringio/testing.hpp>

#include <string>

using namespace std::chrono_literals;

// [producer]
ringio::Task<> producer(ringio::Sender<std::string> sender, std::string name) {
    for (int number = 1; number <= 2; ++number) {
        co_await ringio::sleep(1s);
        co_await sender.send(fmt::format("{}{}", name, number));
    }
}
// [/producer]

// [consumer]
ringio::Task<> consumer(ringio::Receiver<std::string> receiver) {
    for (;;) {
        const auto item = co_await receiver.receive();
        if (!item) {
            break;  // no sender is left
        }
        fmt::print("received {}\n", *item);
    }
    fmt::print("the end\n");
}
// [/consumer]

ringio::Task<> main_coroutine() {
    // [open]
    auto [sender, receiver] = ringio::channel<std::string>(4);
    auto consuming = ringio::create_task(consumer(std::move(receiver)));
    auto first = ringio::create_task(producer(sender, "a"));
    auto second = ringio::create_task(producer(std::move(sender), "b"));
    // [/open]
    co_await ringio::gather(first, second, consuming);
}

int main() { ringio::testing::run_virtual(main_coroutine()); }
