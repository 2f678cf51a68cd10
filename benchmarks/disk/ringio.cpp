// The disk benchmarks on ringio: a task per read in flight, all of them on one File.
#include "disk.h"

#include <ringio.hpp>

#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using ringio::File;
using ringio::Task;

Task<> read_at_random(const File& source, job& job, std::uint64_t& to_start) {
    char* const buffer = aligned_memory(page_size);
    const std::span<char> page(buffer, page_size);
    while (to_start > 0) {
        --to_start;
        const std::size_t received = co_await source.read_at(page, next_page(&job));
        if (received != page_size) {
            die("read", EIO);
        }
    }
    std::free(buffer);
}

Task<> copy_blocks(const File& source, const File& target, const job& job, std::uint64_t& next) {
    char* const buffer = aligned_memory(block_size);
    while (next < job.size) {
        const std::uint64_t offset = next;
        const std::span<char> block(buffer, block_length(&job, offset));
        next += block.size();
        for (std::size_t filled = 0; filled < block.size();) {
            const std::size_t received =
                co_await source.read_at(block.subspan(filled), offset + filled);
            if (received == 0) {
                die("copy", EIO);
            }
            filled += received;
        }
        for (std::size_t written = 0; written < block.size();) {
            const std::string_view rest(buffer + written, block.size() - written);
            const std::size_t sent = co_await target.write_at(rest, offset + written);
            written += sent;
        }
    }
    std::free(buffer);
}

Task<> work(job& job) {
    const File source{ringio::UniqueFd(job.source)};
    const File target{ringio::UniqueFd(job.copies ? job.target : -1)};
    std::uint64_t state = job.copies ? 0 : job.reads;  // the next offset; the reads to start
    std::vector<Task<>> tasks;
    for (int i = 0; i < (job.copies ? copy_depth : read_depth); ++i) {
        tasks.push_back(job.copies ? copy_blocks(source, target, job, state)
                                   : read_at_random(source, job, state));
    }
    start_clocks(&job);
    co_await ringio::gather(std::move(tasks));
    print_result(&job);
}

}  // namespace

int main(int argc, char** argv) {
    job job = read_job(argc, argv);
    ringio::run(work(job));
}
