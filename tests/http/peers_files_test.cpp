// Two hundred files of nginx over TLS, of nothing to twenty megabytes, fifty at a time: all of them
// come as they are, by HTTP/1.1 and by HTTP/2.
#include "peers.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using http::ClientSession;

namespace {

constexpr std::size_t file_count = 200;

class Sha256 {
public:
    Sha256() { REQUIRE(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1); }

    void update(std::string_view bytes) {
        EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
    }
    std::string finish() {
        std::string digest(EVP_MAX_MD_SIZE, '\0');
        unsigned size = 0;
        EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), &size);
        digest.resize(size);
        return digest;
    }

private:
    std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

/// Of a file of a given number: the edges of records, buffers and windows first, then up to 500 kB,
/// and a few large ones; 92 MB in all.
std::size_t size_of_file(std::size_t number) {
    constexpr std::size_t edges[] = {0,      1,      2,      4095,    4096,    4097,
                                     16383,  16384,  16385,  32767,   32768,   32769,
                                     65534,  65535,  65536,  65537,   131072,  262143,
                                     262144, 262145, 524288, 1048575, 1048576, 1048577};
    constexpr std::size_t large[] = {5'000'000, 10'000'000, 20'000'000, 20'000'000};
    if (number < std::size(edges)) {
        return edges[number];
    }
    const std::size_t from_end = file_count - 1 - number;
    return from_end < std::size(large) ? large[from_end] : number * number * 13;
}

/// Makes a file, each of other bytes, and gives its digest.
std::string make_file(const TempFolder& folder, std::size_t number, std::string_view bytes) {
    const std::string beginning = fmt::format("{:08}", number);
    std::ofstream file(folder / fmt::format("file{}", number), std::ios::binary);
    Sha256 digest;
    std::size_t left = size_of_file(number);
    for (std::string_view part = beginning; left != 0; part = bytes.substr(number)) {
        const std::string_view some = part.substr(0, left);
        file << some;
        digest.update(some);
        left -= some.size();
    }
    return digest.finish();
}

std::vector<std::string> make_files(const TempFolder& folder) {
    const std::string bytes = varied_bytes(1'000'000);
    std::vector<std::string> digests;
    for (std::size_t number = 0; number < file_count; ++number) {
        digests.push_back(make_file(folder, number, bytes));
    }
    return digests;
}

struct Fetched {
    std::size_t size = 0;
    std::string digest;
    std::string version;
};

Task<Fetched> fetch_file(const ClientSession& session, std::string url) {
    auto response = co_await session.get(url);
    response.raise_for_status();
    Fetched result;
    result.version = response.version();
    Sha256 digest;
    while (auto piece = co_await response.content().next()) {
        digest.update(*piece);
        result.size += piece->size();
    }
    result.digest = digest.finish();
    co_return result;
}

Task<> fetch_all(Site& site, bool by_http2) {
    const std::vector<std::string> digests = make_files(site.certificates.folder());
    co_await site.start("");
    const std::string ca = site.certificates.file("ca.pem");
    ClientSession session(
        {.limit = 50, .http2 = by_http2, .tls = TlsContext::client({.ca_file = ca})});
    if (by_http2) {  // so that those that begin at once share its connection
        static_cast<void>(co_await fetch_file(session, site.url("/file0")));
    }
    std::vector<TaskHandle<Fetched>> tasks;
    for (std::size_t number = 0; number < file_count; ++number) {
        tasks.push_back(create_task(fetch_file(session, site.url(fmt::format("/file{}", number)))));
    }
    const std::vector<Fetched> all = co_await gather(tasks);
    for (std::size_t number = 0; number < file_count; ++number) {
        INFO("file " << number << " of " << size_of_file(number) << " bytes");
        CHECK(all[number].size == size_of_file(number));
        CHECK((all[number].digest == digests[number]));
        CHECK(all[number].version == (by_http2 ? "2" : "1.1"));
    }
    co_await session.close();
    co_await site.nginx.stop();
}

Task<> fetch_by_http1(Site& site) { return fetch_all(site, false); }
Task<> fetch_by_http2(Site& site) { return fetch_all(site, true); }

}  // namespace

TEST_CASE("peers: two hundred files of 0 B to 20 MB, fifty at a time, by HTTP/1.1") {
    run_with_site(&fetch_by_http1);
}

TEST_CASE("peers: two hundred files of 0 B to 20 MB, fifty at a time, by HTTP/2") {
    run_with_site(&fetch_by_http2);
}
