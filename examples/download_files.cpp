// Files that are downloaded and saved: one after another, at the same time, and by functions that
// block, in threads. Python: requests; aiohttp with gather; requests in an executor.
#include "http_get.hpp"
#include "page_server.hpp"

#include <fmt/core.h>
#include <ringio/main.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct Job {
    std::string url;
    std::string name;
    std::string directory;

    std::string target() const { return directory + "/" + name; }
};

// [download]
ringio::Task<> download(Job job) {
    fmt::print("[+] 开始下载图片-> {}\n", job.name);
    const auto response = co_await http::get(job.url);
    co_await ringio::write_file(job.target(), response.body, {.atomic = true});
    fmt::print("[+] 下载完成: {}\n", job.name);
}

ringio::Task<> one_after_another(std::vector<Job> jobs) {
    for (const Job& job : jobs) {
        co_await download(job);
    }
}

ringio::Task<> at_the_same_time(std::vector<Job> jobs) {
    std::vector<ringio::Task<>> downloads;
    for (const Job& job : jobs) {
        downloads.push_back(download(job));
    }
    co_await ringio::gather(std::move(downloads));
}
// [/download]

// [threads]
// A function that blocks, as those of a library that knows nothing of ringio; this one has a loop
// of its own in the thread.
void download_and_block(const Job& job) { ringio::run(download(job)); }

ringio::Task<> in_threads(std::vector<Job> jobs) {
    std::vector<ringio::Future<void>> downloads;
    for (const Job& job : jobs) {
        downloads.push_back(
            ringio::get_running_loop().run_in_executor(nullptr, download_and_block, job));
    }
    co_await ringio::gather(downloads);
}
// [/threads]

using Way = ringio::Task<> (*)(std::vector<Job> jobs);

ringio::Task<> try_way(const char* title, Way way, std::vector<Job> jobs) {
    fmt::print("{}\n", title);
    const auto start = std::chrono::steady_clock::now();
    co_await way(jobs);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    std::size_t bytes = 0;
    for (const Job& job : jobs) {
        const std::string content = co_await ringio::read_file(job.target());
        bytes += content.size();
        co_await ringio::fs::remove(job.target());
    }
    fmt::print("{} files, {} bytes, {:.3f} s\n", jobs.size(), bytes, taken.count());
}

}  // namespace

ringio::Task<int> co_main(int, char**) {
    const std::string pages = RINGIO_EXAMPLES_DIR "/pages";
    auto server = co_await pages::start_server(pages, 0, {.pause = 10ms, .chunk = 1024});
    const auto address = server.sockets()[0].getsockname().to_string();
    const std::string directory = "/tmp/ringio_download_" + std::to_string(::getpid());
    co_await ringio::fs::mkdir(directory);
    std::vector<Job> jobs;
    const auto entries = co_await ringio::fs::scandir(pages);
    for (const auto& entry : entries) {
        jobs.push_back({"http://" + address + "/" + entry.name, entry.name, directory});
    }
    co_await try_way("one after another", one_after_another, jobs);
    co_await try_way("at the same time", at_the_same_time, jobs);
    co_await try_way("in threads", in_threads, jobs);
    co_await ringio::fs::remove_tree(directory);
    server.close();
    co_return 0;
}
