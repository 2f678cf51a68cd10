// Eighty pages over HTTPS, downloaded by calls that block, in five threads; each thread keeps its
// session, and with it a connection. Python: ThreadPoolExecutor(max_workers=5),
// executor.map(download_site, sites), and a requests.Session() in threading.local(). The pages come
// from a server of this program's own, with a certificate made on the fly.
#include "certificate.hpp"
#include "page_server.hpp"

#include <fmt/core.h>
#include <ringio/main.hpp>
#include <ringio/requests.hpp>
#include <ringio/tls.hpp>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace requests = ringio::requests;

namespace {

std::string trusted;  // the file of the server's certificate

// [session]
requests::Session& get_session() {
    thread_local requests::Session session(
        {.tls = ringio::TlsContext::client({.ca_file = trusted})});
    return session;
}

void download_site(const std::string& url) {
    requests::Session& session = get_session();
    const requests::Response response = session.get(url);
    fmt::print("Read {} from {}\n", response.content().size(), url);
}

void download_all_sites(const std::vector<std::string>& sites) {
    ringio::concurrent::ThreadPoolExecutor executor({.max_workers = 5});
    executor.map(download_site, sites);
}  // waits for all of them
// [/session]

void download_and_tell(const std::vector<std::string>& sites) {
    const auto start_time = std::chrono::steady_clock::now();
    download_all_sites(sites);
    const std::chrono::duration<double> duration = std::chrono::steady_clock::now() - start_time;
    fmt::print("Downloaded {} in {:.3f} seconds\n", sites.size(), duration.count());
}

}  // namespace

ringio::Task<int> co_main(int, char**) {
    const Certificate certificate = co_await Certificate::make();
    trusted = certificate.file();
    const auto context =
        ringio::TlsContext::server({.certificate = certificate.file(), .key = certificate.key()});
    const std::string directory = RINGIO_EXAMPLES_DIR "/pages";
    auto server = co_await pages::start_server(directory, 0, {}, context);
    const std::string address = server.sockets()[0].getsockname().to_string();
    std::vector<std::string> sites;
    while (sites.size() < 80) {
        for (const auto& entry : std::filesystem::directory_iterator(directory)) {
            sites.push_back("https://" + address + "/" + entry.path().filename().string());
        }
    }
    // In a thread, because it blocks, and the server is on this loop.
    co_await ringio::to_thread(download_and_tell, sites);
    server.close();
    co_return 0;
}
