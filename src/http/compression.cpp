#include "compression.hpp"

#include <fmt/core.h>

#include <new>
#include <stdexcept>
#include <utility>

#ifdef RINGIO_HTTP_HAS_ZLIB

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

namespace ringio::http::detail {
namespace {

/// zlib's state, which must stay where it is.
class Compressor {
public:
    explicit Compressor(std::string_view coding) {
        constexpr int window = MAX_WBITS;
        constexpr int in_gzip = 16;  // added to the window
        const int window_and_format = coding == "gzip" ? window + in_gzip : window;
        constexpr int memory_level = 8;  // zlib's own default
        if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_and_format,
                         memory_level, Z_DEFAULT_STRATEGY) != Z_OK) {
            throw std::bad_alloc();
        }
    }
    Compressor(const Compressor&) = delete;
    Compressor& operator=(const Compressor&) = delete;
    ~Compressor() { deflateEnd(&stream_); }

    /// Takes bytes, and gives those that are ready.
    std::string add(std::string_view bytes) {
        std::string ready;
        while (!bytes.empty()) {
            constexpr std::size_t most = std::numeric_limits<uInt>::max();
            const std::string_view piece = bytes.substr(0, most);
            run(piece, Z_NO_FLUSH, ready);
            bytes.remove_prefix(piece.size());
        }
        return ready;
    }
    /// The last bytes.
    std::string finish() {
        std::string ready;
        run({}, Z_FINISH, ready);
        return ready;
    }

private:
    void run(std::string_view bytes, int flush, std::string& ready) {
        std::array<Bytef, 16 * 1024> room;
        // zlib does not write there.
        stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
        stream_.avail_in = static_cast<uInt>(bytes.size());
        do {
            stream_.next_out = room.data();
            stream_.avail_out = static_cast<uInt>(room.size());
            deflate(&stream_, flush);  // cannot fail: there is room
            ready.append(reinterpret_cast<const char*>(room.data()),
                         room.size() - stream_.avail_out);
        } while (stream_.avail_out == 0);
    }

    z_stream stream_ = {};
};

}  // namespace

bool can_compress() noexcept { return true; }

std::string compressed(std::string_view text, std::string_view coding) {
    Compressor compressor(coding);
    std::string result = compressor.add(text);
    result += compressor.finish();
    return result;
}

AsyncGenerator<std::string> compressed(AsyncGenerator<std::string> chunks, std::string coding) {
    Compressor compressor(coding);
    while (auto chunk = co_await chunks.next()) {
        std::string ready = compressor.add(*chunk);
        if (!ready.empty()) {
            co_yield std::move(ready);
        }
    }
    co_yield compressor.finish();
}

}  // namespace ringio::http::detail

#else

namespace ringio::http::detail {

bool can_compress() noexcept { return false; }
std::string compressed(std::string_view, std::string_view) { return {}; }
AsyncGenerator<std::string> compressed(AsyncGenerator<std::string>, std::string) { return {}; }

}  // namespace ringio::http::detail

#endif

namespace ringio::http::detail {

void check_coding(std::string_view coding) {
    if (coding != "deflate" && coding != "gzip") {
        throw std::invalid_argument(
            fmt::format("compress is \"deflate\" or \"gzip\", not \"{}\"", coding));
    }
    if (!can_compress()) {
        throw std::invalid_argument("this ringio was built without zlib, and cannot compress");
    }
}

}  // namespace ringio::http::detail
