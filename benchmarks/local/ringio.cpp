// Pipes, sendfile and names on ringio; the jobs are those of calls.c.
#include "partner.h"

#include <ringio.hpp>

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using ringio::StreamReader;
using ringio::StreamWriter;
using ringio::Task;
using ringio::UniqueFd;

constexpr std::size_t message_size = 64;
constexpr std::size_t block = std::size_t{64} * 1024;

struct Arguments {
    explicit Arguments(int argc, char** argv)
        : job(argv[1]),
          count(number_argument(argc, argv, 2)),
          partner(argc > 3 ? argv[3] : ""),
          file(argc > 4 ? argv[4] : "") {}

    std::string job;
    std::uint64_t count;
    std::string partner;
    std::string file;
};

partner start(const Arguments& arguments, const std::vector<std::string>& further) {
    std::vector<const char*> words{arguments.partner.c_str()};
    for (const std::string& word : further) {
        words.push_back(word.c_str());
    }
    words.push_back(nullptr);
    return start_partner(words.data());
}

Task<> ping(Arguments arguments) {
    const partner other = start(arguments, {"echo"});
    StreamReader reader = co_await ringio::connect_read_pipe(UniqueFd(other.from));
    StreamWriter writer = co_await ringio::connect_write_pipe(UniqueFd(other.to));
    const std::string message(message_size, 'x');
    const job_clocks clocks = start_clocks();
    for (std::uint64_t i = 0; i < arguments.count; ++i) {
        writer.write(message);
        co_await writer.drain();
        const std::string echoed = co_await reader.readexactly(message_size);
        if (echoed.size() != message_size) {
            die("ping", EIO);
        }
    }
    print_job(clocks, arguments.count, -1);
    writer.close();
    co_await writer.wait_closed();
    end_partner(&other);
}

Task<> read_all(Arguments arguments) {
    const partner other = start(arguments, {"source", std::to_string(arguments.count)});
    StreamReader reader = co_await ringio::connect_read_pipe(UniqueFd(other.from));
    std::vector<char> buffer(block);
    const job_clocks clocks = start_clocks();
    std::uint64_t total = 0;
    for (;;) {
        const std::size_t size = co_await reader.read(std::span<char>(buffer));
        if (size == 0) {
            break;
        }
        total += size;
    }
    if (total != arguments.count << 20U) {
        die("read", EIO);
    }
    print_job(clocks, arguments.count, -1);
    end_partner(&other);
}

Task<> write_all(Arguments arguments) {
    const partner other = start(arguments, {"sink"});
    StreamWriter writer = co_await ringio::connect_write_pipe(UniqueFd(other.to));
    const std::string text(block, 'x');
    const job_clocks clocks = start_clocks();
    for (std::uint64_t total = 0; total < arguments.count << 20U; total += block) {
        writer.write(text);
        co_await writer.drain();
    }
    writer.close();
    co_await writer.wait_closed();
    end_partner(&other);
    print_job(clocks, arguments.count, -1);
}

Task<> send_files(Arguments arguments) {
    const ringio::File file = co_await ringio::open_file(arguments.file);
    const std::uint64_t size = std::uint64_t(::lseek(file.fileno(), 0, SEEK_END));
    auto& loop = ringio::get_running_loop();
    auto done = loop.create_future<void>();
    const auto serve = [&](StreamReader reader, StreamWriter writer) -> Task<> {
        const job_clocks clocks = start_clocks();
        for (;;) {
            const std::string asked = co_await reader.read(1);
            if (asked.empty()) {
                break;
            }
            co_await ringio::sendfile(writer, file);
        }
        print_job(clocks, arguments.count * size >> 20U, -1);
        done.set_result();
    };
    ringio::Server server = co_await ringio::start_server(serve, "127.0.0.1", 0);
    const partner other =
        start(arguments, {"receive", std::to_string(server.sockets()[0].getsockname().port()),
                          std::to_string(arguments.count), std::to_string(size)});
    co_await done.get_future();
    end_partner(&other);
}

Task<> look_up(bool literals, std::uint64_t& next, std::uint64_t count) {
    const ringio::AddressHints hints{.type = SOCK_STREAM};
    while (next < count) {
        const std::uint64_t number = next++;
        std::string host =
            literals ? "127.0.0." + std::to_string(number % 250 + 1) : std::string("localhost");
        const auto found = co_await ringio::getaddrinfo(
            std::move(host), static_cast<long>(number % 60000 + 1), hints);
        if (found.empty()) {
            die("getaddrinfo", EIO);
        }
    }
}

Task<> look_up_all(Arguments arguments) {
    constexpr int tasks = 64;
    std::uint64_t next = 0;
    const job_clocks clocks = start_clocks();
    std::vector<Task<>> running;
    for (int i = 0; i < tasks; ++i) {
        running.push_back(look_up(arguments.job == "literal", next, arguments.count));
    }
    co_await ringio::gather(std::move(running));
    print_job(clocks, arguments.count, -1);
}

Task<> work(Arguments arguments) {
    const std::string_view job = arguments.job;
    if (job == "ping") {
        return ping(std::move(arguments));
    }
    if (job == "read") {
        return read_all(std::move(arguments));
    }
    if (job == "write") {
        return write_all(std::move(arguments));
    }
    if (job == "sendfile") {
        return send_files(std::move(arguments));
    }
    return look_up_all(std::move(arguments));
}

}  // namespace

int main(int argc, char** argv) { ringio::run(work(Arguments(argc, argv))); }
