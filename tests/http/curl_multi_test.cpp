// The rules of libcurl on a loop, C1 to C13. Each function of libcurl that ringio calls goes
// through a spy here: the program's own definition comes before the library's. It looks at the main
// thread, where the loops of these tests run; requests call libcurl in threads of their own.
#include "http_server.hpp"

#include <ringio/io/socket.hpp>
#include <ringio/requests.hpp>
#include <ringio/streams/resolver.hpp>

#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using http::ClientSession;

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

namespace {

struct CurlSpy {
    int calls = 0;        // of libcurl that are on
    int callbacks = 0;    // of ours within them
    bool nested = false;  // libcurl was called within a callback of it
    std::map<std::string, int> counts;
    std::vector<int> actions;  // what socket_action() was told of sockets
    std::vector<int> action_fds;
    CURLMcode next_action = CURLM_OK;  // what the next one gives
    bool swallows = false;             // actions on sockets do nothing
    int pauses = 0;                    // of the body's callback
    std::set<CURL*> silent;            // handles that use no signals
    bool may_signal = false;           // another was started
    curl_socket_callback on_socket = nullptr;
    curl_multi_timer_callback on_timer = nullptr;
    curl_write_callback on_body = nullptr;
    curl_write_callback on_header = nullptr;
    void* multi_data = nullptr;
};

CurlSpy spy;

template <class Function>
Function* real(const char* name, Function*) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

/// One call of libcurl.
class CurlCall {
public:
    explicit CurlCall(const char* name) {
        if (is_spied_) {
            spy.nested = spy.nested || spy.callbacks != 0;
            ++spy.counts[name];
            ++spy.calls;
        }
    }
    CurlCall(const CurlCall&) = delete;
    CurlCall& operator=(const CurlCall&) = delete;
    ~CurlCall() {
        if (is_spied_) {
            --spy.calls;
        }
    }

    bool is_spied() const noexcept { return is_spied_; }

private:
    const bool is_spied_ = ::gettid() == ::getpid();
};

int spied_socket(CURL* easy, curl_socket_t fd, int what, void* data, void* socket) {
    ++spy.counts["on_socket"];
    ++spy.callbacks;
    const int result = spy.on_socket(easy, fd, what, data, socket);
    --spy.callbacks;
    return result;
}

int spied_timer(CURLM* multi, long milliseconds, void* data) {
    ++spy.callbacks;
    const int result = spy.on_timer(multi, milliseconds, data);
    --spy.callbacks;
    return result;
}

std::size_t spied_body(char* bytes, std::size_t size, std::size_t count, void* data) {
    ++spy.callbacks;
    const std::size_t result = spy.on_body(bytes, size, count, data);
    --spy.callbacks;
    spy.pauses += result == CURL_WRITEFUNC_PAUSE ? 1 : 0;
    return result;
}

std::size_t spied_header(char* bytes, std::size_t size, std::size_t count, void* data) {
    ++spy.callbacks;
    const std::size_t result = spy.on_header(bytes, size, count, data);
    --spy.callbacks;
    return result;
}

/// The value with the spy in the place of the callback that it is.
template <class Callback>
void* spied(void* value, Callback& kept, Callback spy_function) {
    kept = reinterpret_cast<Callback>(value);
    return reinterpret_cast<void*>(spy_function);
}

}  // namespace

