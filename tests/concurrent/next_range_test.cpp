#include <ringio/concurrent/next_range.hpp>

#include <support/catch.hpp>

#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

/// Gives 1, 2, … up to a limit.
class CountingSource : public ringio::detail::NextRange<CountingSource, std::unique_ptr<int>> {
public:
    explicit CountingSource(int limit) : limit_(limit) {}
    std::optional<std::unique_ptr<int>> next() {
        if (at_ == limit_) {
            return std::nullopt;
        }
        return std::make_unique<int>(++at_);
    }
    int asked() const { return at_; }

private:
    int limit_;
    int at_ = 0;
};

}  // namespace

TEST_CASE("NextRange: is an input range of values that may be moved out") {
    static_assert(std::ranges::input_range<CountingSource>);
    static_assert(!std::ranges::forward_range<CountingSource>);
    CountingSource source(3);
    std::vector<std::unique_ptr<int>> values;
    for (auto value : source) {
        values.push_back(std::move(value));
    }
    REQUIRE(values.size() == 3);
    CHECK(*values[2] == 3);
    CHECK(source.begin() == source.end());
}

TEST_CASE("NextRange: asks for no more than is read, and goes on where it stopped") {
    CountingSource source(5);
    CHECK(source.asked() == 0);
    for (const auto& value : source) {
        if (*value == 2) {
            break;
        }
    }
    CHECK(source.asked() == 2);
    CHECK(**source.begin() == 3);
    auto at = source.begin();
    at++;
    CHECK(**at == 5);
    CHECK(++at == std::default_sentinel);
}
