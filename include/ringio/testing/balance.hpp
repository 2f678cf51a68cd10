// Balance: the books of a test. What was made between its making and check() must be gone again.
#pragma once

#include <cstddef>
#include <string>

namespace ringio::testing {

/// Counts coroutine frames (with tasks, futures and callbacks), owned descriptors and borrowed
/// buffers of this thread at its making; difference() tells what has been added and not given back.
class Balance {
public:
    Balance() noexcept;

    /// Returns an empty text when the books balance, else "2 frames, 1 descriptor left".
    std::string difference() const;

private:
    std::ptrdiff_t frames_;
    std::size_t descriptors_;
    std::ptrdiff_t buffers_;
    std::size_t open_files_;
};

/// Number of entries in /proc/self/fd.
std::size_t open_file_count();

}  // namespace ringio::testing
