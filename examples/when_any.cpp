// The same thing asked of several, and the first answer taken: the others are cancelled, and have
// ended when the statement is over. What the kernel had done for one of them all the same is a
// runner-up.
// Python: asyncio.wait(..., return_when=FIRST_COMPLETED), then cancelling and awaiting the rest.
#include <fmt/core.h>
#include <ringio.hpp>

#include <sys/socket.h>

using namespace std::chrono_literals;

ringio::Task<std::string> ask(std::string mirror, std::chrono::milliseconds pause) {
    try {
        co_await ringio::sleep(pause);
    } catch (const ringio::CancelledError&) {
        fmt::print("{}: not needed any more\n", mirror);
        throw;
    }
    co_return "the answer of " + mirror;
}

// [when_any]
ringio::Task<> ask_three() {
    auto [index, answer] =
        co_await ringio::when_any(ask("north", 2s), ask("south", 10ms), ask("west", 1s));
    fmt::print("{}: {}\n", index, answer);
}
// [/when_any]

// [runners_up]
ringio::Task<char> receive(const ringio::Socket& socket) {
    char byte = 0;
    std::ignore = co_await socket.recv(std::span(&byte, 1));
    co_return byte;
}

// Both bytes may have been taken out of their sockets by the time that the first one wins.
ringio::Task<> receive_either(const ringio::Socket& left, const ringio::Socket& right) {
    auto first = co_await ringio::when_any(receive(left), receive(right));
    fmt::print("{} came first", first.value);
    for (const auto& [index, byte] : first.runners_up) {
        fmt::print(", {} came as well", byte);
    }
    fmt::print("\n");
}
// [/runners_up]

ringio::Task<> main_coroutine() {
    co_await ask_three();

    int left[2];
    int right[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, left) != 0 ||
        ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, right) != 0) {
        co_return;
    }
    const ringio::Socket sockets[] = {
        ringio::Socket(ringio::UniqueFd(left[0])), ringio::Socket(ringio::UniqueFd(left[1])),
        ringio::Socket(ringio::UniqueFd(right[0])), ringio::Socket(ringio::UniqueFd(right[1]))};
    co_await sockets[1].send("a");
    co_await sockets[3].send("b");
    co_await receive_either(sockets[0], sockets[2]);
}

int main() { ringio::run(main_coroutine()); }
