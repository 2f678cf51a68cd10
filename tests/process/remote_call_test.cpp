#include <ringio/process/remote_call.hpp>

#include <support/catch.hpp>

#include <functional>
#include <string>
#include <vector>

using ringio::concurrent::ArchiveIn;
using ringio::concurrent::ArchiveOut;
using ringio::detail::RemoteCallOf;
using ringio::detail::RemoteChunk;
using ringio::detail::TypeList;

namespace {

std::string join(const std::string& first, std::string second, long number) noexcept {
    return first + second + std::to_string(number);
}

struct OnlyMoved {
    OnlyMoved() = default;
    explicit OnlyMoved(int given) : value(given) {}
    OnlyMoved(OnlyMoved&&) = default;
    OnlyMoved& operator=(OnlyMoved&&) = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(value);
    }
    int value = 0;
};

int take(OnlyMoved moved) { return moved.value; }

// As a worker does it, in this process: `run` with the arguments alone.
template <class Fn, class... Args>
auto called(Fn function, Args&&... args) {
    using Call = RemoteCallOf<Fn, Args...>;
    ArchiveOut head;
    ringio::detail::write_callee(head, &Call::run, ringio::detail::code_of(function));
    ArchiveOut message;
    Call::write(message, function, std::forward<Args>(args)...);
    REQUIRE(message.bytes().starts_with(head.bytes()));
    ArchiveIn in(std::string_view(message.bytes()).substr(head.bytes().size()));
    ArchiveOut out;
    Call::run(ringio::detail::code_of(function), in, out);
    CHECK(in.left() == 0);
    ArchiveIn result(out.bytes());
    if constexpr (!std::is_void_v<typename Call::Result>) {
        return result.read<typename Call::Result>();
    }
}

}  // namespace

TEST_CASE("remote call: the arguments become what the parameters are") {
    CHECK(called(&join, "a", std::string_view("b"), 3) == "ab3");
    CHECK(called([](double half) { return half * 2; }, 4) == 8.0);
    CHECK(called(&take, OnlyMoved(5)) == 5);
    const std::string kept = "kept";
    CHECK(called(&join, kept, kept, short{1}) == "keptkept1");
    CHECK(kept == "kept");
}

TEST_CASE(
    "remote call: of a template, or an object of functions, the arguments themselves travel") {
    CHECK(called([](auto a, auto b) { return a + b; }, std::string("x"), std::string("y")) == "xy");
    CHECK(called(std::plus<>(), 2, 3) == 5);
    CHECK(called([] { return 7; }) == 7);
}

TEST_CASE("remote call: nothing may be the result") {
    static int calls = 0;
    called([](int by) { calls += by; }, 2);
    CHECK(calls == 2);
}

TEST_CASE("remote call: an argument too many in the message is an error") {
    using Call = RemoteCallOf<long (*)(long), long>;
    ArchiveOut message;
    message(1L, 2L);
    ArchiveIn in(message.bytes());
    ArchiveOut out;
    CHECK_THROWS_AS(Call::run(ringio::detail::code_of(+[](long value) { return value; }), in, out),
                    ringio::concurrent::ArchiveError);
}

TEST_CASE("remote call: a chunk makes its calls in their order") {
    const auto add = [](int a, const std::string& b) { return b + std::to_string(a); };
    using Chunk = RemoteChunk<std::remove_const_t<decltype(add)>, TypeList<int, std::string>>;
    ArchiveOut message;
    message(std::vector{1, 2}, std::vector<std::string>{"x", "y"});
    ArchiveIn in(message.bytes());
    ArchiveOut out;
    Chunk::run(nullptr, in, out);
    ArchiveIn result(out.bytes());
    CHECK(result.read<Chunk::Results>() == std::vector<std::string>{"x1", "y2"});
}
