// How many processors a program may use: what pools are as large as.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace ringio::concurrent {

/// How many of the machine's processors this thread may run on, or fewer where the quota of a
/// cgroup (version 2), of this process or above it, gives less time than that: a quota of one and a
/// half processors is two. At least 1.
std::size_t usable_processors();

/// The group of a process, "/a/b", out of its /proc/self/cgroup; nothing where there is none of
/// version 2.
std::optional<std::string> cgroup_of(std::string_view proc_self_cgroup);

/// The processors that a file cpu.max allows, rounded up; nothing for "max", or another text.
std::optional<std::size_t> processors_of_cpu_max(std::string_view text);

/// The least that the groups from `cgroup` up to the root allow, which is mounted at `mount`.
std::optional<std::size_t> processors_of_cgroup(const std::filesystem::path& mount,
                                                std::string_view cgroup);

}  // namespace ringio::concurrent
