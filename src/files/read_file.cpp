#include <ringio/files/read_file.hpp>

#include "path_errors.hpp"
#include "path_parts.hpp"

#include <ringio/base/scope_exit.hpp>
#include <ringio/files/fs.hpp>
#include <ringio/files/open_file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <random>
#include <utility>

namespace ringio {
namespace {

/// The name of a new file in the directory of another; takes the file away again unless it was
/// kept.
class NewName {
public:
    explicit NewName(const std::string& beside) : path_(detail::directory_of(beside)) {
        constexpr char digits[] = "0123456789abcdef";
        std::random_device random;
        path_ += "/.ringio-";
        for (int word = 0; word < 2; ++word) {
            std::uint32_t bits = random();
            for (int digit = 0; digit < 8; ++digit, bits >>= 4U) {
                path_ += digits[bits & 15U];
            }
        }
    }
    NewName(const NewName&) = delete;
    NewName& operator=(const NewName&) = delete;
    ~NewName() {
        if (!kept_) {
            ::unlink(path_.c_str());  // by no request: nobody may wait any more
        }
    }

    const std::string& path() const noexcept { return path_; }
    void keep() noexcept { kept_ = true; }

private:
    std::string path_;
    bool kept_ = false;
};

/// The permissions of the file that is to be replaced, if there is one.
Task<std::optional<mode_t>> mode_of_file(std::string path) {
    struct ::statx answer{};
    const StatxRequest request{.path = path.c_str(), .mask = STATX_MODE, .result = &answer};
    const int result = co_await Op<StatxRequest>(request).as_code();
    if (result < 0 || detail::file_type_of(answer.stx_mode) != FileType::regular) {
        co_return std::nullopt;
    }
    co_return answer.stx_mode & 0777U;
}

/// Not every file system can; not everybody may read the directory.
Task<> sync_directory(std::string path) {
    const OpenAtRequest request{.path = path.c_str(), .flags = O_RDONLY | O_DIRECTORY};
    const UniqueFd directory(co_await Op<OpenAtRequest>(request).as_code());
    if (!directory) {
        co_return;
    }
    const int result = co_await Op<FsyncRequest>({.fd = directory.get()}).as_code();
    if (result < 0 && result != -EINVAL) {
        throw detail::path_error(-result, "fsync", path);
    }
}

Task<> replace_file(std::string path, std::string_view bytes, mode_t mode) {
    detail::require_path(path);
    const std::optional<mode_t> old_mode = co_await mode_of_file(path);
    NewName name(path);
    const OpenAtRequest request{.path = name.path().c_str(),
                                .flags = O_WRONLY | O_CREAT | O_EXCL,
                                .mode = old_mode ? 0600U : mode};
    const int opened = co_await Op<OpenAtRequest>(request).as_code();
    if (opened < 0) {
        throw detail::path_error(-opened, "open", path);
    }
    UniqueFd fd(opened);
    File file(std::move(fd), path);  // whose errors name the file that was asked for
    co_await file.write(bytes);
    if (old_mode) {
        co_await fs::chmod(name.path(), *old_mode);
    }
    co_await file.fsync();
    co_await file.aclose();
    co_await fs::rename(name.path(), path);
    name.keep();
    co_await sync_directory(detail::directory_of(path));
}

Task<> rewrite_file(std::string path, std::string_view bytes, mode_t mode) {
    const OpenOptions options{.flags = O_WRONLY | O_CREAT | O_TRUNC, .mode = mode};
    File file = co_await open_file(std::move(path), options);
    co_await file.write(bytes);
    co_await file.aclose();
}

}  // namespace

Task<std::string> read_file(std::string path) {
    File file = co_await open_file(std::move(path), OpenMode::read);
    std::string bytes = co_await file.read();
    co_return bytes;
}

Task<> write_file(std::string path, std::string_view bytes, WriteFileOptions options) {
    if (options.atomic) {
        return replace_file(std::move(path), bytes, options.mode);
    }
    return rewrite_file(std::move(path), bytes, options.mode);
}

}  // namespace ringio
