// The components of ringio in the program of a stranger: a page by HTTP over TLS that is refused,
// for nobody listens there.
#include <ringio.hpp>
#include <ringio/http.hpp>
#include <ringio/requests.hpp>
#include <ringio/tls.hpp>

#include <cstdio>
#include <system_error>

namespace {

ringio::Task<bool> is_refused_under_tls() {
    const auto context = ringio::TlsContext::client({.verify = ringio::tls::insecure_no_verify()});
    try {
        co_await ringio::open_connection("127.0.0.1", 1, {.tls = context});
    } catch (const std::system_error&) {
        co_return true;
    }
    co_return false;
}

ringio::Task<bool> is_refused_by_http() {
    ringio::http::ClientSession session;
    try {
        co_await session.get("https://127.0.0.1:1/", {.params = {{"q", "1"}}});
    } catch (const ringio::http::ClientError&) {
        co_return true;
    }
    co_return false;
}

ringio::Task<bool> all_refused() {
    const bool by_tls = co_await is_refused_under_tls();
    const bool by_http = co_await is_refused_by_http();
    co_return by_tls&& by_http;
}

}  // namespace

int main() {
    if (ringio::run(all_refused())) {
        std::puts("hello from the installed package");
    }
    return 0;
}
