// Eighty pages, downloaded by calls that block, in five threads; each thread has a session of its
// own. Python: ThreadPoolExecutor(max_workers=5), executor.map(download_site, sites), and a
// requests.Session() in threading.local(). The pages come from a server of this program's own.
#include "http_get.hpp"
#include "page_server.hpp"

#include <fmt/core.h>
#include <ringio/main.hpp>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

// What a thread keeps between its downloads: here a loop. (http_get.hpp has no connections to
// keep.)
ringio::Runner& get_session() {
    thread_local ringio::Runner session;
    return session;
}

void download_site(const std::string& url) {
    ringio::Runner& session = get_session();
    const http::Response response = session.run(http::get(url));
    fmt::print("Read {} from {}\n", response.body.size(), url);
}

void download_all_sites(const std::vector<std::string>& sites) {
    ringio::concurrent::ThreadPoolExecutor executor({.max_workers = 5});
    executor.map(download_site, sites);
}  // waits for all of them

void download_and_tell(const std::vector<std::string>& sites) {
    const auto start_time = std::chrono::steady_clock::now();
    download_all_sites(sites);
    const std::chrono::duration<double> duration = std::chrono::steady_clock::now() - start_time;
    fmt::print("Downloaded {} in {:.3f} seconds\n", sites.size(), duration.count());
}

}  // namespace

ringio::Task<int> co_main(int, char**) {
    const std::string directory = RINGIO_EXAMPLES_DIR "/pages";
    auto server = co_await pages::start_server(directory, 0, {.pause = 1ms});
    const std::string address = server.sockets()[0].getsockname().to_string();
    std::vector<std::string> sites;
    while (sites.size() < 80) {
        for (const auto& entry : std::filesystem::directory_iterator(directory)) {
            sites.push_back("http://" + address + "/" + entry.path().filename().string());
        }
    }
    // In a thread, because it blocks, and the server is on this loop.
    co_await ringio::to_thread(download_and_tell, sites);
    server.close();
    co_return 0;
}
