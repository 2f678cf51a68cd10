// Servers that others wrote, for tests: certificates are made on the fly, a server is started on a
// free port of the loopback, and ended by its pid. What is not installed is skipped with a message.
#pragma once

#include <ringio/http.hpp>
#include <ringio/io/socket.hpp>
#include <ringio/process.hpp>
#include <ringio/streams.hpp>
#include <ringio/tasks.hpp>

#include <fmt/core.h>
#include <support/temp_folder.hpp>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace ringio::test_support {

/// Whether a program can be found; says so if not.
inline bool has_program(const std::string& name) {
    const bool found = std::system(fmt::format("command -v {} > /dev/null", name).c_str()) == 0;
    if (!found) {
        WARN("skipped: " << name << " is not installed");
    }
    return found;
}

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

inline unsigned free_port() {
    const Socket socket = Socket::listening(*SocketAddress::from_literal("127.0.0.1", 0), 1, false);
    return socket.getsockname().port();
}

/// Waits until somebody listens, ten seconds at most.
inline Task<bool> listens(unsigned port) {
    for (int attempt = 0; attempt < 1000; ++attempt) {
        bool connected = true;
        try {
            auto [reader, writer] = co_await open_connection("127.0.0.1", static_cast<long>(port));
            writer.close();
        } catch (const std::system_error&) {
            connected = false;
        }
        if (connected) {
            co_return true;
        }
        co_await sleep(std::chrono::milliseconds(10));
    }
    co_return false;
}

/// nginx in one process, with these lines within its `http`.
class Nginx {
public:
    Task<> start(const TempFolder& folder, std::string http_lines, unsigned port) {
        folder.file("nginx.conf",
                    fmt::format("daemon off; master_process off; pid {0}/pid;\n"
                                "error_log {0}/error.log;\n"
                                "events {{ worker_connections 512; }}\n"
                                "http {{ access_log off; client_body_temp_path {0}/body;\n"
                                "client_max_body_size 100m;\n"
                                "proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fcgi;\n"
                                "uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;\n{1} }}\n",
                                folder.path(), http_lines));
        process_ = co_await create_subprocess_exec(
            {"nginx", "-c", folder / "nginx.conf", "-e", folder / "error.log"},
            {.std_out = Stdio::null, .std_err = Stdio::null});
        const bool is_there = co_await listens(port);
        INFO(folder.content("error.log"));
        REQUIRE(is_there);
    }

    Task<> stop() {
        process_->kill();
        static_cast<void>(co_await process_->wait());
    }

private:
    std::optional<Process> process_;
};

}  // namespace ringio::test_support
