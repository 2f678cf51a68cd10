// Whether URLs are well, many at a time and all of them before one deadline:
//
//     health_checker [-j AT_A_TIME] [-t SECONDS] URL... | -
//
// "-": one URL a line on standard input. What is not well is told as it is found, and a table says
// how many went how; the exit status is 0 when all are well. Without arguments it looks at a
// hundred URLs of its own on loopback, of which half are not well, in every way that there is.
// Python: aiohttp's ClientSession and asyncio.TaskGroup within `async with asyncio.timeout(30)`.
#include "certificate.hpp"
#include "page_request.hpp"

#include <fmt/core.h>
#include <ringio/http.hpp>
#include <ringio/main.hpp>
#include <ringio/tls.hpp>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <netdb.h>
#include <unistd.h>

using namespace std::chrono_literals;
namespace http = ringio::http;
using http::ClientSession;

namespace {

// What became of a URL.
struct Health {
    std::string url = {};
    int status = 0;  // 0: there was no answer
    bool was_redirected = false;
    std::string error = "no answer before the deadline";  // its class, as long as it has one
    std::string details = {};

    bool is_well() const { return error.empty() && status < 400; }
    std::string verdict() const {
        if (!error.empty()) {
            return error;
        }
        return fmt::format("{}{}", status, was_redirected ? " after a redirect" : "");
    }
};

template <class E>
bool is_a(const std::exception& error) {
    return dynamic_cast<const E*>(&error) != nullptr;
}

struct ErrorClass {
    const char* name;
    bool (*has)(const std::exception& error);
};

// The narrow ones before those that they are, too.
constexpr ErrorClass error_classes[] = {
    {"ClientConnectorCertificateError", is_a<http::ClientConnectorCertificateError>},
    {"ClientSSLError", is_a<http::ClientSSLError>},
    {"ClientConnectorDNSError", is_a<http::ClientConnectorDNSError>},
    {"ClientConnectorError", is_a<http::ClientConnectorError>},
    {"ClientOSError", is_a<http::ClientOSError>},
    {"ServerDisconnectedError", is_a<http::ServerDisconnectedError>},
    {"TimeoutError", is_a<ringio::TimeoutError>},
    {"TooManyRedirects", is_a<http::TooManyRedirects>},
    {"ClientResponseError", is_a<http::ClientResponseError>},
    {"ClientPayloadError", is_a<http::ClientPayloadError>},
    {"InvalidURL", is_a<http::InvalidURL>},
};

const char* class_of(const std::exception& error) {
    for (const ErrorClass& each : error_classes) {
        if (each.has(error)) {
            return each.name;
        }
    }
    return "another error";
}

// Asks, and reads the answer to its end: half an answer is an error.
ringio::Task<> check(const ClientSession& session, Health& health) {
    try {
        auto response = co_await session.get(health.url);
        while (auto chunk = co_await response.content().next()) {
        }
        health.status = response.status();
        health.was_redirected = !response.history().empty();
        health.error.clear();
    } catch (const std::exception& error) {
        health.error = class_of(error);
        health.details = error.what();
    }
}

// Is told of each URL when it is known how that is; may move the deadline of all.
using Listener = std::function<void(const Health& health, ringio::Timeout& deadline)>;

ringio::Task<> check_and_tell(const ClientSession& session, Health& health,
                              const Listener& listener, ringio::Timeout& deadline) {
    co_await check(session, health);
    listener(health, deadline);
}

// [check_all]
// Who has no answer when the deadline passes is cancelled, and stays without.
ringio::Task<> check_all(const ClientSession& session, std::vector<Health>& all,
                         std::chrono::seconds limit, const Listener& listener) {
    try {
        co_await ringio::timeout(limit, [&](ringio::Timeout& deadline) -> ringio::Task<> {
            co_await ringio::task_group([&](ringio::TaskGroup& group) -> ringio::Task<> {
                for (Health& health : all) {
                    group.create_task(check_and_tell(session, health, listener, deadline));
                }
                co_return;
            });
        });
    } catch (const ringio::TimeoutError&) {
    }
}
// [/check_all]

std::vector<Health> unknown_health_of(const std::vector<std::string>& urls) {
    std::vector<Health> all;
    for (const std::string& url : urls) {
        all.push_back({.url = url});
    }
    return all;
}

// How many went how; gives whether all are well.
bool print_table(const std::vector<Health>& all) {
    std::map<std::string, std::size_t> counts;
    std::size_t well = 0;
    for (const Health& health : all) {
        ++counts[health.verdict()];
        well += health.is_well() ? 1U : 0U;
    }
    for (const auto& [verdict, count] : counts) {
        fmt::print("{:5}  {}\n", count, verdict);
    }
    fmt::print("{} of {} are well\n", well, all.size());
    return well == all.size();
}

// ---- the URLs of others

struct Arguments {
    std::size_t at_a_time = 20;
    std::chrono::seconds limit = 30s;
    std::vector<std::string> urls;
    bool are_valid = true;
};

Arguments parse(int argc, char** argv) {
    Arguments arguments;
    for (int option = 0; (option = ::getopt(argc, argv, "j:t:")) != -1;) {
        const long number = option == '?' ? 0 : std::atol(optarg);
        arguments.are_valid = arguments.are_valid && number > 0;
        if (option == 'j') {
            arguments.at_a_time = static_cast<std::size_t>(number);
        } else {
            arguments.limit = std::chrono::seconds(number);
        }
    }
    arguments.urls.assign(argv + optind, argv + argc);
    arguments.are_valid = arguments.are_valid && !arguments.urls.empty();
    return arguments;
}

ringio::Task<std::vector<std::string>> urls_of_input() {
    std::vector<std::string> urls;
    ringio::StreamReader input = ringio::stdin_reader();
    while (true) {
        std::string line = co_await input.readline();
        if (line.empty()) {
            break;
        }
        line.erase(line.find_last_not_of(" \t\r\n") + 1);
        if (!line.empty()) {
            urls.push_back(line);
        }
    }
    co_return urls;
}

void tell_what_is_wrong(const Health& health, ringio::Timeout&) {
    if (!health.is_well()) {
        fmt::print("{}: {}{}{}\n", health.url, health.verdict(), health.details.empty() ? "" : ": ",
                   health.details);
    }
}

ringio::Task<int> check_given(Arguments arguments) {
    if (arguments.urls == std::vector<std::string>{"-"}) {
        arguments.urls = co_await urls_of_input();
    }
    std::vector<Health> all = unknown_health_of(arguments.urls);
    ClientSession session({.limit = arguments.at_a_time});
    const Listener listener = tell_what_is_wrong;
    co_await check_all(session, all, arguments.limit, listener);
    co_await session.close();
    co_return print_table(all) ? 0 : 1;
}

// ---- a hundred of its own

// Answers as the path says; /silent never does.
ringio::Task<> answer(ringio::StreamReader reader, ringio::StreamWriter writer) {
    try {
        const pages::Request request = co_await pages::read_request(reader);
        const std::string_view path = request.target;
        const auto send = [&](std::string_view status, std::string_view header = "") {
            writer.write(
                fmt::format("HTTP/1.1 {}\r\n{}Connection: close\r\nContent-Length: 3\r\n\r\nok\n",
                            status, header));
        };
        if (path == "/silent") {
            const std::string rest = co_await reader.read();  // until the client has had enough
        } else if (path == "/moved") {
            send("301 Moved Permanently", "Location: /well\r\n");
        } else {
            send(path == "/well" ? "200 OK" : path == "/missing" ? "404 Not Found" : "500 Oh No");
        }
    } catch (const std::exception&) {
        // The client has gone.
    }
    writer.close();
}

// Knows nobody: so no question of this program leaves the machine.
class Nobody final : public ringio::Resolver {
public:
    ringio::Task<std::vector<ringio::AddressInfo>> getaddrinfo(std::string, std::string,
                                                               ringio::AddressHints) override {
        throw std::system_error(EAI_NONAME, ringio::resolver_category());
        co_return {};
    }
};

std::string address_of(const ringio::Server& server) {
    return server.sockets()[0].getsockname().to_string();
}

ringio::Task<ringio::Server> serve(const Certificate& certificate) {
    const std::string file = certificate.file();
    const std::string key = certificate.key();
    const auto context = ringio::TlsContext::server({.certificate = file, .key = key});
    co_return co_await ringio::start_server(answer, "127.0.0.1", 0, {.tls = context});
}

struct Kind {
    std::size_t count;
    std::string url;
};

ringio::Task<> check_own() {
    const Certificate trusted = co_await Certificate::make();
    const Certificate other = co_await Certificate::make();
    auto plain = co_await ringio::start_server(answer, "127.0.0.1", 0);
    auto secure = co_await serve(trusted);
    auto impostor = co_await serve(other);
    auto closed = co_await ringio::start_server(answer, "127.0.0.1", 0);
    const std::string nobody_listens = address_of(closed);
    closed.close();
    co_await closed.wait_closed();
    ringio::get_running_loop().set_resolver(std::make_shared<Nobody>());

    constexpr std::size_t silent = 5;
    const Kind kinds[] = {
        {silent, fmt::format("http://{}/silent", address_of(plain))},
        {30, fmt::format("http://{}/well", address_of(plain))},
        {10, fmt::format("https://{}/well", address_of(secure))},
        {10, fmt::format("http://{}/moved", address_of(plain))},
        {10, fmt::format("http://{}/missing", address_of(plain))},
        {10, fmt::format("http://{}/broken", address_of(plain))},
        {10, fmt::format("https://{}/well", address_of(impostor))},
        {5, fmt::format("http://{}/well", nobody_listens)},
        {5, "http://nobody.invalid/well"},
        {5, "http://no host/"},
    };
    std::vector<std::string> urls;
    for (const Kind& kind : kinds) {
        urls.insert(urls.end(), kind.count, kind.url);
    }

    std::vector<Health> all = unknown_health_of(urls);
    std::size_t known = 0;
    // When only those are left that never answer, there is no need to wait for the deadline.
    const Listener listener = [&](const Health&, ringio::Timeout& deadline) {
        if (++known == all.size() - silent) {
            deadline.reschedule(ringio::get_running_loop().time());
        }
    };
    const std::string file = trusted.file();
    ClientSession session({.limit = 20, .tls = ringio::TlsContext::client({.ca_file = file})});
    co_await check_all(session, all, 1h, listener);
    print_table(all);
    co_await session.close();
    for (ringio::Server* server : {&plain, &secure, &impostor}) {
        server->close();
        co_await server->wait_closed();
    }
}

}  // namespace

ringio::Task<int> co_main(int argc, char** argv) {
    if (argc == 1) {
        co_await check_own();
        co_return 0;
    }
    Arguments arguments = parse(argc, argv);
    if (!arguments.are_valid) {
        fmt::print(stderr, "usage: health_checker [-j AT_A_TIME] [-t SECONDS] URL... | -\n");
        co_return 2;
    }
    co_return co_await check_given(arguments);
}
