#include <ringio/testing/balance.hpp>

#include <ringio/base/unique_fd.hpp>
#include <ringio/core/frame_allocator.hpp>
#include <ringio/ring/buffer_pool.hpp>

#include <filesystem>
#include <iterator>

namespace ringio::testing {
namespace {

std::string counted(std::ptrdiff_t count, const char* what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

std::size_t open_file_count() {
    // The listing itself holds a descriptor while it is read, each time the same one.
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                      std::filesystem::directory_iterator()));
}

Balance::Balance() noexcept
    : frames_(detail::live_frames()),
      descriptors_(UniqueFd::live_count()),
      buffers_(BufferPool::borrowed_on_thread()),
      open_files_(open_file_count()) {}

std::string Balance::difference() const {
    std::string text;
    const auto add = [&text](std::ptrdiff_t count, const char* what) {
        if (count != 0) {
            text += (text.empty() ? "" : ", ") + counted(count, what);
        }
    };
    add(detail::live_frames() - frames_, "frame");
    add(static_cast<std::ptrdiff_t>(UniqueFd::live_count() - descriptors_), "descriptor");
    add(BufferPool::borrowed_on_thread() - buffers_, "borrowed buffer");
    add(static_cast<std::ptrdiff_t>(open_file_count() - open_files_), "open file");
    return text.empty() ? text : text + " left";
}

}  // namespace ringio::testing
