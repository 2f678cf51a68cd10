#include <ringio.hpp>

#include <support/async_test_case.hpp>
#include <support/catch.hpp>

#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace ringio;
using namespace std::chrono_literals;
using ringio::detail::DoneNode;
using ringio::detail::DoneNodes;
using ringio::detail::FutureStateBase;

class NamedNode final : public DoneNode {
public:
    explicit NamedNode(std::string name) : name_(std::move(name)) {}

    void notify(FutureStateBase&) noexcept override {}
    std::string describe() const override { return name_; }

private:
    std::string name_;
};

std::string in_order(const DoneNodes& nodes) {
    std::string names;
    for (const DoneNode& node : nodes) {
        names += node.describe();
    }
    return names;
}

}  // namespace

TEST_CASE("DoneNodes: who comes first goes first") {
    NamedNode a("a"), b("b"), c("c");
    DoneNodes nodes;
    CHECK(nodes.empty());
    CHECK(nodes.pop_front() == nullptr);
    nodes.push_back(a);
    nodes.push_back(b);
    nodes.push_back(c);
    CHECK(in_order(nodes) == "abc");
    CHECK(nodes.pop_front() == &a);
    CHECK_FALSE(a.is_waiting());
    nodes.push_back(a);
    CHECK(in_order(nodes) == "bca");
    CHECK(nodes.pop_front() == &b);
    CHECK(nodes.pop_front() == &c);
    CHECK(nodes.pop_front() == &a);
    CHECK(nodes.empty());
}

TEST_CASE("DoneNodes: any node may leave, and the others keep their order") {
    for (int leaving = 0; leaving < 4; ++leaving) {
        std::array<NamedNode, 4> all{NamedNode("a"), NamedNode("b"), NamedNode("c"),
                                     NamedNode("d")};
        DoneNodes nodes;
        for (NamedNode& node : all) {
            nodes.push_back(node);
        }
        std::string expected = "abcd";
        NamedNode& left = all[static_cast<std::size_t>(leaving)];
        nodes.remove(left);
        expected.erase(static_cast<std::size_t>(leaving), 1);
        CHECK_FALSE(left.is_waiting());
        CHECK(in_order(nodes) == expected);
        nodes.push_back(left);
        CHECK(in_order(nodes) == expected + left.describe());
        while (nodes.pop_front() != nullptr) {
        }
    }
}

TEST_CASE("DoneNodes: the only one may leave") {
    NamedNode a("a");
    DoneNodes nodes;
    nodes.push_back(a);
    nodes.remove(a);
    CHECK(nodes.empty());
    CHECK(nodes.begin() == nodes.end());
    nodes.push_back(a);
    CHECK(nodes.pop_front() == &a);
}

ASYNC_TEST_CASE("a future wakes tasks and calls callbacks in the order in which they came") {
    auto promise = get_running_loop().create_future<int>();
    auto future = promise.get_future();
    std::vector<std::string> order;
    const auto wait = [](Future<int> awaited, std::vector<std::string>& log,
                         std::string name) -> Task<> {
        co_await awaited;
        log.push_back(name);
    };
    auto first = create_task(wait(future, order, "first task"));
    co_await sleep(0s);
    future.add_done_callback([&order] { order.push_back("callback"); });
    auto second = create_task(wait(future, order, "second task"));
    auto third = create_task(wait(future, order, "third task"));
    co_await sleep(0s);
    promise.set_result(1);
    co_await gather(first, second, third);
    CHECK(order == std::vector<std::string>{"first task", "callback", "second task", "third task"});
}

TEST_CASE("those who wait for a future leave it one by one when their loop closes") {
    Promise<> promise;
    {
        EventLoop loop(LoopOptions{.virtual_time = true});
        int reports = 0;
        loop.set_exception_handler([&reports](EventLoop&, const ExceptionContext&) { ++reports; });
        promise = loop.create_future();
        const auto wait = [](Future<> awaited) -> Task<> { co_await awaited; };
        const auto start = [](auto waiting, Future<> awaited) -> Task<> {
            for (int i = 0; i < 3; ++i) {
                create_task(waiting(awaited));
            }
            co_await sleep(0s);
        };
        loop.run_until_complete(start(wait, promise.get_future()));
        loop.close();
        CHECK(reports == 3);
    }
    promise.set_result();
    CHECK(promise.done());
}
