#include <ringio/io/address.hpp>

#include <support/catch.hpp>

#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

using namespace ringio;

TEST_CASE("SocketAddress: an IPv4 literal gives family, host, port and text") {
    const auto address = SocketAddress::from_literal("127.0.0.1", 80);
    REQUIRE(address);
    CHECK(address->family() == AF_INET);
    CHECK(address->host() == "127.0.0.1");
    CHECK(address->port() == 80);
    CHECK(address->to_string() == "127.0.0.1:80");
    CHECK(address->size() == sizeof(sockaddr_in));
}

TEST_CASE("SocketAddress: an IPv6 literal is shortened, and has brackets in a text") {
    const auto address = SocketAddress::from_literal("0:0:0:0:0:0:0:1", 65535);
    REQUIRE(address);
    CHECK(address->family() == AF_INET6);
    CHECK(address->host() == "::1");
    CHECK(address->port() == 65535);
    CHECK(address->to_string() == "[::1]:65535");
    CHECK(address->size() == sizeof(sockaddr_in6));
    CHECK(SocketAddress::from_literal("::ffff:1.2.3.4", 1)->host() == "::ffff:1.2.3.4");
}

TEST_CASE("SocketAddress: what is no literal gives nothing") {
    for (const char* text :
         {"", "localhost", "127.0.0", "127.0.0.256", "127.0.0.1 ", " 127.0.0.1", "[::1]", "1::2::3",
          "0x7f.1", "127.0.0.1:80", "::1%lo", "fe80::1%lo:x"}) {
        INFO(text);
        CHECK_FALSE(SocketAddress::from_literal(text, 80));
    }
}

TEST_CASE("SocketAddress: a literal with a zero byte in it is none") {
    CHECK_FALSE(SocketAddress::from_literal(std::string_view("127.0.0.1\0x", 11), 80));
    CHECK_FALSE(SocketAddress::from_literal(std::string_view("::1\0", 4), 80));
}

TEST_CASE("SocketAddress: the default one holds nothing") {
    const SocketAddress address;
    CHECK(address.family() == AF_UNSPEC);
    CHECK(address.host() == "");
    CHECK(address.port() == 0);
    CHECK(address.size() == 0);
    CHECK(address == SocketAddress());
}

TEST_CASE("SocketAddress: is a copy of the kernel's address") {
    sockaddr_in kernel = {};
    kernel.sin_family = AF_INET;
    kernel.sin_port = htons(8080);
    kernel.sin_addr.s_addr = htonl(0x0a000001);
    const SocketAddress address(reinterpret_cast<const sockaddr*>(&kernel), sizeof(kernel));
    CHECK(address.to_string() == "10.0.0.1:8080");
    REQUIRE(address.size() == sizeof(kernel));
    CHECK(std::memcmp(address.data(), &kernel, sizeof(kernel)) == 0);
    CHECK(address == SocketAddress::from_literal("10.0.0.1", 8080));
}

TEST_CASE("SocketAddress: another family keeps its bytes, and has no host and port") {
    sockaddr_un kernel = {};
    kernel.sun_family = AF_UNIX;
    std::strcpy(kernel.sun_path, "/tmp/x");
    const SocketAddress address(reinterpret_cast<const sockaddr*>(&kernel), sizeof(kernel));
    CHECK(address.family() == AF_UNIX);
    CHECK(address.host() == "");
    CHECK(address.port() == 0);
    CHECK(address.path() == "/tmp/x");
    CHECK(std::memcmp(address.data(), &kernel, sizeof(kernel)) == 0);
}

