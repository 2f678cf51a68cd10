// Kernel operations, awaited one by one: makes a file, copies it, and asks for one that is not
// there. Each Op is one request on the ring, described by a plain struct.
#include <ringio.hpp>
#include <ringio/ring/file_requests.hpp>

#include <fmt/core.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>

using ringio::Op;

// [open]
ringio::Task<ringio::UniqueFd> open_file(std::string path, int flags) {
    // The path is this frame's own: it lives as long as the request that points to it.
    co_return co_await Op<ringio::OpenAtRequest>(
        {.path = path.c_str(), .flags = flags, .mode = 0600});
}
// [/open]

// [write]
ringio::Task<> write_all(int file, std::string_view bytes, std::size_t offset) {
    while (!bytes.empty()) {
        const int written = co_await Op<ringio::WriteRequest>(
            {.fd = file, .buffer = bytes.data(), .size = bytes.size(), .offset = offset});
        bytes.remove_prefix(static_cast<std::size_t>(written));  // it may be short
        offset += static_cast<std::size_t>(written);
    }
}
// [/write]

ringio::Task<std::size_t> copy(int from, int to) {
    std::vector<char> buffer(64 * 1024);
    std::size_t copied = 0;
    for (;;) {
        const int read = co_await Op<ringio::ReadRequest>(
            {.fd = from, .buffer = buffer.data(), .size = buffer.size(), .offset = copied});
        const auto size = static_cast<std::size_t>(read);
        if (size == 0) {
            co_return copied;
        }
        co_await write_all(to, std::string_view(buffer.data(), size), copied);
        copied += size;
    }
}

// [code]
ringio::Task<> look_for(std::string path) {
    const auto request = Op<ringio::OpenAtRequest>({.path = path.c_str(), .flags = O_RDONLY});
    const int code = co_await request.as_code();  // the kernel's own result: -errno, no exception
    if (code == -ENOENT) {
        fmt::print("it is not there\n");
    } else if (code >= 0) {
        ringio::UniqueFd file(code);  // as_code() gives the bare number: somebody has to own it
        fmt::print("it is there\n");
    }
}
// [/code]

ringio::Task<> main_coroutine(std::filesystem::path folder) {
    const auto original = co_await open_file(folder / "original", O_RDWR | O_CREAT);
    co_await write_all(original.get(), std::string(100'000, 'x'), 0);
    const auto duplicate = co_await open_file(folder / "duplicate", O_WRONLY | O_CREAT);
    const std::size_t copied = co_await copy(original.get(), duplicate.get());
    fmt::print("{} bytes copied\n", copied);
    co_await look_for(folder / "duplicate");
    co_await look_for(folder / "another");
}

int main() {
    std::string folder = std::filesystem::temp_directory_path() / "ringio-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) {
        return 1;
    }
    ringio::run(main_coroutine(folder));
    std::filesystem::remove_all(folder);
}
