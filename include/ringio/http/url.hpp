// Url: an address in the web, taken apart and put together, percent-encoded as yarl does for
// aiohttp.
#pragma once

#include <ringio/http/fields.hpp>

#include <string>
#include <string_view>

namespace ringio::http {

/// An absolute URL of http, https, or http+unix, whose host is the percent-encoded path of a Unix
/// socket: "http+unix://%2Frun%2Fdocker.sock/info". yarl.URL.
///
/// Scheme and host are in lower case, an address is in its usual form, however it was written, "."
/// and ".." in the path are resolved, and what may not stand in a URL is percent-encoded; what is
/// encoded already stays so.
class Url {
public:
    /// Is empty; only assignment and destruction are allowed.
    Url() noexcept = default;

    /// Reads one. *Errors*: InvalidURL: another scheme, no host, a host with what belongs in none,
    /// one beyond ASCII that is no name (or that a libcurl before 7.88, or without libidn2, wants
    /// in its "xn--" form), a port outside 1-65535, a control character.
    explicit Url(std::string_view text);

    const std::string& scheme() const noexcept { return scheme_; }
    const std::string& user() const noexcept { return user_; }          ///< decoded
    const std::string& password() const noexcept { return password_; }  ///< decoded
    /// Without the brackets of an IPv6 literal, and as DNS has it: "xn--bcher-kva.example"; empty
    /// for a Unix socket.
    const std::string& host() const noexcept { return host_; }
    /// Whether the host is an address, which nobody has to be asked for.
    bool host_is_address() const noexcept { return host_is_address_; }
    /// The port, that of the scheme when none is named.
    unsigned port() const noexcept;
    const std::string& path() const noexcept { return path_; }          ///< encoded; never empty
    const std::string& query() const noexcept { return query_; }        ///< encoded, without the ?
    const std::string& fragment() const noexcept { return fragment_; }  ///< encoded, without the #
    const std::string& unix_socket() const noexcept { return unix_socket_; }  ///< decoded

    /// Whether there is a user in it, or a password: "http://:token@host/" has that alone.
    bool has_credentials() const noexcept { return !user_.empty() || !password_.empty(); }
    bool is_secure() const noexcept { return scheme_ == "https"; }
    /// "https://example.org", with the port where it is not that of the scheme.
    std::string origin() const;
    /// All of it, but user and password: for requests, errors and logs.
    std::string to_string() const;

    /// What a reference means on the page of this URL: a whole URL, "//host/path", "/path",
    /// "path", "?query". RFC 3986, 5.2. *Errors*: as the constructor.
    Url join(std::string_view reference) const;
    /// With these parameters behind those that its query has.
    Url with_params(const FieldList& params) const;
    Url without_user() const;

    friend bool operator==(const Url&, const Url&) = default;

private:
    void parse_authority(std::string_view authority, std::string_view whole);
    void parse_host(std::string_view host, std::string_view whole);
    void parse_rest(std::string_view rest);
    unsigned scheme_port() const noexcept { return is_secure() ? 443 : 80; }

    std::string scheme_;
    std::string user_;
    std::string password_;
    std::string host_;
    std::string unix_socket_;
    std::string path_;
    std::string query_;
    std::string fragment_;
    unsigned port_ = 0;  // 0: that of the scheme
    bool host_is_address_ = false;
};

namespace detail {

/// "a=1&b=x+y", as a form and a query have it.
std::string form_encoded(const FieldList& fields);
/// *Errors*: none: a "%" that encodes nothing stays.
std::string percent_decoded(std::string_view text);

}  // namespace detail
}  // namespace ringio::http
