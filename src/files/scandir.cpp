#include <ringio/files/scandir.hpp>

#include "directory.hpp"
#include "path_errors.hpp"

#include <ringio/tasks/run_in_executor.hpp>

#include <utility>

namespace ringio::fs {
namespace {

std::vector<DirectoryEntry> entries_of(const std::string& path) {
    const detail::Names names = detail::Directory(path).names();
    std::vector<DirectoryEntry> entries;
    entries.reserve(names.size());
    for (const detail::Names::Name& name : names) {
        entries.push_back({std::string(names.text(name)), name.type});
    }
    return entries;
}

}  // namespace

Task<std::vector<DirectoryEntry>> scandir(std::string path) {
    detail::require_path(path);
    Future<std::vector<DirectoryEntry>> listing =
        get_running_loop().run_in_executor(nullptr, entries_of, path);
    co_return co_await std::move(listing);
}

}  // namespace ringio::fs