// Without the ellipsis, which takes what is passed from the same registers.
extern "C" {

CURLMcode spied_multi_setopt(CURLM* multi, CURLMoption option,
                             void* value) asm("curl_multi_setopt");
CURLMcode spied_multi_setopt(CURLM* multi, CURLMoption option, void* value) {
    const CurlCall call("curl_multi_setopt");
    if (!call.is_spied()) {
        return real("curl_multi_setopt", &curl_multi_setopt)(multi, option, value);
    }
    if (option == CURLMOPT_SOCKETFUNCTION) {
        value = spied<curl_socket_callback>(value, spy.on_socket, &spied_socket);
    } else if (option == CURLMOPT_TIMERFUNCTION) {
        value = spied<curl_multi_timer_callback>(value, spy.on_timer, &spied_timer);
    } else if (option == CURLMOPT_SOCKETDATA) {
        spy.multi_data = value;
    }
    return real("curl_multi_setopt", &curl_multi_setopt)(multi, option, value);
}

CURLcode spied_easy_setopt(CURL* easy, CURLoption option, void* value) asm("curl_easy_setopt");
CURLcode spied_easy_setopt(CURL* easy, CURLoption option, void* value) {
    const CurlCall call("curl_easy_setopt");
    if (!call.is_spied()) {
        return real("curl_easy_setopt", &curl_easy_setopt)(easy, option, value);
    }
    if (option == CURLOPT_WRITEFUNCTION) {
        value = spied<curl_write_callback>(value, spy.on_body, &spied_body);
    } else if (option == CURLOPT_HEADERFUNCTION) {
        value = spied<curl_write_callback>(value, spy.on_header, &spied_header);
    } else if (option == CURLOPT_NOSIGNAL && value == reinterpret_cast<void*>(1L)) {
        spy.silent.insert(easy);
    }
    return real("curl_easy_setopt", &curl_easy_setopt)(easy, option, value);
}

CURLcode spied_easy_getinfo(CURL* easy, CURLINFO info, void* value) asm("curl_easy_getinfo");
CURLcode spied_easy_getinfo(CURL* easy, CURLINFO info, void* value) {
    const CurlCall call("curl_easy_getinfo");
    return real("curl_easy_getinfo", &curl_easy_getinfo)(easy, info, value);
}

CURLMcode curl_multi_socket_action(CURLM* multi, curl_socket_t fd, int events, int* running) {
    const CurlCall call("curl_multi_socket_action");
    if (!call.is_spied()) {
        return real("curl_multi_socket_action", &curl_multi_socket_action)(multi, fd, events,
                                                                           running);
    }
    if (fd != CURL_SOCKET_TIMEOUT) {
        spy.actions.push_back(events);
        spy.action_fds.push_back(fd);
        if (spy.swallows) {
            return CURLM_OK;
        }
    }
    const CURLMcode code =
        real("curl_multi_socket_action", &curl_multi_socket_action)(multi, fd, events, running);
    return spy.next_action == CURLM_OK ? code : std::exchange(spy.next_action, CURLM_OK);
}

CURLMcode curl_multi_add_handle(CURLM* multi, CURL* easy) {
    const CurlCall call("curl_multi_add_handle");
    if (call.is_spied()) {
        spy.may_signal = spy.may_signal || !spy.silent.contains(easy);
    }
    return real("curl_multi_add_handle", &curl_multi_add_handle)(multi, easy);
}

CURLMcode curl_multi_remove_handle(CURLM* multi, CURL* easy) {
    const CurlCall call("curl_multi_remove_handle");
    return real("curl_multi_remove_handle", &curl_multi_remove_handle)(multi, easy);
}

CURLMsg* curl_multi_info_read(CURLM* multi, int* left) {
    const CurlCall call("curl_multi_info_read");
    return real("curl_multi_info_read", &curl_multi_info_read)(multi, left);
}

CURLMcode curl_multi_cleanup(CURLM* multi) {
    const CurlCall call("curl_multi_cleanup");
    return real("curl_multi_cleanup", &curl_multi_cleanup)(multi);
}

CURLcode curl_easy_pause(CURL* easy, int mask) {
    const CurlCall call("curl_easy_pause");
    return real("curl_easy_pause", &curl_easy_pause)(easy, mask);
}

void curl_easy_reset(CURL* easy) {
    const CurlCall call("curl_easy_reset");
    if (call.is_spied()) {
        spy.silent.erase(easy);
    }
    real("curl_easy_reset", &curl_easy_reset)(easy);
}

}  // extern "C"

namespace {

std::string large_answer(const Heard&) { return answer("200 OK", std::string(1'000'000, 'x')); }

/// Sends a head and a piece of a body, and then nothing.
Task<> stand_still(Conversation& client) {
    static_cast<void>(co_await client.next());
    co_await client.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    co_await client.until_gone();
}

/// Answers nothing.
Task<> say_nothing(Conversation& client) {
    static_cast<void>(co_await client.next());
    co_await client.until_gone();
}

Task<std::string> body_at(const ClientSession& session, std::string url) {
    auto response = co_await session.get(url);
    co_return co_await response.text();
}

std::pair<UniqueFd, UniqueFd> make_pipe() {
    int ends[2] = {-1, -1};
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::size_t thread_count() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator("/proc/self/task")) {
        ++count;
    }
    return count;
}

