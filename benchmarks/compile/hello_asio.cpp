// The least program: one coroutine that lets the loop turn once.
#include <asio.hpp>

#include <cstdio>

asio::awaitable<void> hello() {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::seconds(0));
    co_await timer.async_wait(asio::use_awaitable);
    std::puts("hello, world");
}

int main() {
    asio::io_context context(1);
    asio::co_spawn(context, hello(), asio::detached);
    context.run();
}
