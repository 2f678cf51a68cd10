// The disk benchmarks on ringio: a task per request in flight, all of them on one File. What goes
// forward is one task, with the position that the File keeps.
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

Task<> write_at_random(const File& target, job& job, std::uint64_t& to_start) {
    char* const buffer = aligned_memory(page_size);
    while (to_start > 0) {
        --to_start;
        const std::size_t sent =
            co_await target.write_at(std::string_view(buffer, page_size), next_page(&job));
        if (sent != page_size) {
            die("write", EIO);
        }
    }
    std::free(buffer);
}

Task<> go_forward(File& file, const job& job) {
    char* const buffer = aligned_memory(forward_size);
    std::uint64_t position = 0;
    for (std::uint64_t i = 0; i < job.reads; ++i) {
        if (position == job.size) {
            position = co_await file.seek(0);
        }
        std::size_t moved = 0;
        if (job.writes) {
            moved = co_await file.write(std::string_view(buffer, forward_size));
        } else {
            moved = co_await file.readinto(std::span<char>(buffer, forward_size));
        }
        if (moved != forward_size) {
            die("forward", EIO);
        }
        position += moved;
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
    File source{ringio::UniqueFd(job.source)};
    const File target{ringio::UniqueFd(job.copies ? job.target : -1)};
    std::uint64_t state = job.copies ? 0 : job.reads;  // the next offset; the requests to start
    std::vector<Task<>> tasks;
    for (unsigned i = 0; i < (job.copies ? unsigned{copy_depth} : job.depth); ++i) {
        tasks.push_back(job.copies    ? copy_blocks(source, target, job, state)
                        : job.forward ? go_forward(source, job)
                        : job.writes  ? write_at_random(source, job, state)
                                      : read_at_random(source, job, state));
    }
    job.clocks = start_clocks();
    co_await ringio::gather(std::move(tasks));
    print_result(&job);
}

}  // namespace

int main(int argc, char** argv) {
    job job = read_job(argc, argv);
    ringio::run(work(job));
}
