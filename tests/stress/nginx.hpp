// A real HTTP server as a peer: nginx, started by the test, with files that the test makes.
#pragma once

#include <ringio/base/unique_fd.hpp>
#include <support/free_port.hpp>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringio::test_support {

/// A directory of its own, removed at the end.
class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "ringio-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("cannot make " + name);
        }
        path_ = name;
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// nginx, serving `<directory>/files` on a free port of 127.0.0.1 for as long as this lives.
class Nginx {
public:
    /// The path of the program; empty when it is not installed.
    static std::string program() {
        for (const char* path : {"/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"}) {
            if (::access(path, X_OK) == 0) {
                return path;
            }
        }
        return "";
    }

    explicit Nginx(const std::filesystem::path& directory) : port_(own_ports.next()) {
        write_configuration(directory);
        const std::string program_path = program();
        const std::string prefix = directory.string();
        const std::string errors = (directory / "error.log").string();
        const pid_t parent = ::getpid();
        process_ = ::fork();
        if (process_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGTERM);
            if (::getppid() == parent) {
                ::execl(program_path.c_str(), "nginx", "-p", prefix.c_str(), "-e", errors.c_str(),
                        "-c", "nginx.conf", "-g", "daemon off;", nullptr);
            }
            ::_exit(127);
        }
    }
    Nginx(const Nginx&) = delete;
    Nginx& operator=(const Nginx&) = delete;
    ~Nginx() {
        if (process_ > 0) {
            ::kill(process_, SIGTERM);
            while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
            }
        }
    }

    std::uint16_t port() const { return port_; }

    /// Says whether it has ended by itself.
    bool has_ended() {
        if (process_ > 0 && ::waitpid(process_, nullptr, WNOHANG) == process_) {
            process_ = -1;
        }
        return process_ <= 0;
    }

private:
    void write_configuration(const std::filesystem::path& directory) const {
        std::ofstream out(directory / "nginx.conf");
        // Started by root, its workers would be another user, who may not look into our directory.
        out << (::geteuid() == 0 ? "user root root;\n" : "") << "worker_processes 1;\n"
            << "pid nginx.pid;\nerror_log error.log;\nevents { worker_connections 256; }\n"
            << "http {\n  access_log off;\n";
        for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
            out << "  " << kind << "_temp_path temp_" << kind << ";\n";
        }
        out << "  server { listen 127.0.0.1:" << port_ << " backlog=256; root files; }\n}\n";
    }

    std::uint16_t port_;
    pid_t process_ = -1;
};

/// FNV-1a, 64 bits, over what it is given piece by piece.
class Hash {
public:
    void add(std::string_view bytes) {
        for (const char byte : bytes) {
            value_ = (value_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
        }
        size_ += bytes.size();
    }
    std::size_t size() const { return size_; }
    friend bool operator==(const Hash&, const Hash&) = default;

private:
    std::uint64_t value_ = 0xcbf29ce484222325u;
    std::size_t size_ = 0;
};

}  // namespace ringio::test_support
