// The same with ringio's ClientSession, as a user writes it: see limit.c.
#include "../harness/job.h"

#include <ringio.hpp>
#include <ringio/http.hpp>
#include <ringio/main.hpp>
#include <ringio/tls.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace ringio;
using http::ClientSession;

namespace {

Task<> get_again_and_again(const ClientSession& session, std::string url, std::uint64_t& left) {
    while (left > 0) {
        --left;
        auto response = co_await session.get(url);
        response.raise_for_status();
        static_cast<void>(co_await response.text());
    }
}

Task<> get(const ClientSession& session, std::string url, std::uint64_t count,
           std::uint64_t at_a_time) {
    std::vector<Task<>> tasks;
    for (std::uint64_t i = 0; i < at_a_time; ++i) {
        tasks.push_back(get_again_and_again(session, url, count));
    }
    co_await gather(std::move(tasks));
}

}  // namespace

Task<int> co_main(int argc, char** argv) {
    const std::uint64_t count = number_argument(argc, argv, 4);
    const std::uint64_t at_a_time = number_argument(argc, argv, 5);
    const std::string_view ca = argv[2];
    const TlsContext context = TlsContext::client({.ca_file = ca == "-" ? "" : ca});
    ClientSession session({.tls = context});
    co_await get(session, argv[1], at_a_time, at_a_time);  // connects
    const job_clocks clocks = start_clocks();
    co_await get(session, argv[1], count, at_a_time);
    print_job(clocks, count, -1);
    co_await session.close();
    co_return 0;
}
