#include <ringio/http/url.hpp>

#include <ringio/http/errors.hpp>

#include <support/catch.hpp>

#include <string>
#include <utility>
#include <vector>

#include <locale.h>

using ringio::http::FieldList;
using ringio::http::InvalidURL;
using ringio::http::Url;

namespace {

std::string read_url(std::string_view text) { return Url(text).to_string(); }

std::string why_invalid(std::string_view text) {
    try {
        const Url url(text);
        return "taken as " + url.to_string();
    } catch (const InvalidURL& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("Url: its parts") {
    const Url url("HTTPS://user:p%40ss@Example.ORG:8443/a/b?x=1&y=2#top");
    CHECK(url.scheme() == "https");
    CHECK(url.user() == "user");
    CHECK(url.password() == "p@ss");
    CHECK(url.host() == "example.org");
    CHECK(url.port() == 8443);
    CHECK(url.path() == "/a/b");
    CHECK(url.query() == "x=1&y=2");
    CHECK(url.fragment() == "top");
    CHECK(url.origin() == "https://example.org:8443");
    CHECK(url.is_secure());
    CHECK(url.to_string() == "https://example.org:8443/a/b?x=1&y=2#top");
    CHECK(url.without_user().user().empty());
}

TEST_CASE("Url: the port of the scheme is not written") {
    CHECK(Url("http://a").port() == 80);
    CHECK(Url("https://a").port() == 443);
    CHECK(read_url("http://a:80") == "http://a/");
    CHECK(read_url("https://a:443/x") == "https://a/x");
    CHECK(read_url("http://a:443/x") == "http://a:443/x");
    CHECK(read_url("http://a:/x") == "http://a/x");
    CHECK(read_url("http://a:0008/x") == "http://a:8/x");
}

TEST_CASE("Url: one with the port of its scheme is the one without") {
    CHECK(Url("http://a:80/") == Url("http://a/"));
    CHECK(Url("https://a:443/") == Url("https://a/"));
    CHECK(Url("https://a:80/") != Url("https://a/"));
}

TEST_CASE("Url: what may not stand in it is percent-encoded, once") {
    CHECK(read_url("http://a/x y") == "http://a/x%20y");
    CHECK(read_url("http://a/x%20y") == "http://a/x%20y");
    CHECK(read_url("http://a/%7e%2f%2F") == "http://a/~%2F%2F");
    CHECK(read_url("http://a/100%") == "http://a/100%25");
    CHECK(read_url("http://a/%zz") == "http://a/%25zz");
    CHECK(read_url("http://a/é") == "http://a/%C3%A9");
    CHECK(read_url("http://a/?q=x y&r=a+b") == "http://a/?q=x+y&r=a+b");
    CHECK(read_url("http://a/\"<>\\^`{|}") == "http://a/%22%3C%3E%5C%5E%60%7B%7C%7D");
}

TEST_CASE("Url: dots in the path are resolved") {
    CHECK(read_url("http://a/b/../c") == "http://a/c");
    CHECK(read_url("http://a/../../c") == "http://a/c");
    CHECK(read_url("http://a/b/./c/.") == "http://a/b/c/");
    CHECK(read_url("http://a/b/..") == "http://a/");
    CHECK(read_url("http://a/b//c") == "http://a/b//c");
    CHECK(read_url("http://a/%2e%2e/c") == "http://a/c");
}

TEST_CASE("Url: an IPv6 literal stands in brackets") {
    CHECK(Url("http://[::1]:8080/x").host() == "::1");
    CHECK(Url("http://[::1]:8080/x").port() == 8080);
    CHECK(read_url("http://[::1]/") == "http://[::1]/");
    CHECK(why_invalid("http://[::1/") == "'http://[::1/': a bracket is not closed");
    CHECK(why_invalid("http://[x]/") == "'http://[x]/': there is no IPv6 address in its brackets");
    CHECK(why_invalid("http://[127.0.0.1]/") ==
          "'http://[127.0.0.1]/': there is no IPv6 address in its brackets");
    CHECK(why_invalid("http://[::1]x/") ==
          "'http://[::1]x/': there is no IPv6 address in its brackets");
}

TEST_CASE("Url: it says whether its host is an address") {
    for (const char* host : {"127.0.0.1", "0x7f.1", "[::1]", "[fe80::1%25lo]"}) {
        CHECK(Url(std::string("http://") + host + ":8080/").host_is_address());
    }
    for (const char* host : {"localhost", "127.0.0.1.", "1.2.3.4.5", "1.a"}) {
        CHECK_FALSE(Url(std::string("http://") + host + "/").host_is_address());
    }
    CHECK(Url("http://a/").join("//127.0.0.1/").host_is_address());
    CHECK_FALSE(Url("http://127.0.0.1/").join("//a/").host_is_address());
    CHECK_FALSE(Url("http+unix://%2Frun%2Fx.sock/").host_is_address());
}

TEST_CASE("Url: an address that is written in another form is that address") {
    for (const char* host : {"127.0.0.1", "127.1", "127.0.1", "0x7f.0.0.1", "0X7F.1", "0177.0.0.01",
                             "2130706433", "0x7f000001"}) {
        CHECK(Url(std::string("http://") + host + "/").host() == "127.0.0.1");
    }
    CHECK(Url("http://[0:0:0:0:0:0:0:1]/").host() == "::1");
    CHECK(read_url("http://[2001:DB8:0::1]:80/") == "http://[2001:db8::1]/");
    CHECK(Url("http://a/").join("//0x7f.1:8080/").origin() == "http://127.0.0.1:8080");
    for (const char* name : {"127.0.0.1.", "1.2.3.4.5", "256.0.0.1", "0x", "4294967296", "1.a"}) {
        CHECK(Url(std::string("http://") + name + "/").host() == name);
    }
}

TEST_CASE("Url: an IPv6 address may have a zone, an interface's name or number") {
    CHECK(Url("http://[fe80:0::1%1]/").host() == "fe80::1%1");
    CHECK(Url("http://[FE80::1%lo]/").host() == "fe80::1%lo");
    CHECK(Url("http://[fe80::1%25lo]/").host() == "fe80::1%lo");
    CHECK(read_url("http://[fe80::1%1]:81/") == "http://[fe80::1%251]:81/");
    CHECK(read_url("http://[fe80::1%25251]/") == "http://[fe80::1%25251]/");
    CHECK(Url("http://[fe80::1%25]/").host() == "fe80::1%25");
    for (const char* zone : {"%", "%lo:x", "%l\xc3\xb6", "%no-such", "%25%31", "%1]"}) {
        CHECK(why_invalid(std::string("http://[fe80::1") + zone + "]/").find("IPv6") !=
              std::string::npos);
    }
}

TEST_CASE("Url: the path of a Unix socket is the host of http+unix") {
    const Url url("http+unix://%2Frun%2Fa.sock/info?x=1");
    CHECK(url.unix_socket() == "/run/a.sock");
    CHECK(url.host().empty());
    CHECK(url.to_string() == "http+unix://%2Frun%2Fa.sock/info?x=1");
    CHECK(why_invalid("http+unix:///info") == "'http+unix:///info': it names no socket");
    CHECK(why_invalid("http+unix://a%00b/") == "'http+unix://a%00b/': it names no socket");
}

TEST_CASE("Url: line ends, zero bytes and other control characters are refused") {
    const std::string why =
        ": a URL has no line ends, zero bytes or other control characters in it";
    CHECK(why_invalid("http://a/\r\nX: y") == "'http://a/\\x0d\\x0aX: y'" + why);
    CHECK(why_invalid("http://a\n/") == "'http://a\\x0a/'" + why);
    CHECK(why_invalid(std::string_view("http://a/\0", 10)) == "'http://a/\\x00'" + why);
    CHECK(why_invalid("http://a/\t") == "'http://a/\\x09'" + why);
    CHECK(why_invalid("http://a/\x7f") == "'http://a/\\x7f'" + why);
}

TEST_CASE("Url: ports outside 1-65535 are refused") {
    for (const char* port :
         {"0", "65536", "-1", "+80", "8x", "99999999999999999999", " 80", "0x50"}) {
        const std::string text = std::string("http://a:") + port + "/";
        CHECK(why_invalid(text) == "'" + text + "': its port is no number of 1-65535");
    }
}

TEST_CASE("Url: what names no host, or no scheme that is spoken, is refused") {
    for (const char* text : {"http://", "http:///x", "http://:80/", "http://?x", "http://a b/",
                             "http://a\\@b/", "http://a%00/", "http://a<b>/", "http://*/",
                             "http://a,b/", "http://a;b/", "http://a+b/"}) {
        CHECK(why_invalid(text) == std::string("'") + text + "': it names no valid host");
    }
    for (const char* text : {"", "/x", "a/b", "http:/a", "http", "://a", "1http://a", "a b://c"}) {
        CHECK(why_invalid(text) ==
              std::string("'") + text + "': this is no URL of the form http://host/path");
    }
    for (const char* text : {"file:///etc/passwd", "ftp://a/", "gopher://a/", "javascript://a/"}) {
        CHECK(why_invalid(text) ==
              std::string("'") + text + "': only http, https and http+unix are spoken");
    }
    CHECK(why_invalid("http://a@b@c/") ==
          "'http://a@b@c/': an @ in user or password must be percent-encoded");
    CHECK(why_invalid(std::string("http://") + std::string(300, 'a') + "/")
              .ends_with("…': it names no valid host"));
}

TEST_CASE("Url: a host beyond ASCII becomes what DNS has") {
    CHECK(Url("http://bücher.example/").host() == "xn--bcher-kva.example");
    CHECK(read_url("http://BÜCHER.Example:8080/ü") == "http://xn--bcher-kva.example:8080/%C3%BC");
    CHECK(read_url("http://user@日本語。jp/") == "http://xn--wgv71a119e.jp/");
    CHECK(read_url("http://faß.de/") == "http://xn--fa-hia.de/");
    CHECK(read_url("http://é/") == "http://xn--9ca/");
    CHECK(read_url("http://u\xcc\x88.de/") == read_url("http://ü.de/"));  // u and two dots
    CHECK(read_url("http://xn--bcher-kva.example/") == "http://xn--bcher-kva.example/");
    CHECK(Url("http://a/").join("//bücher.example/x").host() == "xn--bcher-kva.example");
    CHECK(Url("http://１２７.0.0.1/").host() == "127.0.0.1");
}

TEST_CASE("Url: a host beyond ASCII leaves the locale of the thread as it is") {
    const locale_t before = ::uselocale(nullptr);
    CHECK(Url("http://ü/").host() == "xn--tda");
    CHECK(::uselocale(nullptr) == before);
    CHECK_THROWS_AS(Url("http://-ü/"), InvalidURL);
    CHECK(::uselocale(nullptr) == before);
}

TEST_CASE("Url: a host beyond ASCII that is no name is refused") {
    const auto refused = [](const std::string& host, const std::string& why) {
        const std::string text = "http://" + host + "/";
        INFO(text);
        CHECK(why_invalid(text) == "'" + text + "': " + why);
    };
    for (const char* host : {"-ü.de", "ü-.de", "a\xff.de", "\xcc\x81.de", "\xc3.de"}) {
        refused(host, "its host is no internationalized domain name");
    }
    refused("ü" + std::string(64, 'x') + ".de", "its host is no internationalized domain name");
    // What they mean is in ASCII, and belongs in no host.
    for (const char* host : {"℀.example", "a＠b", "a／b", "ü b", "ü<.de", "ü%41.de"}) {
        refused(host, "it names no valid host");
    }
}

// RFC 3986, 5.4, as far as URLs of http go.
TEST_CASE("Url: join follows the table of RFC 3986") {
    const Url base("http://a/b/c/d;p?q");
    const std::vector<std::pair<std::string, std::string>> table = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {"..g", "http://a/b/c/..g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/../h", "http://a/b/c/h"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"https://x/y", "https://x/y"},
    };
    for (const auto& [reference, joined] : table) {
        CHECK(base.join(reference).to_string() == joined);
    }
    CHECK_THROWS_AS(base.join("mailto:x@y"), InvalidURL);
    CHECK_THROWS_AS(base.join("/x\r\nSet-Cookie: a=b"), InvalidURL);
}

TEST_CASE("Url: parameters are encoded as yarl does") {
    const Url url("http://a/p?x=1");
    CHECK(url.with_params({}).to_string() == "http://a/p?x=1");
    CHECK(url.with_params({{"q", "a b"}, {"r", "&=+%;"}}).to_string() ==
          "http://a/p?x=1&q=a+b&r=%26%3D%2B%25%3B");
    CHECK(Url("http://a").with_params({{"é", "/?:@"}}).to_string() == "http://a/?%C3%A9=/?:@");
    CHECK(Url("http://a#top").with_params({{"q", ""}}).to_string() == "http://a/?q=#top");
    CHECK(Url("http://a").with_params({{"q", "\r\n"}}).to_string() == "http://a/?q=%0D%0A");
}
