// Downloads files, several at a time, and goes on where it was interrupted:
//
//     downloader [-o DIR] [-j AT_A_TIME] [--checksums FILE | --sha256 SUM] [--cacert FILE] URL...
//
// Each has a bar on a terminal; what became of each is a line, in the order of the URLs. A part is
// kept in "name.part", also when Ctrl-C ends all: the next run asks for the rest only. FILE is what
// sha256sum(1) writes. The exit status is 0 when all are there. Without arguments it downloads
// images from servers of its own, over HTTPS on loopback, of which one breaks off.
// Python: aiohttp's ClientSession, asyncio.TaskGroup and a Semaphore.
#include "certificate.hpp"
#include "checksums.hpp"
#include "images.hpp"
#include "page_server.hpp"
#include "resumable.hpp"

#include <fmt/core.h>
#include <ringio/http.hpp>
#include <ringio/main.hpp>
#include <ringio/tls.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <getopt.h>
#include <sys/ioctl.h>
#include <unistd.h>

using namespace std::chrono_literals;
using resumable::Download;
using ringio::http::ClientSession;
using Clock = std::chrono::steady_clock;

namespace {

// "12.3 MiB"
std::string size_text(double bytes) {
    const char* unit = "B";
    for (const char* larger : {"KiB", "MiB", "GiB", "TiB"}) {
        if (bytes < 1024) {
            break;
        }
        bytes /= 1024;
        unit = larger;
    }
    return fmt::format("{:.1f} {}", bytes, unit);
}

// A line for each download that is on, drawn anew as they go on; nothing where standard output is
// no terminal.
class Bars {
public:
    void begin(const Download& download) { rows_.push_back({&download, Clock::now()}); }
    void end(const Download& download) {
        std::erase_if(rows_, [&](const Row& row) { return row.download == &download; });
        draw();
    }
    void draw_soon() {
        if (Clock::now() - last_draw_ >= 100ms) {
            draw();
        }
    }
    // Prints a line above the bars.
    void print(const std::string& line) {
        fmt::print("{}{}\n", erased(), line);
        draw();
    }

private:
    struct Row {
        const Download* download;
        Clock::time_point begin;
    };

    void draw() {
        winsize terminal = {};
        if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &terminal) != 0 || terminal.ws_row == 0) {
            return;
        }
        std::string text = erased();
        drawn_ = std::min<std::size_t>(rows_.size(), terminal.ws_row - 1U);
        for (std::size_t row = 0; row < drawn_; ++row) {
            text += line_of(rows_[row]).substr(0, terminal.ws_col) + "\n";
        }
        fmt::print("{}", text);
        std::fflush(stdout);
        last_draw_ = Clock::now();
    }

    // What takes the bars away that were drawn last.
    std::string erased() {
        const std::size_t lines = std::exchange(drawn_, 0);
        return lines == 0 ? "" : fmt::format("\x1b[{}A\x1b[J", lines);
    }

    static std::string line_of(const Row& row) {
        const Download& download = *row.download;
        const std::chrono::duration<double> time = Clock::now() - row.begin;
        const double came = static_cast<double>(download.size - download.from_before);
        const std::string rate = size_text(came / std::max(time.count(), 0.001)) + "/s";
        const double size = static_cast<double>(download.size);
        const double total = static_cast<double>(download.total.value_or(0));
        if (total == 0) {  // unknown
            return fmt::format("{:24.24} {:>10} {:>12}", download.name(), size_text(size), rate);
        }
        constexpr std::size_t width = 20;
        const double share = std::min(size / total, 1.0);
        const std::string bar(static_cast<std::size_t>(share * width), '#');
        return fmt::format("{:24.24} {:3.0f}% [{:<20}] {:>10} {:>12}", download.name(), share * 100,
                           bar, size_text(size), rate);
    }

    std::vector<Row> rows_;
    std::size_t drawn_ = 0;
    Clock::time_point last_draw_;
};

// Downloads, so many at a time, and tells of each in their order how it ended.
class Batch {
public:
    Batch(const ClientSession& session, std::vector<Download> downloads, std::size_t at_a_time)
        : session_(session),
          downloads_(std::move(downloads)),
          results_(downloads_.size()),
          places_(static_cast<std::ptrdiff_t>(at_a_time)) {}

