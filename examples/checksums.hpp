// SHA-256 of files, and the lists of them that sha256sum(1) writes: for examples.
#pragma once

#include <fmt/core.h>
#include <ringio.hpp>

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <map>
#include <memory>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace checksums {

class Sha256 {
public:
    Sha256() : context_(EVP_MD_CTX_new()) {
        if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
            throw std::bad_alloc();
        }
    }

    void add(std::string_view bytes) {
        EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
    }

    /// The checksum in hexadecimal. Ends it.
    std::string finish() {
        std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
        unsigned size = 0;
        EVP_DigestFinal_ex(context_.get(), bytes.data(), &size);
        std::string text;
        for (unsigned at = 0; at < size; ++at) {
            text += fmt::format("{:02x}", bytes[at]);
        }
        return text;
    }

private:
    struct Free {
        void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
    };

    std::unique_ptr<EVP_MD_CTX, Free> context_;
};

/// The checksum of a file. It is read in pieces: between them others have their turn.
inline ringio::Task<std::string> sha256_of(std::string path) {
    constexpr std::ptrdiff_t piece_size = std::ptrdiff_t{256} << 10;
    ringio::File file = co_await ringio::open_file(path);
    Sha256 sum;
    while (true) {
        const std::string piece = co_await file.read(piece_size);
        if (piece.empty()) {
            co_return sum.finish();
        }
        sum.add(piece);
    }
}

/// A checksum in lower case. *Errors*: std::invalid_argument when it is none.
inline std::string parse(std::string_view text) {
    std::string sum(text);
    std::transform(sum.begin(), sum.end(), sum.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    constexpr std::size_t digits = 64;
    if (sum.size() != digits || sum.find_first_not_of("0123456789abcdef") != std::string::npos) {
        throw std::invalid_argument(fmt::format("'{}' is no SHA-256 in hexadecimal", text));
    }
    return sum;
}

/// By the last part of their names: what `sha256sum FILE...` wrote. *Errors*:
/// std::invalid_argument that names the line.
inline std::map<std::string, std::string> parse_list(const std::string& text) {
    std::map<std::string, std::string> sums;
    std::istringstream lines(text);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        line.erase(line.find_last_not_of("\r") + 1);
        if (line.empty() || line.starts_with('#')) {
            continue;
        }
        const std::size_t blank = line.find(' ');  // and another one, or a '*'
        if (blank == std::string::npos || blank + 2 >= line.size()) {
            throw std::invalid_argument(fmt::format("line {} has no checksum and name", number));
        }
        const std::string name = line.substr(blank + 2);
        sums.insert_or_assign(name.substr(name.rfind('/') + 1), parse(line.substr(0, blank)));
    }
    return sums;
}

}  // namespace checksums
