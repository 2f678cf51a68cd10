// TlsContext: what options are good for, and the sentences when they are not.
#include <ringio/tls.hpp>

#include <ringio/streams.hpp>
#include <ringio/testing.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

#include <openssl/ui.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "certificates.hpp"
#include "tls_peers.hpp"

using namespace ringio;
using namespace ringio::test_support;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using ringio::testing::memory_stream_pair;

namespace {

std::string bad_server(const TlsServerOptions& options) {
    return thrown_text<TlsError>([&] { static_cast<void>(TlsContext::server(options)); });
}

std::string bad_client(const TlsClientOptions& options) {
    return thrown_text<TlsError>([&] { static_cast<void>(TlsContext::client(options)); });
}

template <class E>
std::string refused(const TlsClientOptions& options) {
    return thrown_text<E>([&] { static_cast<void>(TlsContext::client(options)); });
}

template <class E>
std::string refused(const TlsServerOptions& options) {
    return thrown_text<E>([&] { static_cast<void>(TlsContext::server(options)); });
}

std::string with_crlf(const std::string& text) {
    std::string result;
    for (const char c : text) {
        result += c == '\n' ? "\r\n" : std::string(1, c);
    }
    return result;
}

/// In its life a question on the terminal is refused, and noted.
class NoTerminal {
public:
    NoTerminal() : method_(UI_create_method("none")) {
        was_asked = false;
        UI_method_set_opener(method_, [](UI*) {
            was_asked = true;
            return 0;
        });
        UI_set_default_method(method_);
    }
    NoTerminal(const NoTerminal&) = delete;
    NoTerminal& operator=(const NoTerminal&) = delete;
    ~NoTerminal() {
        UI_set_default_method(UI_OpenSSL());
        UI_destroy_method(method_);
    }

