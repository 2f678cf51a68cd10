// Random programs over the primitives of sync/, with cancellations at random moments. When nobody
// can go on, nobody may be asleep who could; in the end every permit is back, and every item was
// got once by somebody or is still there. A failure names the seed that repeats it.
#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace ringio;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t programs = 5000;

/// An item: who made it, and which of his it is.
using Item = std::pair<int, int>;

/// What went into a queue or channel, and what came out, in that order.
struct Books {
    std::set<Item> in;
    std::vector<Item> out;

    /// Every item that went in came out once, those of each maker in their order.
    bool balance(bool in_order) const {
        std::map<int, int> last;
        for (const auto& [maker, number] : out) {
            const auto [position, first] = last.emplace(maker, number);
            if (!first && in_order && number <= position->second) {
                return false;
            }
            position->second = number;
        }
        return out.size() == in.size() && std::set<Item>(out.begin(), out.end()) == in;
    }
};

/// How many do something at once.
class Count {
public:
    explicit Count(int& value) noexcept : value_(value) { ++value_; }
    Count(const Count&) = delete;
    Count& operator=(const Count&) = delete;
    ~Count() { --value_; }

private:
    int& value_;
};

class Program {
public:
    explicit Program(std::uint64_t seed)
        : random_(seed),
          theme_(draw(0, 6)),
          other_theme_(draw(0, 8)),
          permits_(draw(1, 3)),
          semaphore_(permits_),
          limiter_(draw(1, 3)),
          queue_(draw(0, 3)),
          last_in_(draw(1, 2)),
          channel_(static_cast<std::size_t>(draw(0, 3))) {}

    /// Runs it, and tells what went wrong.
    Task<std::string> run() {
        const int workers = draw(3, 9);
        for (int worker = 0; worker < workers; ++worker) {
            workers_.push_back(create_task(work(worker, draw(3, 12))));
        }
        co_await sleep(1h);  // until nobody can go on
        check_sleepers();
        co_await finish();
        check_ends();
        for (TaskHandle<>& worker : workers_) {
            worker.cancel();
        }
        co_await sleep(1h);
        co_return failure_;
    }

private:
    int draw(int least, int most) {
        return least + static_cast<int>(random_() % static_cast<unsigned>(most - least + 1));
    }
    bool chance(int percent) { return draw(1, 100) <= percent; }

    void require(bool holds, const char* text) {
        if (!holds && failure_.empty()) {
            failure_ = text;
        }
    }

    Task<> work(int worker, int steps) {
        for (int step = 0; step < steps; ++step) {
            bool cancelled = false;
            try {
                co_await act(Item(worker, step));
            } catch (const CancelledError&) {
                cancelled = true;
            } catch (const TimeoutError&) {
            } catch (const ChannelClosed&) {
            } catch (const QueueShutDown&) {
            }
            if (cancelled && chance(30)) {
                break;
            }
        }
    }

    Task<> act(Item item) {
        if (chance(25)) {
            workers_[static_cast<std::size_t>(draw(0, static_cast<int>(workers_.size()) - 1))]
                .cancel();
        }
        co_await pause();
        Task<> deed = choose(item);
        if (chance(20)) {
            co_await wait_for(std::move(deed), std::chrono::microseconds(draw(0, 3)));
        } else {
            co_await deed;
        }
    }

    /// Lets a few turns, or a little time, go by.
    Task<> pause() {
        const int turns = draw(0, 2);
        for (int turn = 0; turn < turns; ++turn) {
            co_await sleep(0s);
        }
        if (chance(20)) {
            co_await sleep(std::chrono::microseconds(draw(1, 3)));
        }
    }

    Task<> choose(Item item) {
        switch (chance(50) ? theme_ : other_theme_) {
            case 0:
                return use_lock();
            case 1:
                return use_semaphore();
            case 2:
                return use_limiter();
            case 3:
                return chance(50) ? produce() : consume();
            case 4:
                return chance(50) ? put(queue_, queue_books_, item) : get(queue_, queue_books_);
            case 5:
                return chance(50) ? put(last_in_, last_in_books_, item)
                                  : get(last_in_, last_in_books_);
            case 6:
                return chance(50) ? send(item) : receive();
            case 7:
                return try_channel(item);
            default:
                return close_something();
        }
    }

    Task<> use_lock() {
        const auto held = co_await lock_.scoped();
        const Count inside(in_lock_);
        require(in_lock_ == 1, "two tasks hold the lock");
        co_await pause();
    }

    Task<> use_semaphore() {
        const auto held = co_await semaphore_.scoped();
        const Count inside(in_semaphore_);
        require(in_semaphore_ <= permits_, "more tasks hold the semaphore than it has permits");
        co_await pause();
    }

    Task<> use_limiter() {
        if (chance(20)) {
            limiter_.set_total_tokens(draw(1, 4));
        }
        const auto token = co_await limiter_.scoped();
        const Count inside(in_limiter_);
        require(in_limiter_ <= 4, "more tasks hold tokens than there ever were");
        co_await pause();
    }

    Task<> produce() {
        const auto held = co_await condition_.scoped();
        ++produced_;
        condition_.notify();
        co_await pause();
    }

