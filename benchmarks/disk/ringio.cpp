// The disk benchmarks on ringio: a task per read in flight. There is no File class yet, so the
// tasks await the operation itself, as it will.
#include "disk.h"

#include <ringio.hpp>
#include <ringio/core/op.hpp>
#include <ringio/ring/file_requests.hpp>

#include <utility>
#include <vector>

namespace {

using ringio::Op;
using ringio::ReadRequest;
using ringio::Task;
using ringio::WriteRequest;

Task<> read_at_random(job& job, std::uint64_t& to_start) {
    char* const buffer = aligned_memory(page_size);
    while (to_start > 0) {
        --to_start;
        const int received = co_await Op<ReadRequest>(
            {.fd = job.source, .buffer = buffer, .size = page_size, .offset = next_page(&job)});
        if (received != page_size) {
            die("read", EIO);
        }
    }
    std::free(buffer);
}

Task<> copy_blocks(const job& job, std::uint64_t& next) {
    char* const buffer = aligned_memory(block_size);
    while (next < job.size) {
        const std::uint64_t offset = next;
        const std::size_t length = block_length(&job, offset);
        next += length;
        for (std::size_t filled = 0; filled < length;) {
            const int received = co_await Op<ReadRequest>({.fd = job.source,
                                                           .buffer = buffer + filled,
                                                           .size = length - filled,
                                                           .offset = offset + filled});
            if (received == 0) {
                die("copy", EIO);
            }
            filled += static_cast<std::size_t>(received);
        }
        for (std::size_t written = 0; written < length;) {
            const int sent = co_await Op<WriteRequest>({.fd = job.target,
                                                        .buffer = buffer + written,
                                                        .size = length - written,
                                                        .offset = offset + written});
            written += static_cast<std::size_t>(sent);
        }
    }
    std::free(buffer);
}

Task<> work(job& job) {
    std::uint64_t state = job.copies ? 0 : job.reads;  // the next offset; the reads to start
    std::vector<Task<>> tasks;
    for (int i = 0; i < (job.copies ? copy_depth : read_depth); ++i) {
        tasks.push_back(job.copies ? copy_blocks(job, state) : read_at_random(job, state));
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