/// Every name is this machine's.
class OneAddress final : public Resolver {
public:
    Task<std::vector<AddressInfo>> getaddrinfo(std::string host, std::string service,
                                               AddressHints) override {
        asked.push_back(fmt::format("{}:{}", host, service));
        AddressInfo found;
        found.address = *SocketAddress::from_literal(
            "127.0.0.1", static_cast<std::uint16_t>(std::stoi(service)));
        found.family = AF_INET;
        std::vector<AddressInfo> all;
        all.push_back(found);
        co_return all;
    }

    std::vector<std::string> asked;
};

}  // namespace

ASYNC_TEST_CASE("the spy on libcurl looks at the main thread alone", "[threads]") {
    HttpServer server;
    co_await server.start([](const Heard&) { return answer("200 OK", "page"); });
    const std::string url = server.url("/");
    const auto download = [&url] { return requests::get(url).text(); };
    spy = {};
    auto [one, other] = co_await gather(to_thread(download), to_thread(download));
    CHECK(one == "page");
    CHECK(other == "page");
    CHECK(spy.counts.empty());
    co_await server.stop();
}

ASYNC_TEST_CASE("C1: nothing of libcurl is called within a callback of it") {
    spy = {};
    HttpServer server;
    co_await server.start(large_answer);
    ClientSession session;
    for (int i = 0; i < 3; ++i) {
        const std::string body = co_await body_at(session, server.url("/"));
        CHECK(body.size() == 1'000'000);
    }
    auto upload = co_await session.post(server.url("/"), {.data = std::string(500'000, 'y')});
    co_await end(session, server);
    CHECK(spy.on_socket != nullptr);
    CHECK(spy.on_timer != nullptr);
    CHECK(spy.pauses > 0);
    CHECK(spy.counts["curl_easy_pause"] > 0);
    CHECK(!spy.nested);
}

ASYNC_TEST_CASE("C2: a socket that is still wanted is asked for again, without being told again") {
    spy = {};
    Event wanted;
    HttpServer server;
    HttpServer::Script script = [&](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n");
        for (int i = 0; i < 20; ++i) {
            co_await wanted.wait();
            wanted.clear();
            co_await client.send("x");
        }
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    auto response = co_await session.get(server.url("/"));
    const int told = spy.counts["on_socket"];
    for (int i = 0; i < 20; ++i) {
        wanted.set();
        const auto piece = co_await response.content().next();
        CHECK(piece == "x");
        CHECK((i == 19 || spy.counts["on_socket"] == told));
    }
    CHECK(spy.actions.size() >= 20);
    co_await end(session, server);
}

ASYNC_TEST_CASE("C3: what is ready is told as libcurl's own bits") {
    spy = {};
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send("HTTP/1.0 200 OK\r\n\r\nto the end");
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    CHECK_AWAIT(body_at(session, server.url("/")), "to the end");
    int seen = 0;
    for (const int events : spy.actions) {
        CHECK((events & ~(CURL_CSELECT_IN | CURL_CSELECT_OUT | CURL_CSELECT_ERR)) == 0);
        seen |= events;
    }
    CHECK((seen & CURL_CSELECT_OUT) != 0);  // connected
    CHECK((seen & CURL_CSELECT_IN) != 0);
    co_await end(session, server);
}

ASYNC_TEST_CASE("C4: the peer of a request that is cancelled sees the end of the connection") {
    HttpServer server;
    co_await server.run_script(stand_still);
    ClientSession session;
    const std::size_t before = testing::open_file_count();
    auto response = std::make_unique<http::ClientResponse>(co_await session.get(server.url("/")));
    CHECK(server.open == 1);
    response.reset();
    while (server.open != 0) {
        co_await sleep(0s);
    }
    CHECK(testing::open_file_count() <= before);
    co_await end(session, server);
}

ASYNC_TEST_CASE("C4: a session that is closed leaves no descriptor") {
    HttpServer server;
    co_await server.run_script(stand_still);
    const std::size_t before = testing::open_file_count();
    ClientSession session;
    auto response = co_await session.get(server.url("/"));
    co_await session.close();
    while (server.open != 0) {
        co_await sleep(0s);
    }
    CHECK(testing::open_file_count() == before);
    co_await end(session, server);
}

// The poll of the first is in the ring's queue when its number becomes the second's: F2.
ASYNC_TEST_CASE("C5: a descriptor that libcurl drops and another file takes is not watched") {
    spy = {};
    ClientSession session;
    auto [first_read, first_write] = make_pipe();
    const int number = first_read.get();
    spied_socket(nullptr, number, CURL_POLL_IN, spy.multi_data, nullptr);
    spied_timer(nullptr, 0, spy.multi_data);
    co_await sleep(0s);  // it is armed in this turn
    spied_socket(nullptr, number, CURL_POLL_REMOVE, spy.multi_data, nullptr);
    first_read.reset();
    auto [second_read, second_write] = make_pipe();
    REQUIRE(second_read.get() == number);
    CHECK(::write(second_write.get(), "x", 1) == 1);
    co_await turns(5);
    CHECK(spy.action_fds.empty());
    co_await session.close();
}

ASYNC_TEST_CASE("C6: who waits goes on when libcurl has returned") {
    spy = {};
    HttpServer server;
    co_await server.start(large_answer);
    ClientSession session;
    auto response = co_await session.get(server.url("/"));
    CHECK(spy.calls == 0);
    while (auto piece = co_await response.content().next()) {
        CHECK(spy.calls == 0);
    }
    CHECK(spy.counts["curl_multi_remove_handle"] == 1);
    co_await end(session, server);
}

ASYNC_TEST_CASE("C7: an error of socket_action fails what is under way, and the session goes on") {
    spy = {};
    HttpServer server;
    co_await server.run_script(stand_still);
    ClientSession session;
    auto half_read = co_await session.get(server.url("/"));
    auto waiting = create_task(body_at(session, server.url("/")));
    while (server.heard.size() < 2) {
        co_await sleep(0s);
    }
    spy.next_action = CURLM_INTERNAL_ERROR;
    using Lost = http::detail::Thrown<http::ClientConnectionError>;
    const std::string error = "libcurl lost all transfers of the session: Internal error";
    CHECK_AWAIT(text_of<Lost>(session.get(server.url("/"))), error);
    CHECK_AWAIT(text_of<Lost>(half_read.text()), error);
    CHECK_AWAIT(text_of<Lost>(waiting), error);
    auto again = co_await session.get(server.url("/"));
    CHECK(again.status() == 200);
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "C8: names are resolved by ringio, also where a redirect leads, and no thread is made") {
    HttpServer server;
    co_await server.start([&](const Heard& request) {
        return request.target == "/"
                   ? answer("302 Found", "",
                            fmt::format("Location: http://second.test:{}/there\r\n", server.port()))
                   : answer("200 OK", std::string(request.headers["Host"]));
    });
    const auto resolver = std::make_shared<OneAddress>();
    get_running_loop().set_resolver(resolver);
    const std::size_t threads = thread_count();
    ClientSession session;
    const std::string port = std::to_string(server.port());
    CHECK_AWAIT(body_at(session, "http://first.test:" + port + "/"), "second.test:" + port);
    CHECK_AWAIT(body_at(session, "http://localhost:" + port + "/x"), "localhost:" + port);
    CHECK_AWAIT(body_at(session, "http://second.test:" + port + "/x"), "second.test:" + port);
    CHECK_AWAIT(body_at(session, "http://127.0.0.1:" + port + "/x"), "127.0.0.1:" + port);
    CHECK(resolver->asked == std::vector<std::string>{"first.test:" + port, "second.test:" + port,
                                                      "localhost:" + port});
    CHECK(thread_count() == threads);
    get_running_loop().set_resolver(nullptr);
    co_await end(session, server);
}

ASYNC_TEST_CASE("C8: a host beyond ASCII is resolved, and told to the server, as DNS has it") {
    HttpServer server;
    co_await server.start([&](const Heard& request) {
        return request.target == "/there"
                   ? answer("200 OK", std::string(request.headers["Host"]))
                   : answer(
                         "302 Found", "",
                         fmt::format("Location: http://zürich.test:{}/there\r\n", server.port()));
    });
    const auto resolver = std::make_shared<OneAddress>();
    get_running_loop().set_resolver(resolver);
    ClientSession session;
    const std::string port = std::to_string(server.port());
    CHECK_AWAIT(body_at(session, "http://bücher.test:" + port + "/"), "xn--zrich-kva.test:" + port);
    CHECK(server.heard.at(0).headers["Host"] == "xn--bcher-kva.test:" + port);
    CHECK(resolver->asked ==
          std::vector<std::string>{"xn--bcher-kva.test:" + port, "xn--zrich-kva.test:" + port});
    get_running_loop().set_resolver(nullptr);
    co_await end(session, server);
}

ASYNC_TEST_CASE("C9: who does not read lets the server wait, and then gets all of it") {
    spy = {};
    constexpr std::size_t total = 32 << 20;
    std::size_t sent = 0;
    HttpServer server;
    HttpServer::Script script = [&](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", total));
        const std::string piece(64 << 10, 'x');
        while (sent < total) {
            co_await client.send(piece);
            sent += piece.size();
        }
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    auto response = co_await session.get(server.url("/"));
    while (spy.pauses == 0) {
        co_await sleep(0s);
    }
    CHECK(sent < total);
    std::size_t read = 0;
    while (auto piece = co_await response.content().next()) {
        CHECK(piece->size() <= (512 << 10));
        read += piece->size();
    }
    CHECK(read == total);
    CHECK(spy.counts["curl_easy_pause"] > 1);
    co_await end(session, server);
}

// What it may keep from the others is seen in peers_test.cpp, once in a thousand runs.
ASYNC_TEST_CASE("C9: while one does not read and others wait, libcurl looks at all sockets") {
    spy = {};
    Event go_on;
    HttpServer server;
    HttpServer::Script script = [&](Conversation& client) -> Task<> {
        auto request = co_await client.next();
        if (request && request->target == "/large") {
            co_await client.send(answer("200 OK", std::string(8 << 20, 'x')));
        } else {
            co_await go_on.wait();
            co_await client.send(answer("200 OK", "at last"));
        }
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    auto slow = co_await session.get(server.url("/large"));
    while (spy.pauses == 0) {
        co_await sleep(0s);
    }
    auto waiting = create_task(body_at(session, server.url("/")));
    while (server.heard.size() < 2) {
        co_await sleep(0s);
    }
    const std::size_t before = spy.actions.size();
    while (spy.actions.size() < before + 2) {
        co_await sleep(10ms);  // nothing comes
    }
    CHECK(spy.actions.back() == CURL_CSELECT_IN);
    go_on.set();
    CHECK_AWAIT(waiting, "at last");
    std::string body = co_await slow.text();
    CHECK(body.size() == 8 << 20);
    co_await end(session, server);
}

ASYNC_TEST_CASE("C10: a socket with which libcurl does nothing is reported, and looked at seldom") {
    spy = {};
    HttpServer server;
    co_await server.start([](const Heard&) { return answer("200 OK", "at last"); });
    ClientSession session;
    const Reported reported;
    spy.swallows = true;
    auto waiting = create_task(body_at(session, server.url("/")));
    while (reported.messages.empty()) {
        co_await sleep(0s);
    }
    CHECK(reported.messages ==
          std::vector<std::string>{"libcurl does nothing with a socket that is ready"});
    CHECK(spy.actions.size() == 1000);
    co_await sleep(15ms);
    CHECK(spy.actions.size() < 1010);
    spy.swallows = false;
    CHECK_AWAIT(waiting, "at last");
    CHECK(reported.messages.size() == 1);
    co_await end(session, server);
}

ASYNC_TEST_CASE("C11: no handle uses signals, and SIGPIPE does not end the process") {
    spy = {};
    HttpServer server;
    co_await server.start(large_answer);
    ClientSession session;
    for (int i = 0; i < 3; ++i) {
        const std::string body = co_await body_at(session, server.url("/"));
    }
    auto posted = co_await session.post(server.url("/"));
    const std::string last = co_await body_at(session, server.url("/"));
    CHECK(spy.counts["curl_multi_add_handle"] == 5);
    CHECK_FALSE(spy.may_signal);
    struct sigaction now = {};
    CHECK(::sigaction(SIGPIPE, nullptr, &now) == 0);
    CHECK(now.sa_handler != SIG_DFL);
    co_await end(session, server);
}

ASYNC_TEST_CASE("C11: a child of fork() that drops the session leaves the connection alone") {
    HttpServer server;
    co_await server.start([](const Heard&) { return answer("200 OK", "x"); });
    auto session = std::make_unique<ClientSession>();
    CHECK_AWAIT(body_at(*session, server.url("/")), "x");
    const pid_t child = ::fork();
    if (child == 0) {
        session.reset();
        ::_exit(42);
    }
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 42));
    CHECK_AWAIT(body_at(*session, server.url("/")), "x");
    CHECK(server.connections == 1);
    co_await end(*session, server);
}

ASYNC_TEST_CASE("C12: no more requests at a time than the limit, the others in their order") {
    int most = 0;
    HttpServer server;
    HttpServer::Script script = [&](Conversation& client) -> Task<> {
        most = std::max(most, server.open);
        while (auto request = co_await client.next()) {
            co_await turns(3);
            co_await client.send(answer("200 OK", request->target));
        }
    };
    co_await server.run_script(std::move(script));
    ClientSession session({.limit = 2});
    std::vector<TaskHandle<std::string>> tasks;
    std::string wanted;
    for (int i = 0; i < 6; ++i) {
        tasks.push_back(create_task(body_at(session, server.url(fmt::format("/{}", i)))));
        wanted += fmt::format("GET /{} ", i);
    }
    co_await gather(tasks);
    CHECK(most == 2);
    CHECK(server.connections == 2);
    std::string order;
    for (const Heard& request : server.heard) {
        order += request.line() + " ";
    }
    CHECK(order == wanted);
    co_await end(session, server);
}

ASYNC_TEST_CASE("C12: the limit of a host does not hold the others up") {
    HttpServer slow;
    co_await slow.run_script(say_nothing);
    HttpServer fast;
    co_await fast.start([](const Heard&) { return answer("200 OK", "fast"); });
    ClientSession session({.limit_per_host = 1});
    auto first = create_task(body_at(session, slow.url("/")));
    auto second = create_task(body_at(session, slow.url("/")));
    CHECK_AWAIT(body_at(session, fast.url("/")), "fast");
    while (slow.heard.empty()) {
        co_await sleep(0s);
    }
    CHECK(slow.connections == 1);
    second.cancel();
    first.cancel();
    CHECK_AWAIT(is_cancelled(first), true);
    CHECK_AWAIT(is_cancelled(second), true);
    co_await session.close();
    co_await slow.stop();
    co_await fast.stop();
}

ASYNC_TEST_CASE("C12: the wait for a place is timed and can be cancelled, and no place is lost") {
    HttpServer server;
    co_await server.run_script(say_nothing);
    ClientSession session({.limit = 1});
    auto first = create_task(session.get(server.url("/first")));
    co_await sleep(0s);
    CHECK_AWAIT(text_of<http::ConnectionTimeoutError>(
                    session.get(server.url("/second"), {.timeout = {.connect = 1ms}})),
                "Connection timeout to host " + server.url("/second"));
    CHECK_AWAIT(
        text_of<TimeoutError>(session.get(server.url("/third"), {.timeout = {.total = 1ms}})),
        "timed out");
    auto fourth = create_task(session.get(server.url("/fourth")));
    co_await sleep(0s);
    fourth.cancel();
    CHECK_AWAIT(is_cancelled(fourth), true);
    first.cancel();
    CHECK_AWAIT(is_cancelled(first), true);
    auto fifth = create_task(session.get(server.url("/fifth")));
    while (server.heard.empty() || server.heard.back().target != "/fifth") {
        co_await sleep(0s);
    }
    fifth.cancel();
    CHECK_AWAIT(is_cancelled(fifth), true);
    co_await end(session, server);
}

ASYNC_TEST_CASE("C13: a request that is cancelled takes its connection with it, not the next one") {
    spy = {};
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        while (auto request = co_await client.next()) {
            if (request->target == "/slow") {
                co_await client.until_gone();
                co_return;
            }
            co_await client.send(answer("200 OK", request->target));
        }
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    for (int round = 0; round < 5; ++round) {
        auto slow = create_task(body_at(session, server.url("/slow")));
        while (server.heard.empty() || server.heard.back().target != "/slow") {
            co_await sleep(0s);
        }
        slow.cancel();
        CHECK_AWAIT(is_cancelled(slow), true);
        CHECK_AWAIT(body_at(session, server.url("/quick")), "/quick");
    }
    // Of each pair the first connection was dropped; that of the quick one was kept and taken.
    CHECK(server.connections == 6);
    CHECK(http::detail::live_easy_handles() <= 2);
    co_await end(session, server);
}

ASYNC_TEST_CASE("C13: a body that has ended sets its connection free, though nobody read it") {
    HttpServer server;
    co_await server.start([](const Heard&) { return answer("200 OK", "short"); });
    ClientSession session;
    for (int round = 0; round < 3; ++round) {
        auto response = co_await session.get(server.url("/"));
    }
    CHECK(server.connections == 1);
    co_await end(session, server);
}
