// The disk benchmarks on Asio: coroutines and random_access_file, which stands on io_uring. Asio
// carries out the reads of one such object one after the other, so each coroutine has its own.
#include "disk.h"

#include <asio.hpp>

#include <cstddef>
#include <exception>
#include <utility>

namespace {

using File = asio::random_access_file;

File duplicate(asio::io_context& context, int fd) {
    const int copy = ::dup(fd);
    if (copy < 0) {
        die("dup", errno);
    }
    return File(context, copy);
}

asio::awaitable<void> read_at_random(File source, job& job, std::uint64_t& to_start) {
    char* const buffer = aligned_memory(page_size);
    while (to_start > 0) {
        --to_start;
        const std::size_t received = co_await source.async_read_some_at(
            next_page(&job), asio::buffer(buffer, page_size), asio::use_awaitable);
        if (received != page_size) {
            die("read", EIO);
        }
    }
    std::free(buffer);
}

asio::awaitable<void> copy_blocks(File source, File target, const job& job, std::uint64_t& next) {
    char* const buffer = aligned_memory(block_size);
    while (next < job.size) {
        const std::uint64_t offset = next;
        const std::size_t length = block_length(&job, offset);
        next += length;
        co_await asio::async_read_at(source, offset, asio::buffer(buffer, length),
                                     asio::use_awaitable);
        co_await asio::async_write_at(target, offset, asio::buffer(buffer, length),
                                      asio::use_awaitable);
    }
    std::free(buffer);
}

void rethrow(std::exception_ptr exception) {
    if (exception) {
        std::rethrow_exception(exception);
    }
}

}  // namespace

int main(int argc, char** argv) {
    job job = read_job(argc, argv);
    asio::io_context context(1);
    std::uint64_t state = job.copies ? 0 : job.reads;  // the next offset; the reads to start
    for (int i = 0; i < (job.copies ? copy_depth : read_depth); ++i) {
        File source = duplicate(context, job.source);
        if (job.copies) {
            File target = duplicate(context, job.target);
            asio::co_spawn(context, copy_blocks(std::move(source), std::move(target), job, state),
                           rethrow);
        } else {
            asio::co_spawn(context, read_at_random(std::move(source), job, state), rethrow);
        }
    }
    job.clocks = start_clocks();
    context.run();
    print_result(&job);
}
