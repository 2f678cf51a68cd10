// Servers that others wrote, for tests: certificates are made on the fly, a server is started on a
// free port of the loopback, and ended by its pid. What is not installed is skipped with a message.
#pragma once

#include "../../src/http/live_handles.hpp"
#include "../tls/peer_process.hpp"

#include <ringio/http.hpp>
#include <ringio/testing/balance.hpp>

#include <fmt/core.h>
#include <support/temp_folder.hpp>

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <unistd.h>

namespace ringio::test_support {

/// A folder with ca.pem and the certificates that it signed, each with its key beside it.
class Certificates {
public:
    Certificates() {
        run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key "
            "-out ca.pem -days 1 -subj '/CN=Test CA' "
            "-addext keyUsage=critical,keyCertSign,cRLSign");
        make("server", "DNS:localhost,IP:127.0.0.1", 1);
        make("other", "DNS:other.test", 1);
        make("expired", "DNS:localhost,IP:127.0.0.1", -1);
        make("client", "DNS:client.test", 1);
    }

    std::string file(const std::string& name) const { return folder_ / name; }
    const TempFolder& folder() const noexcept { return folder_; }

private:
    void make(const std::string& name, const std::string& names, int days) {
        folder_.file(name + ".ext", fmt::format("subjectAltName={}\nbasicConstraints=CA:FALSE\n"
                                                "subjectKeyIdentifier=hash\n"
                                                "authorityKeyIdentifier=keyid\n",
                                                names));
        run(
            fmt::format("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {0}.key "
                        "-out {0}.csr -subj /CN={0}",
                        name));
        run(
            fmt::format("x509 -req -in {0}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days {1} "
                        "-extfile {0}.ext -out {0}.pem",
                        name, days));
    }

    void run(const std::string& arguments) const {
        const std::string command =
            fmt::format("cd {} && openssl {} > log 2>&1", folder_.path(), arguments);
        REQUIRE(std::system(command.c_str()) == 0);
    }

    TempFolder folder_;
};

/// nginx in one process, with these lines within its `http`.
class Nginx {
public:
    Task<> start(const TempFolder& folder, std::string http_lines, std::string port) {
        const std::string user = ::geteuid() == 0 ? "user root root;" : "";
        folder.file("nginx.conf",
                    fmt::format("{2} daemon off; master_process off; pid {0}/pid;\n"
                                "error_log stderr;\n"
                                "events {{ worker_connections 512; }}\n"
                                "http {{ access_log off; client_body_temp_path {0}/body;\n"
                                "client_max_body_size 100m;\n"
                                "proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fcgi;\n"
                                "uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;\n{1} }}\n",
                                folder.path(), http_lines, user));
        const Arguments arguments{"-c", folder / "nginx.conf", "-e", "stderr"};
        peer_ = co_await Peer::start("nginx", arguments);
        co_await peer_->answers_at(port);
    }

    Task<> stop() {
        peer_->process().kill();
        static_cast<void>(co_await peer_->ended());
    }

private:
    std::optional<Peer> peer_;
};

/// What a peer test has: a server over TLS and one without, each with these lines.
struct Site {
    Certificates certificates;
    Nginx nginx;
    std::string tls_port = free_port();
    std::string port = free_port();

    Task<> start(std::string tls_lines, std::string lines = "",
                 std::string certificate = "server") {
        const std::string path = certificates.folder().path();
        const std::string everywhere = fmt::format(
            "location / {{ root {}; }}\n"
            "location = /who {{ return 200 \"$connection $server_protocol $ssl_protocol\"; }}\n",
            path);
        const std::string config = fmt::format(
            "server {{ listen 127.0.0.1:{0} ssl http2; ssl_certificate {1}/{2}.pem;\n"
            "ssl_certificate_key {1}/{2}.key; {3}\n{4} }}\n"
            "server {{ listen 127.0.0.1:{5}; {6}\n{4} }}\n",
            tls_port, path, certificate, tls_lines, everywhere, port, lines);
        co_await nginx.start(certificates.folder(), config, tls_port);
    }

    std::string url(std::string_view path) const {
        return fmt::format("https://127.0.0.1:{}{}", tls_port, path);
    }
    std::string plain_url(std::string_view path) const {
        return fmt::format("http://127.0.0.1:{}{}", port, path);
    }
};

/// Runs a peer test, if nginx and openssl are there, and looks at the books.
inline void run_with_site(Task<> (*body)(Site&)) {
    if (is_missing("nginx", "nginx-light") || is_missing("openssl", "openssl")) {
        return;
    }
    const testing::Balance balance;
    {
        Site site;
        ringio::run(body(site));
    }
    CHECK(http::detail::live_easy_handles() == 0);
    CHECK(balance.difference() == "");
}

}  // namespace ringio::test_support