    // Says whether all are there.
    ringio::Task<bool> run() {
        co_await ringio::task_group([this](ringio::TaskGroup& group) -> ringio::Task<> {
            for (std::size_t number = 0; number < downloads_.size(); ++number) {
                group.create_task(run_one(number));
            }
            co_return;
        });
        co_return are_all_there_;
    }

private:
    ringio::Task<> run_one(std::size_t number) {
        const auto place = co_await places_.scoped();
        Download& download = downloads_[number];
        const resumable::Listener listener = [this] { bars_.draw_soon(); };
        bars_.begin(download);
        results_[number] =
            co_await ringio::as_outcome(resumable::run(session_, download, listener));
        bars_.end(download);
        tell_what_is_known();
    }

    void tell_what_is_known() {
        for (; told_ < results_.size() && results_[told_]; ++told_) {
            const std::string name = downloads_[told_].name();
            try {
                bars_.print(fmt::format("{}: {}", name, results_[told_]->value()));
            } catch (const std::exception& error) {
                are_all_there_ = false;
                bars_.print(fmt::format("{}: FAILED: {}", name, error.what()));
            }
        }
    }

    const ClientSession& session_;
    std::vector<Download> downloads_;
    std::vector<std::optional<ringio::Outcome<std::string>>> results_;  // empty: it is on
    ringio::Semaphore places_;
    Bars bars_;
    std::size_t told_ = 0;
    bool are_all_there_ = true;
};

// What the path of a URL ends with, as the name of a file.
std::string name_for(std::string_view url) {
    url = url.substr(0, url.find_first_of("?#"));
    const std::size_t scheme = url.find("://");
    const std::size_t path = url.find('/', scheme == std::string_view::npos ? 0 : scheme + 3);
    std::string name;
    if (path != std::string_view::npos) {
        name = ringio::http::detail::percent_decoded(url.substr(url.rfind('/') + 1));
    }
    for (char& c : name) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '/' || byte < 0x20 || byte == 0x7f) {
            c = '_';
        }
    }
    return name.empty() || name == "." || name == ".." ? "index.html" : name;
}

// *Errors*: std::invalid_argument for two of one name.
std::vector<Download> downloads_of(const std::vector<std::string>& urls,
                                   const std::string& directory,
                                   const std::map<std::string, std::string>& sums) {
    std::vector<Download> downloads;
    std::set<std::string> names;
    for (const std::string& url : urls) {
        const std::string name = name_for(url);
        if (!names.insert(name).second) {
            throw std::invalid_argument(fmt::format("two of the files are called {}", name));
        }
        const auto sum = sums.find(name);
        downloads.push_back({.url = url,
                             .path = fmt::format("{}/{}", directory, name),
                             .sha256 = sum == sums.end() ? "" : sum->second});
    }
    return downloads;
}

// ---- the files of others

struct Arguments {
    std::string directory = ".";
    std::size_t at_a_time = 4;
    std::string checksums;
    std::string sha256;
    std::string cacert;  // whose certificates are trusted, in the place of the system's
    std::vector<std::string> urls;
    bool are_valid = true;
};

Arguments parse(int argc, char** argv) {
    const option long_options[] = {{"checksums", required_argument, nullptr, 'c'},
                                   {"sha256", required_argument, nullptr, 's'},
                                   {"cacert", required_argument, nullptr, 'a'},
                                   {nullptr, 0, nullptr, 0}};
    Arguments arguments;
    for (int each = 0; (each = ::getopt_long(argc, argv, "o:j:", long_options, nullptr)) != -1;) {
        if (each == 'o') {
            arguments.directory = optarg;
        } else if (each == 'j') {
            const long number = std::atol(optarg);
            arguments.at_a_time = static_cast<std::size_t>(std::max(number, 1L));
            arguments.are_valid = arguments.are_valid && number > 0;
        } else if (each == 'c') {
            arguments.checksums = optarg;
        } else if (each == 's') {
            arguments.sha256 = optarg;
        } else if (each == 'a') {
            arguments.cacert = optarg;
        } else {
            arguments.are_valid = false;
        }
    }
    arguments.urls.assign(argv + optind, argv + argc);
    const bool has_one_sum =
        arguments.sha256.empty() || (arguments.urls.size() == 1 && arguments.checksums.empty());
    arguments.are_valid = arguments.are_valid && has_one_sum && !arguments.urls.empty();
    return arguments;
}

