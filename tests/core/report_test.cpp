#include <ringio/core/report.hpp>

#include <support/catch.hpp>
#include <support/printed.hpp>

#include <new>
#include <stdexcept>
#include <string>
#include <vector>

using namespace ringio;

TEST_CASE("report: the handler is told what was made") {
    EventLoop loop;
    std::vector<std::string> messages;
    loop.set_exception_handler([&messages](EventLoop&, const ExceptionContext& context) {
        messages.push_back(context.message);
    });
    detail::report(&loop, "short", nullptr, [] {
        return ExceptionContext{.message = "in full", .exception = nullptr, .details = {}};
    });
    CHECK(messages == std::vector<std::string>{"in full"});
}

TEST_CASE("report: without memory for it, the handler is left out and nothing is thrown") {
    EventLoop loop;
    int calls = 0;
    loop.set_exception_handler([&calls](EventLoop&, const ExceptionContext&) { ++calls; });
    const auto error = std::make_exception_ptr(std::runtime_error("printed by report_test"));
    detail::report(&loop, "message of report_test", error,
                   []() -> ExceptionContext { throw std::bad_alloc(); });
    CHECK(calls == 0);
}

TEST_CASE("report: what is printed for want of memory can be silenced, for as long as one likes") {
    const auto print = [] { detail::print_plain_report("message", nullptr); };
    const std::string silent = test_support::printed([&print] {
        const detail::SilencePlainReports silence;
        print();
    });
    CHECK(silent == "");
    CHECK(test_support::printed(print) == "message\n");
}