TEST_CASE("SocketAddress: an IPv6 literal may have a scope, by number or, on a link, by name") {
    const auto by_name = SocketAddress::from_literal("fe80::1%lo", 80);
    REQUIRE(by_name);
    CHECK(by_name->scope_id() == 1);
    CHECK(by_name->host() == "fe80::1");
    CHECK(by_name->to_string() == "[fe80::1%1]:80");
    CHECK(by_name == SocketAddress::from_literal("fe80::1%1", 80));
    CHECK(SocketAddress::from_literal("ff02::1%lo", 80)->scope_id() == 1);
    CHECK(SocketAddress::from_literal("::1%7", 80)->scope_id() == 7);
    for (const char* text : {"fe80::1%", "fe80::1%nosuchinterface", "fe80::1%-1", "fe80::1%1 ",
                             "fe80::1%4294967296", "127.0.0.1%lo", "%lo"}) {
        INFO(text);
        CHECK_FALSE(SocketAddress::from_literal(text, 80));
    }
    CHECK(SocketAddress::from_literal("127.0.0.1", 80)->scope_id() == 0);
}

TEST_CASE("SocketAddress: the path of a Unix socket is as long as the kernel counts it") {
    const SocketAddress address = SocketAddress::unix_path("/run/x");
    CHECK(address.family() == AF_UNIX);
    CHECK(address.path() == "/run/x");
    CHECK(address.to_string() == "/run/x");
    CHECK(address.size() == offsetof(sockaddr_un, sun_path) + 7);
    CHECK(address != SocketAddress::unix_path("/run/y"));
    CHECK(SocketAddress::unix_path("").size() == offsetof(sockaddr_un, sun_path));
    CHECK(SocketAddress::unix_path("").path() == "");
}

TEST_CASE("SocketAddress: a name of a Unix socket that begins with a zero byte is abstract") {
    const std::string name("\0a\0b", 4);
    const SocketAddress address = SocketAddress::unix_path(name);
    CHECK(address.size() == offsetof(sockaddr_un, sun_path) + 4);
    CHECK(address.path() == name);
    CHECK(address.to_string() == "@a@b");
}

TEST_CASE("SocketAddress: a path that is longer than a Unix address is a std::invalid_argument") {
    const std::string longest(107, 'x');
    CHECK(SocketAddress::unix_path(longest).path() == longest);
    CHECK(SocketAddress::unix_path(std::string(1, '\0') + longest).size() == sizeof(sockaddr_un));
    CHECK_THROWS_WITH(SocketAddress::unix_path(longest + "x"),
                      "AF_UNIX path too long: 108 bytes, of at most 107");
    CHECK_THROWS_WITH(SocketAddress::unix_path(std::string(1, '\0') + longest + "x"),
                      "AF_UNIX path too long: 109 bytes, of at most 108");
    CHECK_THROWS_AS(SocketAddress::unix_path(longest + "x"), std::invalid_argument);
}

TEST_CASE("SocketAddress: a path with a zero byte in it is a std::invalid_argument") {
    CHECK_THROWS_AS(SocketAddress::unix_path(std::string_view("/run\0x", 6)),
                    std::invalid_argument);
    CHECK_THROWS_WITH(SocketAddress::unix_path(std::string_view("/run\0x", 6)),
                      "embedded null byte in path");
}

TEST_CASE("SocketAddress: an address longer than any is a std::invalid_argument") {
    const sockaddr_storage storage[2] = {};
    const auto* kernel = reinterpret_cast<const sockaddr*>(&storage);
    CHECK_NOTHROW(SocketAddress(kernel, sizeof(sockaddr_storage)));
    CHECK_THROWS_AS(SocketAddress(kernel, sizeof(sockaddr_storage) + 1), std::invalid_argument);
}

TEST_CASE("SocketAddress: equality looks at family, host and port") {
    const auto address = SocketAddress::from_literal("127.0.0.1", 80);
    CHECK(address == SocketAddress::from_literal("127.0.0.1", 80));
    CHECK(address != SocketAddress::from_literal("127.0.0.1", 81));
    CHECK(address != SocketAddress::from_literal("127.0.0.2", 80));
    CHECK(address != SocketAddress::from_literal("::ffff:127.0.0.1", 80));
    CHECK(*address != SocketAddress());
}

TEST_CASE("host_and_port: puts brackets around an IPv6 literal only") {
    CHECK(host_and_port("example.org", 443) == "example.org:443");
    CHECK(host_and_port("::1", 0) == "[::1]:0");
    CHECK(host_and_port("", 80) == ":80");
}
