// FileTurn: the only operation on a File for as long as it lives.
#pragma once

#include <ringio/files/file.hpp>

#include <cstddef>
#include <string_view>

namespace ringio::detail {

class FileTurn : public FileUse {
public:
    /// *Errors*: std::runtime_error when another operation is on; as FileUse.
    FileTurn(FilePtr file, const char* call);
    ~FileTurn();
};

/// How much is read ahead of a line.
inline constexpr std::size_t lines_read_ahead = 128 * 1024;

/// What a request on the file gave, as a size. *Errors*: its own, with the path and `call`.
inline std::size_t checked(const FileState& file, int result, std::string_view call) {
    if (result < 0) {
        file.fail(-result, call);
    }
    return static_cast<std::size_t>(result);
}

/// One request for what comes behind `ahead`, into it; gives how many bytes came.
Task<std::size_t> read_ahead(FileState& file, std::size_t size);

/// Finds out where an appending file ends, if that is where the position is.
Task<> locate(FileState& file);

/// *Errors*: as statx(2), with the path and `call`.
Task<FileStatus> ask_status(FileState& file, std::string_view call);

}  // namespace ringio::detail
