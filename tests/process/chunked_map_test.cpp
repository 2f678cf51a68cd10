#include <ringio/process/chunked_map.hpp>

#include <ringio/process/process_pool_executor.hpp>
#include <support/catch.hpp>
#include <support/no_processes.hpp>

#include <list>
#include <mutex>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

using namespace ringio::test_support;
using ringio::concurrent::ProcessPoolExecutor;
using ringio::detail::pool_chunk_size;

namespace {

int doubled(int x) { return x * 2; }
int refuse_three(int x) {
    if (x == 3) {
        throw std::out_of_range("three");
    }
    return x;
}
std::string times(const std::string& text, int count) {
    std::string all;
    for (; count > 0; --count) {
        all += text;
    }
    return all;
}

template <class Results>
auto all_of(Results&& results) {
    std::vector<typename std::remove_cvref_t<Results>::value_type> values;
    for (auto value : results) {
        values.push_back(std::move(value));
    }
    return values;
}

}  // namespace

TEST_CASE(
    "chunked map: a chunk is a quarter of a worker's share, rounded up, multiprocessing's rule") {
    CHECK(pool_chunk_size(0, 4) == 1);
    CHECK(pool_chunk_size(1, 4) == 1);
    CHECK(pool_chunk_size(16, 4) == 1);
    CHECK(pool_chunk_size(17, 4) == 2);
    CHECK(pool_chunk_size(1000, 2) == 125);
}

TEST_CASE("chunked map: the results come in the order of the input, whatever the chunks") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    std::vector<int> numbers(100);
    std::vector<int> expected(100);
    for (int i = 0; i < 100; ++i) {
        numbers[static_cast<std::size_t>(i)] = i;
        expected[static_cast<std::size_t>(i)] = 2 * i;
    }
    CHECK(all_of(pool.map(doubled, numbers)) == expected);
    for (const std::size_t chunksize : {1U, 3U, 99U, 100U, 1000U}) {
        CHECK(all_of(pool.map(doubled, numbers, {.chunksize = chunksize})) == expected);
    }
    CHECK(numbers.size() == 100);
}

TEST_CASE("chunked map: takes every kind of range, and two of them until the shorter ends") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    CHECK(all_of(pool.map(doubled, std::vector<int>())).empty());
    CHECK(all_of(pool.map(doubled, std::list{1, 2, 3})) == std::vector{2, 4, 6});
    CHECK(all_of(pool.map(doubled, std::views::iota(1, 4))) == std::vector{2, 4, 6});
    auto odd = std::views::iota(0, 6) | std::views::filter([](int x) { return x % 2 == 1; });
    CHECK(all_of(pool.map(doubled, odd)) == std::vector{2, 6, 10});
    const std::vector<std::string> texts = {"a", "b", "c"};
    CHECK(all_of(pool.map(times, texts, std::vector{3, 1})) ==
          std::vector<std::string>{"aaa", "b"});
    CHECK(all_of(pool.map([](const char letter) { return letter == 'x'; }, std::string("axx"))) ==
          std::vector<bool>{false, true, true});
}

TEST_CASE("chunked map: results of nothing are counted") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    CHECK(all_of(pool.map([](int) {}, std::vector{1, 2, 3})).size() == 3);
}

TEST_CASE("chunked map: an exception comes in the place of its chunk, and ends the range") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(2);
    auto results = pool.map(refuse_three, std::vector{1, 2, 3, 4}, {.chunksize = 1});
    CHECK(results.next() == 1);
    CHECK(results.next() == 2);
    CHECK_THROWS_AS(results.next(), std::out_of_range);
    CHECK_FALSE(results.next().has_value());
    auto in_chunks = pool.map(refuse_three, std::vector{1, 2, 3, 4}, {.chunksize = 2});
    CHECK(in_chunks.next() == 1);
    CHECK(in_chunks.next() == 2);
    CHECK_THROWS_AS(in_chunks.next(), std::out_of_range);
    CHECK(pool.submit(doubled, 4).result() == 8);
}

TEST_CASE("chunked map: with a buffer no more chunks are read than are wanted") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(1);
    int read = 0;
    auto counted = std::views::iota(0, 1000) | std::views::transform([&](int x) {
                       ++read;
                       return x;
                   });
    auto results = pool.map(doubled, counted, {.chunksize = 10, .buffersize = 2});
    CHECK(read == 20);
    CHECK(results.next() == 0);
    CHECK(read == 30);
    for (int taken = 1; taken < 10; ++taken) {
        results.next();
    }
    CHECK(read == 30);
    CHECK(results.next() == 20);
    CHECK(read == 40);
}

TEST_CASE("chunked map: the time for all results passes in the middle of them") {
    const NoProcesses none_left;
    ProcessPoolExecutor pool(
        {.max_workers = 1, .cancel_running = ringio::concurrent::CancelRunning::kill});
    auto stop = [](int x) {
        if (x == 1) {
            ::pause();
        }
        return x;
    };
    auto results = pool.map(stop, std::vector{0, 1},
                            {.timeout = std::chrono::milliseconds(300), .chunksize = 1});
    CHECK(results.next() == 0);
    CHECK_THROWS_AS(results.next(), ringio::TimeoutError);
    pool.kill_workers();
}
