// One of two units: what awaits. main() says how far the stack grew.
#include "transfers.hpp"

#include <cstdio>

using namespace ringio;

Task<int> flags::many(int count) {
    int sum = 0;
    for (int i = 0; i < count; ++i) {
        sum += co_await one();
        stack.look();
    }
    co_return sum;
}

namespace {

Task<int> sum_of_items(int count) {
    int sum = 0;
    AsyncGenerator<int> numbers = flags::items(count);
    while (auto item = co_await numbers.next()) {
        sum += *item >= 0 ? 1 : 0;
        flags::stack.look();
    }
    co_return sum;
}

// An eager task runs within the step that makes it, and must not hide how deep that stands.
Task<int> many_with_eager_tasks(int count) {
    int sum = 0;
    for (int i = 0; i < count; ++i) {
        sum += co_await flags::one();
        const TaskHandle<int> eager = create_task(flags::many(i % 40), {.eager_start = true});
        sum += eager.done() ? 0 : 1;
        flags::stack.look();
    }
    co_return sum;
}

Task<int> everything() {
    constexpr int count = 300'000;
    int sum = co_await flags::many(count);
    sum += co_await flags::deep(count);
    sum += co_await sum_of_items(count);
    sum += co_await many_with_eager_tasks(count / 10);
    co_return sum - 3 * count - count / 10;
}

}  // namespace

int main() {
    constexpr std::size_t most = 512 * 1024;
    const int wrong = run(everything());
    std::printf("%d wrong, %zu bytes of stack\n", wrong, flags::stack.span());
    return wrong == 0 && flags::stack.span() <= most ? 0 : 1;
}