ringio::Task<std::map<std::string, std::string>> sums_of(Arguments arguments) {
    std::map<std::string, std::string> sums;
    if (!arguments.sha256.empty()) {
        sums[name_for(arguments.urls[0])] = checksums::parse(arguments.sha256);
    } else if (!arguments.checksums.empty()) {
        const std::string list = co_await ringio::read_file(arguments.checksums);
        sums = checksums::parse_list(list);
    }
    co_return sums;
}

ringio::Task<bool> download_given(Arguments arguments) {
    const auto sums = co_await sums_of(arguments);
    co_await ringio::fs::mkdir(arguments.directory, {.parents = true, .exist_ok = true});
    // What comes is saved as it is: a part of what was compressed on the way is of no use.
    const auto tls = ringio::TlsContext::client({.ca_file = arguments.cacert});
    ClientSession session({.limit = 0, .auto_decompress = false, .tls = tls});
    Batch batch(session, downloads_of(arguments.urls, arguments.directory, sums),
                arguments.at_a_time);
    bool are_there = false;
    try {
        are_there = co_await batch.run();
    } catch (const ringio::CancelledError&) {
        fmt::print(stderr, "\ninterrupted: what came is kept, the same command goes on with it\n");
        throw;
    }
    co_await session.close();
    co_return are_there;
}

// ---- images of its own

ringio::Task<ringio::Server> serve(std::string directory, const Certificate& certificate,
                                   pages::Pace pace) {
    const std::string file = certificate.file();
    const std::string key = certificate.key();
    const auto context = ringio::TlsContext::server({.certificate = file, .key = key});
    co_return co_await pages::start_server(directory, 0, pace, context);
}

// The first `count` images of a server.
std::vector<std::string> images_of(const ringio::Server& server, std::size_t count) {
    auto urls = images::Site::urls("https://" + server.sockets()[0].getsockname().to_string());
    urls.resize(count);
    return urls;
}

ringio::Task<std::map<std::string, std::string>> sums_of_images(std::vector<std::string> urls,
                                                                std::string directory) {
    std::map<std::string, std::string> sums;
    for (const std::string& url : urls) {
        const std::string name = name_for(url);
        sums[name] = co_await checksums::sha256_of(directory + "/" + name);
    }
    co_return sums;
}

ringio::Task<> download_own() {
    const images::Site site;
    const std::string directory = site.root() / "downloads";
    co_await ringio::fs::mkdir(directory);
    const Certificate certificate = co_await Certificate::make();
    auto breaking = co_await serve(site.directory(), certificate, {.most = 1500});
    auto whole = co_await serve(site.directory(), certificate, {.pause = 1ms, .chunk = 512});
    const std::string file = certificate.file();
    const auto tls = ringio::TlsContext::client({.ca_file = file});
    ClientSession session({.auto_decompress = false, .tls = tls});

    const auto first = images_of(breaking, 1);
    const auto urls = images_of(whole, 5);
    auto sums = co_await sums_of_images(urls, site.directory());
    const auto right = std::exchange(sums["image-4.bmp"], std::string(64, '0'));

    fmt::print("from a server that breaks off:\n");
    Batch begun(session, downloads_of(first, directory, sums), 1);
    co_await begun.run();
    fmt::print("all of them, from another server, with a checksum that is wrong:\n");
    Batch gone_on(session, downloads_of(urls, directory, sums), 3);
    co_await gone_on.run();
    fmt::print("once more, with the right one:\n");
    sums["image-4.bmp"] = right;
    Batch again(session, downloads_of(urls, directory, sums), 3);
    const bool are_there = co_await again.run();
    fmt::print("all there: {}\n", are_there);

    co_await session.close();
    breaking.close();
    whole.close();
}

}  // namespace

ringio::Task<int> co_main(int argc, char** argv) {
    if (argc == 1) {
        co_await download_own();
        co_return 0;
    }
    const Arguments arguments = parse(argc, argv);
    if (!arguments.are_valid) {
        fmt::print(stderr,
                   "usage: downloader [-o DIR] [-j AT_A_TIME] "
                   "[--checksums FILE | --sha256 SUM] [--cacert FILE] URL...\n");
        co_return 2;
    }
    bool are_there = false;
    try {
        are_there = co_await download_given(arguments);
    } catch (const std::exception& error) {  // none of a single URL
        fmt::print(stderr, "downloader: {}\n", error.what());
    }
    co_return are_there ? 0 : 1;
}