    Task<> consume() {
        const auto held = co_await condition_.scoped();
        const Count waiting(consumers_);
        auto any = [this]() { return produced_ != 0; };
        co_await condition_.wait_for(any);
        require(condition_.locked(), "a wait for a condition ended without the lock");
        produced_ -= produced_ > 0 ? 1 : 0;
    }

    template <class Q>
    Task<> put(Q& queue, Books& books, Item item) {
        co_await queue.put(item);
        books.in.insert(item);
    }

    template <class Q>
    Task<> get(Q& queue, Books& books) {
        const Item item = co_await queue.get();
        books.out.push_back(item);
        if (chance(50)) {
            co_await pause();
        }
    }

    Task<> send(Item item) {
        co_await channel_.send(item);
        channel_books_.in.insert(item);
    }

    Task<> receive() {
        const std::optional<Item> item = co_await channel_.receive();
        if (item) {
            channel_books_.out.push_back(*item);
        } else {
            require(channel_.at_end(), "the end of a channel came before its last item");
        }
    }

    Task<> try_channel(Item item) {
        if (chance(50)) {
            if (channel_.try_send(item)) {
                channel_books_.in.insert(item);
            }
        } else if (const std::optional<Item> received = channel_.try_receive()) {
            channel_books_.out.push_back(*received);
        }
        co_return;
    }

    Task<> close_something() {
        switch (draw(0, 20)) {
            case 0:
                channel_.close();
                break;
            case 1:
                queue_.shutdown();
                break;
            case 2:
                last_in_.shutdown();
                break;
            default:
                break;
        }
        co_return;
    }

    static bool has(const std::string& repr, const char* part) {
        return repr.find(part) != std::string::npos;
    }

    /// Nobody who sleeps could go on.
    void check_sleepers() {
        require(lock_.repr() == "<Lock [unlocked]>", "somebody waits for a lock that is free");
        require(
            semaphore_.repr() == "<Semaphore [unlocked, value:" + std::to_string(permits_) + "]>",
            "a permit is lost, or somebody waits for one that is there");
        require(limiter_.borrowed_tokens() == 0 && limiter_.statistics().waiting == 0,
                "a token is lost, or somebody waits for one that is there");
        require(!condition_.locked(), "the lock of the condition was not given back");
        require(consumers_ == 0 || produced_ == 0, "somebody waits for what was notified");
        check_sleepers(queue_);
        check_sleepers(last_in_);
        const ChannelStatistics channel = channel_.statistics();
        require(channel.waiting_receivers == 0 || (channel.items == 0 && !channel.waiting_senders),
                "somebody waits to receive an item that is there");
        require(channel.waiting_senders == 0 || channel.items >= channel.capacity,
                "somebody waits to send an item for which there is room");
    }

    template <class Q>
    void check_sleepers(const Q& queue) {
        const std::string repr = queue.repr();
        require(!has(repr, "_getters") || queue.empty(), "somebody waits for an item in a queue");
        require(!has(repr, "_putters") || queue.full(), "somebody waits for room in a queue");
    }

    /// Lets everybody end, and takes what is left.
    Task<> finish() {
        queue_.shutdown();
        last_in_.shutdown();
        channel_.close();
        for (int round = 0; round < 20 && !all_done(); ++round) {
            {
                const auto held = co_await condition_.scoped();
                produced_ = -1;
                condition_.notify_all();
            }
            co_await sleep(1h);
        }
        take_rest(queue_, queue_books_);
        take_rest(last_in_, last_in_books_);
        while (const std::optional<Item> item = channel_.try_receive()) {
            channel_books_.out.push_back(*item);
        }
    }

    bool all_done() const {
        return std::all_of(workers_.begin(), workers_.end(),
                           [](const TaskHandle<>& worker) { return worker.done(); });
    }

    template <class Q>
    static void take_rest(Q& queue, Books& books) {
        while (!queue.empty()) {
            books.out.push_back(queue.get_nowait());
        }
    }

    void check_ends() {
        require(all_done(), "somebody sleeps for ever");
        require(queue_books_.balance(true), "an item of the queue was lost, or got twice");
        require(last_in_books_.balance(false), "an item of the stack was lost, or got twice");
        require(channel_books_.balance(true), "an item of the channel was lost, or got twice");
        require(channel_.at_end(), "a drained channel is not at its end");
    }

    std::mt19937_64 random_;
    int theme_;  // what most tasks of the program do
    int other_theme_;
    int permits_;
    Lock lock_;
    Semaphore semaphore_;
    CapacityLimiter limiter_;
    Condition condition_;
    Queue<Item> queue_;
    LifoQueue<Item> last_in_;
    Channel<Item> channel_;
    Books queue_books_;
    Books last_in_books_;
    Books channel_books_;
    int in_lock_ = 0;
    int in_semaphore_ = 0;
    int in_limiter_ = 0;
    int consumers_ = 0;
    int produced_ = 0;
    std::vector<TaskHandle<>> workers_;
    std::string failure_;
};

}  // namespace

ASYNC_TEST_CASE("sync: random programs with random cancellations lose nothing", "[any_order]") {
    for (std::uint64_t seed = 1; seed <= programs; ++seed) {
        Program program(seed);
        const std::string failure = co_await program.run();
        INFO("seed " << seed);
        REQUIRE(failure == "");
    }
}
