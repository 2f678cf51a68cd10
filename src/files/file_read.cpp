#include <ringio/files/file.hpp>

#include "file_turn.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace ringio {
namespace detail {

Task<std::size_t> read_ahead(FileState& file, std::size_t size) {
    const std::span<char> space = file.ahead.prepare(size);
    const ReadRequest request{file.fd(), space.data(), space.size(),
                              file.offset(file.ahead.size())};
    const int result = co_await Op<ReadRequest>(request).as_code();
    const std::size_t came = checked(file, result, ReadRequest::name);
    file.ahead.commit(came);
    co_return came;
}

namespace {

constexpr std::size_t first_step = 16 * 1024;
constexpr std::size_t asked_size = 1024 * 1024;  // is made room for without a look at the file
constexpr std::size_t trusted_size = 256 * 1024 * 1024;

// How many bytes there seem to be behind the position, and one more, so that the end is found
// without another allocation. Kernel: 4.11, does not ask a server for what it has told already.
std::size_t likely_rest(const FileState& file) noexcept {
    struct ::statx answer{};
    if (::statx(file.fd(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_SIZE, &answer) != 0 ||
        answer.stx_size <= file.position) {
        return first_step;  // of /proc, which says 0
    }
    return static_cast<std::size_t>(
        std::min<std::uint64_t>(answer.stx_size - file.position + 1, trusted_size));
}

// At least one byte, unless it is the end; more when that is known to be cheap.
Task<std::string> read_what_comes(FileState& file, std::size_t most) {
    if (file.ahead.empty()) {
        co_await read_ahead(file, std::min(most, lines_read_ahead));
    }
    co_return file.ahead.take(most);
}

Task<std::string> read_all_that_comes(FileState& file) {
    for (;;) {
        const std::size_t came = co_await read_ahead(file, first_step);
        if (came == 0) {
            break;
        }
    }
    std::string all = file.ahead.take(file.ahead.size());
    file.ahead.release_memory();
    co_return all;
}

// Reads until `target` is full, or to the end; the position stays.
Task<std::size_t> fill_from_position(FileState& file, std::span<char> target) {
    std::size_t filled = std::min(target.size(), file.ahead.size());
    if (filled > 0) {
        std::memcpy(target.data(), file.ahead.data().data(), filled);
    }
    while (filled < target.size()) {
        const ReadRequest request{file.fd(), target.data() + filled, target.size() - filled,
                                  file.offset(filled)};
        const int result = co_await Op<ReadRequest>(request).as_code();
        const std::size_t came = checked(file, result, ReadRequest::name);
        if (came == 0) {
            break;
        }
        filled += came;
    }
    co_return filled;
}

Task<std::string> read_from_position(FileState& file, std::size_t most) {
    std::string bytes(file.ahead.data().substr(0, most));
    std::size_t filled = bytes.size();
    const std::size_t ahead = filled;
    const std::size_t likely = most > asked_size ? likely_rest(file) : most;
    while (filled < most) {
        if (filled == bytes.size()) {
            const std::size_t more = filled == ahead ? likely : std::max(filled, first_step);
            bytes.resize(filled + std::min({more, most - filled, trusted_size}));
        }
        const ReadRequest request{file.fd(), bytes.data() + filled, bytes.size() - filled,
                                  file.offset(filled)};
        const int result = co_await Op<ReadRequest>(request).as_code();
        const std::size_t came = checked(file, result, ReadRequest::name);
        if (came == 0) {
            break;
        }
        filled += came;
    }
    bytes.resize(filled);
    if (bytes.capacity() / 2 > filled) {
        bytes.shrink_to_fit();
    }
    file.skip(filled);
    co_return bytes;
}

Task<std::string> read_rest(FileState& file) {
    if (!file.has_positions()) {
        co_return co_await read_all_that_comes(file);
    }
    if (file.is_at_end) {
        co_await locate(file);
    }
    co_return co_await read_from_position(file, std::string::npos);
}

Task<std::string> read_bytes(FilePtr shared, std::ptrdiff_t n) {
    const FileTurn turn(std::move(shared), "read");
    FileState& file = turn.file();
    if (n < 0) {
        co_return co_await read_rest(file);
    }
    if (n == 0) {
        co_return std::string();
    }
    const auto most = static_cast<std::size_t>(n);
    if (!file.has_positions()) {
        co_return co_await read_what_comes(file, most);
    }
    if (file.is_at_end) {
        co_await locate(file);
    }
    co_return co_await read_from_position(file, most);
}

Task<std::size_t> read_bytes_into(FilePtr shared, std::span<char> target) {
    const FileTurn turn(std::move(shared), "readinto");
    FileState& file = turn.file();
    if (target.empty()) {
        co_return 0;
    }
    if (file.is_at_end) {
        co_await locate(file);
    }
    if (file.has_positions()) {
        const std::size_t filled = co_await fill_from_position(file, target);
        file.skip(filled);
        co_return filled;
    }
    const std::string came = co_await read_what_comes(file, target.size());
    std::ranges::copy(came, target.begin());
    co_return came.size();
}

// Gives a line that was read ahead as a whole; else an empty text.
std::string line_ahead(FileState& file, std::size_t searched = 0) {
    const std::size_t at = file.ahead.data().find('\n', searched);
    if (at == std::string_view::npos) {
        return {};
    }
    std::string line(file.ahead.data().substr(0, at + 1));
    file.skip(at + 1);
    return line;
}

Task<std::string> next_line(FileState& file) {
    if (file.is_at_end) {
        co_await locate(file);
    }
    std::size_t searched = 0;
    for (;;) {
        std::string line = line_ahead(file, searched);
        if (!line.empty()) {
            co_return line;
        }
        searched = file.ahead.size();
        const std::size_t came = co_await read_ahead(file, lines_read_ahead);
        if (came == 0) {
            break;
        }
    }
    std::string last(file.ahead.data());
    file.skip(last.size());
    file.ahead.release_memory();
    co_return last;
}

Task<std::string> read_line(FilePtr shared) {
    const FileTurn turn(std::move(shared), "readline");
    co_return co_await next_line(turn.file());
}

Task<std::vector<std::string>> read_lines(FilePtr shared) {
    const FileTurn turn(std::move(shared), "readlines");
    const std::string all = co_await read_rest(turn.file());
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < all.size();) {
        const std::size_t end = std::min(all.find('\n', begin), all.size() - 1) + 1;
        lines.push_back(all.substr(begin, end - begin));
        begin = end;
    }
    co_return lines;
}

AsyncGenerator<std::string> lines_of(FilePtr shared) {
    for (;;) {
        std::string line;
        {
            const FileTurn turn(shared, "lines");
            line = line_ahead(turn.file());
            if (line.empty()) {
                line = co_await next_line(turn.file());
            }
        }
        if (line.empty()) {
            co_return;
        }
        co_yield by_move(line);
    }
}

}  // namespace
}  // namespace detail

Task<std::string> File::read(std::ptrdiff_t n) { return detail::read_bytes(opened(), n); }

Task<std::size_t> File::readinto(std::span<char> target) {
    return detail::read_bytes_into(opened(), target);
}

Task<std::string> File::readline() { return detail::read_line(opened()); }

Task<std::vector<std::string>> File::readlines() { return detail::read_lines(opened()); }

AsyncGenerator<std::string> File::lines() { return detail::lines_of(opened()); }

}  // namespace ringio
