// open_connection against a real peer: 200 files from nginx, 50 at a time, every byte compared.
#include <ringio/streams.hpp>

#include "nginx.hpp"

#include <ringio/tasks.hpp>
#include <ringio/testing.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <random>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t file_count = 200;
constexpr std::size_t at_a_time = 50;

std::size_t size_of(std::size_t index) {
    switch (index % 20) {
        case 0:
            return 0;
        case 1:
            return 1;
        case 2:
            return 65536;
        case 3:
            return 65537;
        case 4:
            return 2'000'000 + index;
        case 5:
            return index == 5 || index == 105 ? 20'000'000 : 300'000 + index;
        default:
            return 100 + index * index;
    }
}

std::vector<Hash> make_files(const std::filesystem::path& directory) {
    std::filesystem::create_directory(directory);
    std::mt19937_64 random(42);
    std::vector<Hash> hashes(file_count);
    for (std::size_t index = 0; index < file_count; ++index) {
        std::string content(size_of(index), '\0');
        for (std::size_t at = 0; at < content.size(); at += 8) {
            const std::uint64_t word = random();
            content.replace(at, std::min<std::size_t>(8, content.size() - at),
                            reinterpret_cast<const char*>(&word),
                            std::min<std::size_t>(8, content.size() - at));
        }
        hashes[index].add(content);
        std::ofstream(directory / std::to_string(index), std::ios::binary) << content;
    }
    return hashes;
}

Task<std::size_t> read_head(StreamReader reader) {
    const std::string status = co_await reader.readline();
    if (!status.starts_with("HTTP/1.1 200")) {
        throw std::runtime_error("nginx answered: " + status);
    }
    std::size_t length = 0;
    const std::string name = "Content-Length: ";
    std::string line = co_await reader.readline();
    while (line != "\r\n") {
        if (line.empty()) {
            throw std::runtime_error("the head of the answer has no end");
        }
        if (line.starts_with(name)) {
            length = std::stoul(line.substr(name.size()));
        }
        line = co_await reader.readline();
    }
    co_return length;
}

Task<Hash> download(std::uint16_t port, std::size_t index) {
    auto [reader, writer] = co_await open_connection("127.0.0.1", port);
    writer.write("GET /" + std::to_string(index) +
                 " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    co_await writer.drain();
    const std::size_t length = co_await read_head(reader);
    Hash hash;
    std::string data = co_await reader.read(65536);
    while (!data.empty()) {
        hash.add(data);
        data = co_await reader.read(65536);
    }
    writer.close();
    co_await writer.wait_closed();
    if (hash.size() != length || !reader.at_eof()) {
        throw std::runtime_error("file " + std::to_string(index) + " is cut off");
    }
    co_return hash;
}

struct Downloads {
    std::uint16_t port = 0;
    std::size_t next = 0;
    std::size_t running = 0;
    std::size_t most = 0;
    std::vector<Hash> hashes = std::vector<Hash>(file_count);
};

Task<> work(Downloads& downloads) {
    while (downloads.next < file_count) {
        const std::size_t index = downloads.next++;
        downloads.most = std::max(downloads.most, ++downloads.running);
        downloads.hashes[index] = co_await download(downloads.port, index);
        --downloads.running;
    }
}

/// nginx is up when it takes a connection.
Task<> wait_until_up(Nginx& nginx) {
    for (int attempt = 0; attempt < 1000 && !nginx.has_ended(); ++attempt) {
        bool up = true;
        try {
            auto [reader, writer] = co_await open_connection("127.0.0.1", nginx.port());
            writer.close();
        } catch (const std::system_error&) {
            up = false;
        }
        if (up) {
            co_return;
        }
        co_await sleep(20ms);
    }
    throw std::runtime_error("nginx does not start");
}

Task<> download_all(Nginx& nginx, Downloads& downloads) {
    co_await wait_until_up(nginx);
    std::vector<TaskHandle<>> workers;
    for (std::size_t i = 0; i < at_a_time; ++i) {
        workers.push_back(create_task(work(downloads)));
    }
    co_await gather(workers);
}

}  // namespace

TEST_CASE("open_connection: 200 files come whole from nginx, 50 at a time") {
    if (Nginx::program().empty()) {
        WARN("skipped: nginx is not installed (Debian: apt-get install nginx-light)");
        return;
    }
    const testing::Balance balance;
    {
        const TemporaryDirectory directory;
        const std::vector<Hash> expected = make_files(directory.path() / "files");
        Nginx nginx(directory.path());
        Downloads downloads;
        downloads.port = nginx.port();
        run(download_all(nginx, downloads));
        CHECK(downloads.most == at_a_time);
        for (std::size_t index = 0; index < file_count; ++index) {
            INFO("file " << index);
            CHECK((downloads.hashes[index] == expected[index]));
        }
    }
    CHECK(balance.difference() == "");
}