    static inline bool was_asked = false;

private:
    UI_METHOD* method_;
};

/// Sets a variable of the environment for as long as it lives.
class Variable {
public:
    Variable(const char* name, const std::string& value) : name_(name) {
        if (const char* const before = std::getenv(name)) {
            before_ = before;
        }
        ::setenv(name, value.c_str(), 1);
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    ~Variable() {
        if (before_) {
            ::setenv(name_, before_->c_str(), 1);
        } else {
            ::unsetenv(name_);
        }
    }

private:
    const char* name_;
    std::optional<std::string> before_;
};

const std::string& no_such_file() {
    static const std::string made = pem_folder() / "missing.pem";
    return made;
}

/// As `openssl rehash` makes it.
std::string hashed_folder(const CertificateMaker& authority) {
    static int count = 0;
    const std::string folder = pem_folder() / ("hashed" + std::to_string(++count));
    std::filesystem::create_directory(folder);
    std::filesystem::copy(authority.file(), folder + "/" + authority.hash() + ".0");
    return folder;
}

}  // namespace

TEST_CASE("tls context: a file that is missing is named, with the option it stands in") {
    const std::string& missing = no_such_file();
    const std::string& good = localhost().certificate;
    const std::string& key = localhost().key;
    const std::string tail = " '" + missing + "': No such file or directory";
    using Failure = std::system_error;
    CHECK(refused<Failure>(TlsServerOptions{.certificate = missing, .key = key}) ==
          "TlsContext: certificate" + tail);
    CHECK(refused<Failure>(TlsServerOptions{.certificate = good, .key = missing}) ==
          "TlsContext: key" + tail);
    CHECK(
        refused<Failure>(TlsServerOptions{.certificate = good, .key = key, .client_ca = missing}) ==
        "TlsContext: client_ca" + tail);
    CHECK(
        refused<Failure>(TlsServerOptions{.certificate = good, .key = key, .crl_file = missing}) ==
        "TlsContext: crl_file" + tail);
    CHECK(refused<Failure>(TlsClientOptions{.ca_file = missing}) == "TlsContext: ca_file" + tail);
    CHECK(refused<Failure>(TlsClientOptions{.ca_path = missing}) == "TlsContext: ca_path" + tail);
    CHECK(refused<Failure>(
              TlsClientOptions{.ca_file = test_ca_file(), .keylog_file = missing + "/x"}) ==
          "TlsContext: keylog_file '" + missing + "/x': No such file or directory");
}

TEST_CASE("tls context: a file that cannot be read says why") {
    const std::string& folder = pem_folder().path();
    CHECK(refused<std::system_error>(TlsClientOptions{.ca_file = folder}) ==
          "TlsContext: ca_file '" + folder + "': Is a directory");
    CHECK(refused<std::system_error>(TlsServerOptions{.certificate = folder}) ==
          "TlsContext: certificate '" + folder + "': Is a directory");
    CHECK(refused<std::system_error>(
              TlsServerOptions{.certificate = localhost().certificate, .key = folder}) ==
          "TlsContext: key '" + folder + "': Is a directory");
    CHECK(refused<std::system_error>(TlsClientOptions{.ca_path = test_ca_file()}) ==
          "TlsContext: ca_path '" + test_ca_file() + "': Not a directory");
    CHECK(refused<std::system_error>(
              TlsClientOptions{.ca_file = test_ca_file(), .keylog_file = folder}) ==
          "TlsContext: keylog_file '" + folder + "': Is a directory");
}

TEST_CASE("tls context: a file without PEM in it is named, with what is wanted there") {
    const std::string key = localhost().key;
    for (const std::string& content :
         {std::string(), std::string("hello, world\n"),
          std::string("-----BEGIN CERTIFICATE-----\n"), std::string(100, '\0')}) {
        INFO("'" << content << "'");
        const std::string file = pem_file(content);
        CHECK_THAT(bad_server({.certificate = file, .key = key}),
                   StartsWith("TlsContext: certificate '" + file + "': ") &&
                       Contains("; hint: a certificate in PEM form is expected"));
        CHECK_THAT(bad_server({.certificate = localhost().certificate, .key = file}),
                   StartsWith("TlsContext: key '" + file + "': ") &&
                       Contains("; hint: a private key in PEM form is expected"));
        CHECK_THAT(bad_server({.certificate = localhost().certificate,
                               .key = localhost().key,
                               .client_ca = file}),
                   StartsWith("TlsContext: client_ca '" + file + "': ") &&
                       Contains("; hint: certificates in PEM form are expected"));
        CHECK_THAT(bad_client({.ca_file = file}),
                   StartsWith("TlsContext: ca_file '" + file + "': ") &&
                       Contains("; hint: certificates in PEM form are expected"));
        CHECK_THAT(bad_client({.ca_file = test_ca_file(), .crl_file = file}),
                   StartsWith("TlsContext: crl_file '" + file + "': ") &&
                       Contains("; hint: a revocation list in PEM form is expected"));
        if (!content.empty()) {
            CHECK_THAT(bad_client({.ca_data = content}),
                       StartsWith("TlsContext: ca_data: ") &&
                           Contains("; hint: certificates in PEM form are expected"));
        }
    }
}

TEST_CASE("tls context: a certificate cut off in the middle is no certificate") {
    const std::string whole = content_of(localhost().certificate);
    for (std::size_t size = 30; size + 1 < whole.size(); size += 97) {
        INFO(size);
        const std::string file = pem_file(whole.substr(0, size));
        CHECK_THAT(bad_server({.certificate = file, .key = localhost().key}),
                   StartsWith("TlsContext: certificate '" + file + "': "));
        CHECK_THAT(bad_client({.ca_data = whole.substr(0, size)}),
                   StartsWith("TlsContext: ca_data: "));
        // It is noticed behind a good one, too.
        CHECK_THAT(bad_client({.ca_data = whole + whole.substr(0, size)}),
                   StartsWith("TlsContext: ca_data: "));
    }
}

ASYNC_TEST_CASE("tls context: PEM with the line ends of Windows is as good") {
    const std::string certificate = pem_file(with_crlf(content_of(localhost().certificate)));
    const std::string key = pem_file(with_crlf(content_of(localhost().key)));
    const std::string authority = with_crlf(test_authority().text());
    const TlsContext server = TlsContext::server({.certificate = certificate, .key = key});
    const TlsContext by_data = TlsContext::client({.ca_data = authority});
    const std::string file = pem_file(authority);
    const TlsContext by_file = TlsContext::client({.ca_file = file});
    const TlsEnds one = co_await meet(by_data, server);
    CHECK(have_met(one));
    const TlsEnds other = co_await meet(by_file, server);
    CHECK(have_met(other));
}

// OpenSSL would leave out the first certificate behind it and say nothing when there are others.
TEST_CASE("tls context: a byte order mark before PEM is told of") {
    const std::string mark = "\xEF\xBB\xBF";
    const std::string one = mark + content_of(localhost().certificate);
    const std::string two = one + test_authority().text();
    const std::string hint =
        "; hint: it begins with a byte order mark: save it as UTF-8 without one";
    for (const std::string& content : {one, two}) {
        const std::string file = pem_file(content);
        CHECK(bad_server({.certificate = file, .key = localhost().key}) ==
              "TlsContext: certificate '" + file + "': no start line" + hint);
        CHECK(bad_server({.certificate = localhost().certificate,
                          .key = localhost().key,
                          .client_ca = file}) ==
              "TlsContext: client_ca '" + file + "': no start line" + hint);
        CHECK(bad_client({.ca_file = file}) ==
              "TlsContext: ca_file '" + file + "': no start line" + hint);
        CHECK(bad_client({.ca_data = content}) == "TlsContext: ca_data: no start line" + hint);
    }
    const std::string key = pem_file(mark + content_of(localhost().key));
    CHECK(bad_server({.certificate = localhost().certificate, .key = key}) ==
          "TlsContext: key '" + key + "': no start line" + hint);
}

TEST_CASE("tls context: a key that is another's is refused") {
    const Identity other = test_authority().issue();
    CHECK(bad_server({.certificate = localhost().certificate, .key = other.key}) ==
          "TlsContext: key '" + other.key +
              "': key values mismatch; hint: it is not that of the certificate");
    const Identity rsa = test_authority().issue({.key_type = "RSA"});
    CHECK_THAT(bad_server({.certificate = localhost().certificate, .key = rsa.key}),
               StartsWith("TlsContext: key '" + rsa.key + "': ") &&
                   Contains("; hint: it is not that of the certificate"));
    CHECK_THAT(
        bad_client(
            {.ca_file = test_ca_file(), .certificate = localhost().certificate, .key = other.key}),
        Contains("; hint: it is not that of the certificate"));
}

TEST_CASE("tls context: an encrypted key wants the right password, and nobody is asked for it") {
    const NoTerminal terminal;
    const Identity locked = test_authority().issue({.password = "open sesame"});
    const std::string start = "TlsContext: key '" + locked.key + "': ";
    CHECK_THAT(bad_server({.certificate = locked.certificate, .key = locked.key}),
               StartsWith(start) && Contains("; hint: it is encrypted: give .password"));
    CHECK_THAT(
        bad_server({.certificate = locked.certificate, .key = locked.key, .password = "sesame"}),
        StartsWith(start) && Contains("; hint: is .password the right one?"));
    CHECK_THAT(bad_server({.certificate = locked.certificate,
                           .key = locked.key,
                           .password = std::string(5000, 'x')}),
               StartsWith(start) && Contains("; hint: is .password the right one?"));
    CHECK_NOTHROW(TlsContext::server(
        {.certificate = locked.certificate, .key = locked.key, .password = "open sesame"}));
    CHECK_NOTHROW(TlsContext::server(
        {.certificate = localhost().certificate, .key = localhost().key, .password = "unneeded"}));

    // The form of before PKCS #8.
    const std::string older = test_authority().traditional(locked, "open sesame");
    CHECK_THAT(bad_server({.certificate = locked.certificate, .key = older}),
               Contains("; hint: it is encrypted: give .password"));
    CHECK_THAT(bad_server({.certificate = locked.certificate, .key = older, .password = "sesame"}),
               Contains("; hint: is .password the right one?"));
    CHECK_NOTHROW(TlsContext::server(
        {.certificate = locked.certificate, .key = older, .password = "open sesame"}));

    // One wrong password in 256 makes bytes that end as if they were right.
    for (int number = 0; number < 1000; ++number) {
        const std::string password = "sesame " + std::to_string(number);
        const std::string why =
            bad_server({.certificate = locked.certificate, .key = older, .password = password});
        INFO(why);
        REQUIRE(why.ends_with("; hint: is .password the right one?"));
    }
    CHECK_FALSE(NoTerminal::was_asked);
}

TEST_CASE("tls context: not even for an encrypted certificate somebody is asked") {
    const NoTerminal terminal;
    const std::string locked = test_authority().encrypted_certificate("secret");
    CHECK_THAT(bad_server({.certificate = locked, .key = localhost().key}),
               StartsWith("TlsContext: certificate '" + locked + "': "));
    CHECK_THAT(
        bad_server(
            {.certificate = localhost().certificate, .key = localhost().key, .client_ca = locked}),
        StartsWith("TlsContext: client_ca '" + locked + "': "));
    CHECK_THAT(bad_client({.ca_file = locked}), StartsWith("TlsContext: ca_file '"));
    CHECK_THAT(bad_client({.ca_file = test_ca_file(), .crl_file = locked}),
               StartsWith("TlsContext: crl_file '"));
    CHECK_THAT(bad_client({.ca_data = content_of(locked)}), StartsWith("TlsContext: ca_data: "));
    CHECK_FALSE(NoTerminal::was_asked);
}

ASYNC_TEST_CASE("tls context: the key may stand in the file of the certificate, before or behind") {
    const std::string certificate = content_of(localhost().certificate);
    const std::string key = content_of(localhost().key);
    const std::vector<std::string> contents = {certificate + key, key + certificate};
    for (const std::string& content : contents) {
        const std::string file = pem_file(content);
        const TlsContext server = TlsContext::server({.certificate = file});
        const TlsEnds ends = co_await meet(client_context(), server);
        CHECK(have_met(ends));
    }
    CHECK_THAT(bad_server({.certificate = localhost().certificate}),
               StartsWith("TlsContext: key '" + localhost().certificate + "': ") &&
                   Contains("; hint: a private key in PEM form is expected"));
}

TEST_CASE("tls context: a certificate goes with a key, and a server has one") {
    CHECK(refused<std::invalid_argument>(TlsServerOptions{}) ==
          "TlsContext::server: there is no certificate");
    CHECK(refused<std::invalid_argument>(
              TlsClientOptions{.ca_file = test_ca_file(), .key = localhost().key}) ==
          "TlsContext: a key, and no certificate to it");
}

TEST_CASE("tls context: a certificate that is too weak is refused where it is given") {
    const Identity weak = test_authority().issue({.key_type = "RSA", .rsa_bits = 1024});
    CHECK(bad_server({.certificate = weak.certificate, .key = weak.key}) ==
          "TlsContext: certificate '" + weak.certificate +
              "': ee key too small; hint: its key or digest is too weak for OpenSSL's security "
              "level 2");
    const Identity sha1 = test_authority().issue({.digest = "SHA1"});
    CHECK(bad_server({.certificate = sha1.certificate, .key = sha1.key}) ==
          "TlsContext: certificate '" + sha1.certificate +
              "': ca md too weak; hint: its key or digest is too weak for OpenSSL's security "
              "level 2");
}

ASYNC_TEST_CASE("tls context: whom to trust may be a file, a directory, or data") {
    const std::string folder = hashed_folder(test_authority());
    const CertificateMaker stranger(
        {.common_name = "another CA", .alt_names = "", .is_authority = true});
    const std::string other_file = stranger.file();
    const TlsEnds by_folder =
        co_await meet(TlsContext::client({.ca_path = folder}), server_context());
    CHECK(have_met(by_folder));
    const std::string both = stranger.text() + "a comment\n" + test_authority().text();
    const TlsEnds by_data = co_await meet(TlsContext::client({.ca_data = both}), server_context());
    CHECK(have_met(by_data));
    const TlsContext each = TlsContext::client({.ca_file = other_file, .ca_path = folder});
    const TlsEnds by_both = co_await meet(each, server_context());
    CHECK(have_met(by_both));
    const TlsEnds by_other =
        co_await meet(TlsContext::client({.ca_file = other_file}), server_context());
    CHECK_FALSE(by_other.client.is_good());
}

ASYNC_TEST_CASE("tls context: the system's authorities are where SSL_CERT_FILE and _DIR say") {
    const std::string folder = hashed_folder(test_authority());
    const std::string empty = pem_folder() / "empty_store";
    std::filesystem::create_directory(empty);
    {
        const Variable file("SSL_CERT_FILE", test_ca_file());
        const Variable directory("SSL_CERT_DIR", empty);
        const TlsEnds ends = co_await meet(TlsContext::client(), server_context());
        CHECK(have_met(ends));
    }
    {
        const Variable file("SSL_CERT_FILE", no_such_file());
        const Variable directory("SSL_CERT_DIR", empty + ":" + folder);
        const TlsEnds ends = co_await meet(TlsContext::client(), server_context());
        CHECK(have_met(ends));
    }
}

TEST_CASE("tls context: a system that trusts nobody is told of at once, not at each connection") {
    const std::string empty = pem_folder() / "empty_place";
    std::filesystem::create_directory(empty);
    const Variable directory("SSL_CERT_DIR", empty);
    for (const std::string& name :
         {no_such_file(), pem_file(""), pem_file("no certificate\n"), empty}) {
        INFO(name);
        const Variable file("SSL_CERT_FILE", name);
        CHECK(bad_client({}) == "TlsContext: no CA certificates in " + empty +
                                    "; hint: apt-get install ca-certificates, or give .ca_file");
        CHECK_NOTHROW(TlsContext::client({.ca_file = test_ca_file()}));
        CHECK_NOTHROW(TlsContext::client({.verify = tls::insecure_no_verify()}));
    }
    const Variable file("SSL_CERT_FILE", no_such_file());
    const Variable missing("SSL_CERT_DIR", no_such_file() + ":" + empty);
    CHECK_THAT(bad_client({}), Contains("no CA certificates in " + no_such_file() + ":" + empty));
}

TEST_CASE("tls context: a server that asks for certificates trusts whom it is told to only") {
    const Variable file("SSL_CERT_FILE", no_such_file());
    const Variable directory("SSL_CERT_DIR", no_such_file());
    CHECK_NOTHROW(TlsContext::server({.certificate = localhost().certificate,
                                      .key = localhost().key,
                                      .client_ca = test_ca_file()}));
}

TEST_CASE("tls context: versions are a range") {
    CHECK(refused<std::invalid_argument>(TlsClientOptions{.ca_file = test_ca_file(),
                                                          .min_version = TlsVersion::tls1_3,
                                                          .max_version = TlsVersion::tls1_2}) ==
          "TlsContext: min_version is above max_version");
    CHECK(refused<std::invalid_argument>(TlsServerOptions{.certificate = localhost().certificate,
                                                          .key = localhost().key,
                                                          .min_version = TlsVersion::tls1_3,
                                                          .max_version = TlsVersion::tls1_2}) ==
          "TlsContext: min_version is above max_version");
}

ASYNC_TEST_CASE("tls context: ends without a version in common name their ranges") {
    const TlsContext older =
        TlsContext::client({.ca_file = test_ca_file(), .max_version = TlsVersion::tls1_2});
    const TlsContext newer = TlsContext::server({.certificate = localhost().certificate,
                                                 .key = localhost().key,
                                                 .min_version = TlsVersion::tls1_3});
    const TlsEnds ends = co_await meet(older, newer);
    CHECK(ends.client.code() == TlsErrc::no_common_version);
    CHECK(ends.server.code() == TlsErrc::no_common_version);
    CHECK_THAT(ends.client.what(), Contains("we speak TLSv1.2 to TLSv1.2"));
    CHECK_THAT(ends.server.what(), Contains("we speak TLSv1.3 to TLSv1.3"));

    const TlsContext in_common = TlsContext::server({.certificate = localhost().certificate,
                                                     .key = localhost().key,
                                                     .max_version = TlsVersion::tls1_2});
    const TlsEnds both = co_await meet(client_context(), in_common);
    CHECK(have_met(both));
    CHECK(both.client.info.version == "TLSv1.2");
}

TEST_CASE("tls context: ciphers are such as there are, and the security level stays") {
    const auto refuse = [](std::string_view ciphers) {
        return refused<std::invalid_argument>(
            TlsClientOptions{.ca_file = test_ca_file(), .ciphers = ciphers});
    };
    CHECK(refuse("NO-SUCH-CIPHER") ==
          "TlsContext: ciphers 'NO-SUCH-CIPHER': no cipher match; `openssl ciphers -v` lists them");
    CHECK_THAT(refuse("HIGH:!ALL"), Contains("no cipher match"));
    CHECK_THAT(refuse(":::"), Contains("ciphers ':::'"));
    for (const char* const lower : {"DEFAULT@SECLEVEL=0", "@SECLEVEL=1:HIGH", "@SECLEVEL=3"}) {
        CHECK(refuse(lower) ==
              "TlsContext: ciphers must not change the security level (@SECLEVEL); it is 2");
    }
}

ASYNC_TEST_CASE("tls context: ciphers of an option are those that are spoken") {
    const TlsContext client = TlsContext::client({.ca_file = test_ca_file(),
                                                  .max_version = TlsVersion::tls1_2,
                                                  .ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305"});
    const TlsEnds ends = co_await meet(client, server_context());
    CHECK(have_met(ends));
    CHECK(ends.client.info.cipher == "ECDHE-ECDSA-CHACHA20-POLY1305");

    const TlsContext other = TlsContext::server({.certificate = localhost().certificate,
                                                 .key = localhost().key,
                                                 .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"});
    const TlsEnds apart = co_await meet(client, other);
    CHECK(apart.client.code() == TlsErrc::no_common_version);
    CHECK(apart.server.code() == TlsErrc::no_common_version);

    // Neither nameless ones nor ones that encrypt nothing are to be had by their names.
    const TlsContext anonymous = TlsContext::client(
        {.ca_file = test_ca_file(), .max_version = TlsVersion::tls1_2, .ciphers = "aNULL:eNULL"});
    const TlsEnds none = co_await meet(anonymous, server_context());
    CHECK_FALSE(none.client.is_good());
}

TEST_CASE("tls context: a name of ALPN has 1 to 255 bytes") {
    const std::string longest(255, 'x');
    const std::string longer(256, 'x');
    CHECK_NOTHROW(TlsContext::client({.ca_file = test_ca_file(), .alpn = {"h2", longest}}));
    for (const std::string_view name : {std::string_view(), std::string_view(longer)}) {
        CHECK(refused<std::invalid_argument>(
                  TlsClientOptions{.ca_file = test_ca_file(), .alpn = {"h2", name}}) ==
              "TlsContext: a name in .alpn is empty or longer than 255 bytes");
        CHECK(
            refused<std::invalid_argument>(TlsServerOptions{
                .certificate = localhost().certificate, .key = localhost().key, .alpn = {name}}) ==
            "TlsContext: a name in .alpn is empty or longer than 255 bytes");
    }
}

ASYNC_TEST_CASE(
    "tls context: of protocols in common the server's first is taken, and none is told of") {
    const auto serve = [](const AlpnProtocols& names) {
        return TlsContext::server(
            {.certificate = localhost().certificate, .key = localhost().key, .alpn = names});
    };
    const auto connect = [](const AlpnProtocols& names) {
        return TlsContext::client({.ca_file = test_ca_file(), .alpn = names});
    };
    const TlsEnds common = co_await meet(connect({"http/1.1", "h2"}), serve({"h2", "http/1.1"}));
    CHECK(have_met(common));
    CHECK(common.client.info.alpn == "h2");
    CHECK(common.server.info.alpn == "h2");
    const TlsEnds apart = co_await meet(connect({"imap"}), serve({"h2"}));
    CHECK(apart.client.code() == TlsErrc::no_common_protocol);
    CHECK(apart.server.code() == TlsErrc::no_common_protocol);
    const TlsEnds unasked = co_await meet(client_context(), serve({"h2"}));
    CHECK(have_met(unasked));
    CHECK(unasked.client.info.alpn.empty());
    const TlsEnds unheard = co_await meet(connect({"h2"}), server_context());
    CHECK(have_met(unheard));
    CHECK(unheard.client.info.alpn.empty());
}

ASYNC_TEST_CASE("tls context: secrets are written where the option says, and nowhere else") {
    const Variable variable("SSLKEYLOGFILE", pem_folder() / "by_environment");
    const TlsEnds quiet = co_await meet(client_context(), server_context());
    CHECK(have_met(quiet));
    CHECK_FALSE(pem_folder().has("by_environment"));

    const std::string file = pem_folder() / "secrets";
    {
        const TlsContext client =
            TlsContext::client({.ca_file = test_ca_file(), .keylog_file = file});
        const TlsContext server = TlsContext::server(
            {.certificate = localhost().certificate, .key = localhost().key, .keylog_file = file});
        const TlsEnds ends = co_await meet(client, server);
        CHECK(have_met(ends));
    }
    const std::string secrets = pem_folder().content("secrets");
    CHECK_THAT(secrets, Contains("CLIENT_HANDSHAKE_TRAFFIC_SECRET ") &&
                            Contains("SERVER_TRAFFIC_SECRET_0 "));
}

TEST_CASE("tls context: two threads may use one, each with a loop of its own", "[threads]") {
    const TlsContext client = client_context();
    const TlsContext server = server_context();
    std::array<int, 2> met{};
    const auto work = [&](int& count) {
        testing::run_virtual([](TlsContext a, TlsContext b, int& done) -> Task<> {
            for (int i = 0; i < 20; ++i) {
                const TlsEnds ends = co_await meet(a, b);
                done += have_met(ends) ? 1 : 0;
            }
        }(client, server, count));
    };
    std::thread other(work, std::ref(met[0]));
    work(met[1]);
    other.join();
    CHECK(met == std::array<int, 2>{20, 20});
}

ASYNC_TEST_CASE("tls context: a temporary one may be given within a co_await") {
    const auto serve = [](StreamReader reader, StreamWriter writer) -> Task<> {
        writer.write(co_await reader.readline());
        writer.close();
        co_await writer.wait_closed();
    };
    Server server = co_await start_server(
        serve, "127.0.0.1", 0,
        {.tls =
             TlsContext::server({.certificate = localhost().certificate, .key = localhost().key})});
    auto [reader, writer] =
        co_await open_connection("127.0.0.1", server.sockets()[0].getsockname().port(),
                                 {.tls = TlsContext::client({.ca_file = test_ca_file()})});
    writer.write("echo\n");
    CHECK_AWAIT(reader.readline(), "echo\n");
    writer.close();
    co_await writer.wait_closed();
    server.close();
    co_await server.wait_closed();
}

ASYNC_TEST_CASE(
    "tls context: that of a server does not connect, and that of a client does not serve") {
    const TlsContext server = server_context();
    const TlsContext client = client_context();
    CHECK(server.is_server());
    CHECK_FALSE(client.is_server());
    using Refused = std::invalid_argument;
    CHECK_THAT(thrown_text<Refused>(
                   [&] { static_cast<void>(open_connection("127.0.0.1", 1, {.tls = server})); }),
               Contains("TlsContext::client() makes one to connect with"));
    const auto no_answer = [](StreamReader, StreamWriter) -> Task<> { co_return; };
    CHECK_THAT(thrown_text<Refused>([&] {
                   static_cast<void>(start_server(no_answer, "127.0.0.1", 0, {.tls = client}));
               }),
               Contains("start_server: the TlsContext is that of a client"));
    auto [one, other] = memory_stream_pair();
    StreamWriter& writer = one.writer;
    CHECK_THAT(thrown_text<Refused>([&] { static_cast<void>(writer.start_tls(client)); }),
               Contains("you have to pass server_hostname"));
    CHECK_THAT(thrown_text<Refused>([&] { static_cast<void>(writer.start_tls(TlsOption())); }),
               Contains("there is no TlsContext"));
    co_return;
}

ASYNC_TEST_CASE("tls context: a name that no host can have is refused before it is asked for") {
    const std::vector<std::string> cases = {std::string("localhost\0.evil.org", 19),
                                            std::string(300, 'a'), ".example.com"};
    for (const std::string& name : cases) {
        INFO(name);
        auto [one, other] = memory_stream_pair();
        StreamWriter& writer = one.writer;
        const TlsContext context = client_context();
        CHECK_THAT(thrown_text<std::invalid_argument>([&] {
                       static_cast<void>(writer.start_tls(context, {.server_hostname = name}));
                   }),
                   StartsWith("server_hostname "));
    }
    co_return;
}

ASYNC_TEST_CASE("tls context: a copy is the same, and outlives the first") {
    std::optional<TlsContext> first = client_context();
    TlsContext copy = *first;
    TlsContext moved = std::move(*first);
    first.reset();
    copy = moved;
    const TlsEnds ends = co_await meet(copy, server_context());
    CHECK(have_met(ends));
}
