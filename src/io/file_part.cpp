#include "file_part.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <stdexcept>
#include <string>
#include <system_error>

namespace ringio::detail {
namespace {

constexpr std::size_t piece_size = 128 * 1024;

bool has_position(int file) {
    struct stat status{};
    if (::fstat(file, &status) != 0) {
        throw std::system_error(errno, std::system_category(),
                                "sendfile of file descriptor " + std::to_string(file));
    }
    return S_ISREG(status.st_mode);
}

}  // namespace

FilePart::FilePart(int file, const SendfileOptions& options)
    : file_(file),
      at_(options.offset),
      left_(options.count.value_or(std::numeric_limits<std::uint64_t>::max())),
      memory_(std::make_unique_for_overwrite<char[]>(piece_size)) {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (options.offset > most) {
        throw std::invalid_argument("sendfile: the offset is beyond any file");
    }
    has_position_ = has_position(file);
    if (!has_position_ && !options.fallback) {
        throw SendfileNotAvailableError("not a regular file");
    }
}

FilePart::~FilePart() {
    if (has_position_ && sent_ > 0) {
        ::lseek(file_, static_cast<off_t>(at_), SEEK_SET);
    }
}

Op<ReadRequest> FilePart::read() const {
    return Op<ReadRequest>(
        {.fd = file_,
         .buffer = memory_.get(),
         .size = static_cast<std::size_t>(std::min<std::uint64_t>(piece_size, left_)),
         .offset = has_position_ ? at_ : current_position});
}

}  // namespace ringio::detail
