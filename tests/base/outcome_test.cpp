#include <ringio/base/outcome.hpp>

#include <support/catch.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using ringio::Outcome;

static_assert(sizeof(Outcome<int>) == 2 * sizeof(void*));
static_assert(sizeof(Outcome<void>) == sizeof(void*));
static_assert(!std::is_default_constructible_v<Outcome<int>>);
static_assert(std::is_default_constructible_v<Outcome<void>>);
static_assert(std::is_copy_constructible_v<Outcome<std::string>>);
static_assert(!std::is_copy_constructible_v<Outcome<std::unique_ptr<int>>>);
static_assert(!std::is_copy_assignable_v<Outcome<std::unique_ptr<int>>>);
static_assert(std::is_nothrow_move_constructible_v<Outcome<std::unique_ptr<int>>>);
static_assert(std::is_nothrow_move_assignable_v<Outcome<std::string>>);
static_assert(std::is_convertible_v<std::string, Outcome<std::string>>);
static_assert(!std::is_convertible_v<std::exception_ptr, Outcome<int>>);
static_assert(!std::is_aggregate_v<Outcome<int>> && !std::is_aggregate_v<Outcome<void>>);

std::exception_ptr failure() { return std::make_exception_ptr(std::runtime_error("failed")); }

struct ThrowsWhenMoved {
    bool armed = false;
    ThrowsWhenMoved() = default;
    ThrowsWhenMoved(const ThrowsWhenMoved& other) : armed(other.armed) {
        if (armed) {
            throw std::logic_error("moved");
        }
    }
};

}  // namespace

TEST_CASE("Outcome: holds a value") {
    Outcome<std::string> outcome = std::string("text");
    CHECK(outcome.has_value());
    CHECK(outcome);
    CHECK(outcome.value() == "text");
    CHECK(std::as_const(outcome).value() == "text");
    CHECK(*outcome == "text");
    CHECK(outcome->size() == 4);
    CHECK(outcome.exception() == nullptr);
    CHECK(outcome.value_or("other") == "text");
    CHECK(std::move(outcome).value() == "text");
    CHECK(Outcome<std::string>(std::in_place, 3u, 'x').value() == "xxx");
}

TEST_CASE("Outcome: holds an exception") {
    const std::exception_ptr exception = failure();
    Outcome<std::string> outcome(exception);
    CHECK_FALSE(outcome.has_value());
    CHECK_FALSE(outcome);
    CHECK(outcome.exception() == exception);
    CHECK_THROWS_AS(outcome.value(), std::runtime_error);
    CHECK_THROWS_AS(std::as_const(outcome).value(), std::runtime_error);
    CHECK_THROWS_AS(std::move(outcome).value(), std::runtime_error);
    CHECK(outcome.value_or("other") == "other");
    CHECK(Outcome<int>::failure(exception).exception() == exception);
    CHECK(Outcome<std::unique_ptr<int>>(exception).value_or(nullptr) == nullptr);
}

TEST_CASE("Outcome: a null exception is refused") {
    CHECK_THROWS_AS(Outcome<int>(std::exception_ptr()), std::invalid_argument);
    CHECK_THROWS_AS(Outcome<int>::failure(nullptr), std::invalid_argument);
    CHECK_THROWS_AS(Outcome<void>(std::exception_ptr()), std::invalid_argument);
    CHECK_THROWS_AS(Outcome<void>::failure(nullptr), std::invalid_argument);
}

TEST_CASE("Outcome: of nothing is success or an exception") {
    Outcome<void> success;
    CHECK(success.has_value());
    CHECK(success.exception() == nullptr);
    success.value();
    *success;

    Outcome<void> failed(failure());
    CHECK_FALSE(failed);
    CHECK_THROWS_AS(failed.value(), std::runtime_error);
    Outcome<void> moved = std::move(failed);
    CHECK_FALSE(moved);
    CHECK_FALSE(failed);
    failed = success;
    CHECK(failed);
}

TEST_CASE("Outcome: an exception_ptr may be the value") {
    Outcome<std::exception_ptr> value = failure();
    CHECK(value.has_value());
    CHECK_FALSE(Outcome<std::exception_ptr>::failure(failure()).has_value());
}

TEST_CASE("Outcome: moves what can only be moved") {
    Outcome<std::unique_ptr<int>> first(std::make_unique<int>(1));
    Outcome<std::unique_ptr<int>> second = std::move(first);
    CHECK(first.has_value());
    CHECK(*first == nullptr);
    CHECK(**second == 1);
    const std::unique_ptr<int> taken = std::move(second).value();
    CHECK(*taken == 1);
}

TEST_CASE("Outcome: assignment goes between any two states and leaks nothing") {
    auto token = std::make_shared<int>(0);
    {
        Outcome<std::shared_ptr<int>> value = token;
        Outcome<std::shared_ptr<int>> failed(failure());
        Outcome<std::shared_ptr<int>> target = token;
        CHECK(token.use_count() == 3);
        target = failed;
        CHECK_FALSE(target);
        CHECK(token.use_count() == 2);
        target = value;
        CHECK(*target == token);
        target = value;
        CHECK(token.use_count() == 3);
        Outcome<std::shared_ptr<int>>& same = target;
        target = same;
        target = std::move(same);
        CHECK(*target == token);
        target = std::move(failed);
        CHECK_FALSE(target);
        CHECK_FALSE(failed);
        target = token;
        CHECK(token.use_count() == 3);
    }
    CHECK(token.use_count() == 1);
}

TEST_CASE("Outcome: a move that throws during assignment leaves that exception") {
    Outcome<ThrowsWhenMoved> target(std::in_place);
    Outcome<ThrowsWhenMoved> source(std::in_place);
    source->armed = true;
    CHECK_THROWS_AS(target = std::move(source), std::logic_error);
    CHECK_THROWS_AS(target.value(), std::logic_error);
}

TEST_CASE("Outcome: lives in a vector") {
    std::vector<Outcome<std::unique_ptr<int>>> outcomes;
    for (int i = 0; i < 10; ++i) {
        if (i % 2 == 0) {
            outcomes.emplace_back(std::make_unique<int>(i));
        } else {
            outcomes.emplace_back(failure());
        }
    }
    CHECK(**outcomes[8] == 8);
    CHECK_FALSE(outcomes[9]);
}
