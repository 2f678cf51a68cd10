#include "usable_processors.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <system_error>
#include <thread>

namespace ringio::concurrent {
namespace {

// Kernel: sched_getaffinity(2) fails with EINVAL where the set is smaller than the kernel's own.
std::optional<std::size_t> processors_of_affinity() noexcept {
    constexpr std::size_t most = std::size_t{1} << 20U;
    for (std::size_t size = CPU_SETSIZE; size <= most; size *= 2) {
        cpu_set_t* const set = CPU_ALLOC(size);
        if (set == nullptr) {
            return std::nullopt;
        }
        const std::size_t bytes = CPU_ALLOC_SIZE(size);
        const bool known = ::sched_getaffinity(0, bytes, set) == 0;
        const int error = errno;
        const int count = known ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
        if (known) {
            return static_cast<std::size_t>(count);
        }
        if (error != EINVAL) {
            return std::nullopt;
        }
    }
    return std::nullopt;
}

std::optional<std::string> text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    if (!file) {
        return std::nullopt;
    }
    return std::string(std::istreambuf_iterator<char>(file), {});
}

// The number that `text` begins with, which it loses.
std::optional<std::uint64_t> take_number(std::string_view& text) noexcept {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

}  // namespace

std::optional<std::string> cgroup_of(std::string_view proc_self_cgroup) {
    constexpr std::string_view version_2 = "0::";
    while (!proc_self_cgroup.empty()) {
        const std::string_view line = proc_self_cgroup.substr(0, proc_self_cgroup.find('\n'));
        if (line.starts_with(version_2)) {
            return std::string(line.substr(version_2.size()));
        }
        proc_self_cgroup.remove_prefix(std::min(line.size() + 1, proc_self_cgroup.size()));
    }
    return std::nullopt;
}

std::optional<std::size_t> processors_of_cpu_max(std::string_view text) {
    const std::optional<std::uint64_t> quota = take_number(text);
    if (!quota || !text.starts_with(' ')) {
        return std::nullopt;
    }
    text.remove_prefix(1);
    const std::optional<std::uint64_t> period = take_number(text);
    if (!period || *period == 0) {
        return std::nullopt;
    }
    const std::uint64_t whole = *quota / *period + (*quota % *period != 0 ? 1 : 0);
    return static_cast<std::size_t>(std::max<std::uint64_t>(1, whole));
}

std::optional<std::size_t> processors_of_cgroup(const std::filesystem::path& mount,
                                                std::string_view cgroup) {
    std::optional<std::size_t> least;
    std::filesystem::path group = mount;
    const auto look = [&] {
        const std::string text = text_of(group / "cpu.max").value_or("max");
        if (const std::optional<std::size_t> allowed = processors_of_cpu_max(text)) {
            least = std::min(least.value_or(*allowed), *allowed);
        }
    };
    look();
    for (const std::filesystem::path& name : std::filesystem::path(cgroup).relative_path()) {
        if (name == "..") {  // a group outside of the namespace is not to be seen
            break;
        }
        group /= name;
        look();
    }
    return least;
}

std::size_t usable_processors() {
    std::size_t usable = processors_of_affinity().value_or(std::thread::hardware_concurrency());
    if (const std::optional<std::string> own = text_of("/proc/self/cgroup")) {
        if (const std::optional<std::string> cgroup = cgroup_of(*own)) {
            usable =
                std::min(usable, processors_of_cgroup("/sys/fs/cgroup", *cgroup).value_or(usable));
        }
    }
    return std::max<std::size_t>(1, usable);
}

}  // namespace ringio::concurrent
