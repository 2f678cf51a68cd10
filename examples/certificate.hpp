// A certificate for a server on loopback, made by the program openssl: for examples.
#pragma once

#include <ringio.hpp>

#include <filesystem>
#include <random>
#include <string>
#include <utility>

/// Two files in a folder of their own, which goes with it.
class Certificate {
public:
    /// Makes one for "localhost" and 127.0.0.1, which vouches for itself. *Errors*:
    /// ringio::CalledProcessError; std::system_error without the program.
    static ringio::Task<Certificate> make() {
        Certificate made;
        const std::string key = made.key();
        const std::string file = made.file();
        co_await ringio::run_process({"openssl",
                                      "req",
                                      "-x509",
                                      "-newkey",
                                      "ec",
                                      "-pkeyopt",
                                      "ec_paramgen_curve:P-256",
                                      "-nodes",
                                      "-days",
                                      "2",
                                      "-subj",
                                      "/CN=localhost",
                                      "-addext",
                                      "subjectAltName=DNS:localhost,IP:127.0.0.1",
                                      "-addext",
                                      "keyUsage=critical,digitalSignature,keyCertSign",
                                      "-keyout",
                                      key,
                                      "-out",
                                      file},
                                     {.capture_output = true});
        co_return made;
    }

    Certificate(Certificate&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}
    Certificate& operator=(Certificate&&) = delete;
    ~Certificate() {
        if (!folder_.empty()) {
            std::error_code ignored;
            std::filesystem::remove_all(folder_, ignored);
        }
    }

    std::string file() const { return folder_ / "certificate.pem"; }
    std::string key() const { return folder_ / "key.pem"; }

private:
    Certificate()
        : folder_(std::filesystem::temp_directory_path() /
                  ("ringio-" + std::to_string(std::random_device()()))) {
        std::filesystem::create_directory(folder_);
    }

    std::filesystem::path folder_;
};
