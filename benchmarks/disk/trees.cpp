// Copies of files and walks of trees on ringio; the jobs are those of trees.c.
#include "../harness/job.h"

#include <ringio.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace {

using ringio::Task;
namespace fs = ringio::fs;

Task<> copy(std::string from, std::string to) {
    const job_clocks clocks = start_clocks();
    const std::uint64_t copied = co_await fs::copy_file(std::move(from), std::move(to));
    print_job(clocks, copied >> 20U, -1);
}

Task<> walk(std::string root, std::uint64_t rounds) {
    std::uint64_t names = 0;
    const job_clocks clocks = start_clocks();
    for (std::uint64_t i = 0; i < rounds; ++i) {
        auto tree = fs::walk(root);
        while (auto directory = co_await tree.next()) {
            names += directory->directories.size() + directory->files.size();
        }
    }
    print_job(clocks, names, -1);
}

Task<> stat_all(std::string root, std::uint64_t rounds) {
    constexpr unsigned files = 1000;
    const job_clocks clocks = start_clocks();
    for (std::uint64_t i = 0; i < rounds * files; ++i) {
        char name[32];
        std::snprintf(name, sizeof name, "/000/file-%03u.txt", static_cast<unsigned>(i % files));
        const ringio::FileStatus status = co_await fs::stat(root + name);
        if (!status.is_file()) {
            die(name, EINVAL);
        }
    }
    print_job(clocks, rounds * files, -1);
}

Task<> work(std::string_view job, char** arguments, int argc) {
    if (job == "copy") {
        return copy(arguments[2], arguments[3]);
    }
    const std::uint64_t rounds = number_argument(argc, arguments, 3);
    return job == "walk" ? walk(arguments[2], rounds) : stat_all(arguments[2], rounds);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        die("arguments", EINVAL);
    }
    ringio::run(work(argv[1], argv, argc));
}
