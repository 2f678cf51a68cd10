#include <ringio/process/archive.hpp>

#include <fmt/core.h>

namespace ringio {

using concurrent::ArchiveError;

void detail::throw_no_alternative(std::size_t index, std::size_t count) {
    throw ArchiveError(
        fmt::format("the message says alternative {} of a variant that has {}", index, count));
}

void detail::throw_valueless_variant() {
    throw ArchiveError("a std::variant without a value (valueless_by_exception) cannot be sent");
}

// The product cannot overflow, as no count is larger than the message.
void concurrent::ArchiveIn::require_elements(std::size_t count, std::size_t size_of_one) const {
    if (count * size_of_one > left_.size()) {
        throw ArchiveError(
            fmt::format("the message ends too early: {} bytes are wanted, {} are left",
                        count * size_of_one, left_.size()));
    }
}

void concurrent::ArchiveIn::read_bytes(void* bytes, std::size_t size) {
    require_elements(size, 1);
    if (size > 0) {
        std::memcpy(bytes, left_.data(), size);
        left_.remove_prefix(size);
    }
}

std::size_t concurrent::ArchiveIn::read_size() {
    const auto size = read<std::uint64_t>();
    if (size > left_.size()) {
        throw ArchiveError(fmt::format(
            "the message says that {} elements follow, but has only {} bytes", size, left_.size()));
    }
    return static_cast<std::size_t>(size);
}

void concurrent::ArchiveIn::require_end() const {
    if (!left_.empty()) {
        throw ArchiveError(
            fmt::format("{} bytes at the end of the message were not read", left_.size()));
    }
}

}  // namespace ringio
