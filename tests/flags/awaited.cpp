// The other unit: what is awaited.
#include "transfers.hpp"

using namespace ringio;
using namespace std::chrono_literals;

Task<int> flags::one() {
    stack.look();
    co_return 1;
}

Task<int> flags::deep(int levels) {
    stack.look();
    if (levels == 0) {
        co_await sleep(0s);
        co_return 0;
    }
    const int below = co_await deep(levels - 1);
    stack.look();
    co_return below + 1;
}

AsyncGenerator<int> flags::items(int count) {
    for (int i = 0; i < count; ++i) {
        stack.look();
        co_yield i;
    }
}
