#include <ringio/http/options.hpp>

#include <support/catch.hpp>

#include <chrono>
#include <string>
#include <type_traits>

using namespace ringio::http;
using namespace std::chrono_literals;

// GCC 12 destroys the temporary of an aggregate in a co_await expression twice.
TEST_CASE("options: nothing is to be destroyed") {
    STATIC_REQUIRE(std::is_trivially_destructible_v<RequestOptions>);
    STATIC_REQUIRE(std::is_trivially_destructible_v<SessionOptions>);
}

TEST_CASE("options: the defaults are aiohttp's") {
    const SessionOptions options;
    CHECK(options.timeout.total == ringio::Delay(300s));
    CHECK(options.timeout.sock_connect == ringio::Delay(30s));
    CHECK(!options.timeout.connect);
    CHECK(!options.timeout.sock_read);
    CHECK(options.limit == 100);
    CHECK(options.limit_per_host == 0);
    CHECK(options.cookies);
    CHECK(!options.trust_env);
    CHECK(!options.raise_for_status);
    CHECK(RequestOptions().max_redirects == 10);
}

TEST_CASE("options: TLS is as a context says, and by itself nobody's") {
    CHECK(!SessionOptions().tls);
    const auto context = ringio::TlsContext::client({.verify = ringio::tls::insecure_no_verify()});
    const SessionOptions options{.tls = context};
    CHECK(options.tls.security() == ringio::TlsOption(context).security());
}

TEST_CASE("options: data is a text or a generator") {
    CHECK(!Data().is_given());
    CHECK(Data("").is_given());
    CHECK(Data(std::string("abc")).text() == "abc");
    ringio::AsyncGenerator<std::string> chunks;
    CHECK(Data(chunks).chunks() == &chunks);
}
