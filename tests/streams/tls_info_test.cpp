#include <ringio/streams/tls_info.hpp>

#include <support/async_test_case.hpp>

#include "link.hpp"
#include "xor_layer.hpp"

using namespace ringio;
using namespace ringio::test_support;

ASYNC_TEST_CASE("tls info: a stream that is not secured has none; one that is, tells how") {
    Link link = co_await make_link();
    CHECK_FALSE(link.writer.tls_info());
    CHECK(link.writer.can_write_eof());
    const XorContext layer(true);
    co_await link.writer.start_tls(layer);
    const std::optional<TlsInfo> info = link.writer.tls_info();
    REQUIRE(info);
    CHECK(info->version == "xor");
    CHECK(info->cipher.empty());
    CHECK_FALSE(info->peer_certificate);
    CHECK_FALSE(info->resumed);
}
