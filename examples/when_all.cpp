// Several coroutines at once that need each other: when one fails, the others are cancelled and
// waited for before the error comes out. So they may use the locals of whoever awaits them.
// Python: async with asyncio.TaskGroup() as group: ..., but the results and the error come out of
// the statement itself.
#include <fmt/core.h>
#include <ringio.hpp>

#include <numeric>

using namespace std::chrono_literals;

ringio::Task<int> count_words(std::string_view chapter, std::chrono::milliseconds pause) {
    try {
        co_await ringio::sleep(pause);
    } catch (const ringio::CancelledError& error) {
        const bool by_sibling = error.source().cause() == ringio::CancelCause::when_all;
        fmt::print("{}: cancelled by {}\n", chapter, by_sibling ? "a sibling" : "somebody");
        throw;
    }
    if (chapter.empty()) {
        throw std::runtime_error("a chapter is empty");
    }
    fmt::print("{}: counted\n", chapter);
    co_return static_cast<int>(chapter.size());
}

// [when_all]
ringio::Task<int> count_book(std::vector<std::string> chapters) {
    auto [first, last] = co_await ringio::when_all(count_words(chapters.front(), 20ms),
                                                   count_words(chapters.back(), 10ms));
    fmt::print("first and last: {}\n", first + last);

    std::vector<ringio::Task<int>> counts;
    for (const std::string& chapter : chapters) {
        counts.push_back(count_words(chapter, 10ms * counts.size()));
    }
    const std::vector<int> counted = co_await ringio::when_all(counts);  // in the order given
    co_return std::accumulate(counted.begin(), counted.end(), 0);
}
// [/when_all]

ringio::Task<> main_coroutine() {
    const std::vector<std::string> good = {"Loomings", "The Carpet-Bag", "Epilogue"};
    const int all = co_await count_book(good);
    fmt::print("all: {}\n", all);
    const std::vector<std::string> bad = {"Loomings", "", "Etymology", "Epilogue"};
    try {
        co_await count_book(bad);
    } catch (const std::runtime_error& error) {
        fmt::print("no count: {}\n", error.what());
    }
}

int main() { ringio::run(main_coroutine()); }
