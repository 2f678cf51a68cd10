#include <ringio/core/kept_function.hpp>

#include <support/catch.hpp>

#include <functional>
#include <string>

namespace {

using Kept = ringio::detail::KeptFunction<std::function<void(int)>>;

const std::string captured_text(100, 'x');

}  // namespace

TEST_CASE("KeptFunction: holds a function or none") {
    Kept kept;
    CHECK_FALSE(kept);
    CHECK_FALSE(kept.get());
    int got = 0;
    kept.set([&got](int number) { got = number; });
    CHECK(kept);
    kept(3);
    CHECK(got == 3);
    kept.get()(4);
    CHECK(got == 4);
    kept.set({});
    CHECK_FALSE(kept);
}

TEST_CASE("KeptFunction: one that replaces itself lives until its call returns") {
    Kept kept;
    std::string seen;
    kept.set([&, text = captured_text](int) {
        kept.set({});
        seen = text;
    });
    kept(1);
    CHECK(seen == captured_text);
    CHECK_FALSE(kept);
}
