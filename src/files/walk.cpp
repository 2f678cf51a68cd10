#include <ringio/files/walk.hpp>

#include "directory.hpp"
#include "path_errors.hpp"
#include "path_parts.hpp"

#include <ringio/core/callable.hpp>
#include <ringio/tasks/run_in_executor.hpp>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <sys/stat.h>

namespace ringio::fs {
namespace {

// A thread reads directories until they have as many names, so that a tree neither costs a trip for
// each of them nor is in memory as a whole.
constexpr std::size_t names_at_once = 4096;

/// Where a walk is; with the loop and with a thread by turns.
class Walk {
public:
    Walk(std::string root, WalkOptions options) : options_(options) {
        pending_.push_back(std::move(root));
    }

    bool is_over() const noexcept { return pending_.empty(); }

    /// Called on a worker thread.
    std::vector<WalkedDirectory> read_on() {
        std::vector<WalkedDirectory> batch;
        for (std::size_t names = 0; names < names_at_once && !pending_.empty(); ++names) {
            std::string path = std::move(pending_.back());
            pending_.pop_back();
            if (read(std::move(path), batch)) {
                names += batch.back().directories.size() + batch.back().files.size();
            }
        }
        return batch;
    }

private:
    bool read(std::string path, std::vector<WalkedDirectory>& batch) {
        const bool is_root = std::exchange(is_first_, false);
        WalkedDirectory directory;
        try {
            detail::Directory opened(path);
            if (options_.follow_symlinks && !is_new(opened.fd())) {
                return false;
            }
            const detail::Names names = opened.names();
            directory.files.reserve(names.size());
            for (const detail::Names::Name& name : names) {
                const std::string_view text = names.text(name);
                const bool inside = name.type == FileType::directory ||
                                    (name.type == FileType::symlink && options_.follow_symlinks &&
                                     leads_to_directory(opened.fd(), text.data()));
                (inside ? directory.directories : directory.files).emplace_back(text);
            }
        } catch (const std::system_error& error) {
            const bool is_gone = error.code().value() == ENOENT && !is_root;
            if (is_gone || options_.skip_errors) {
                return false;
            }
            throw;
        }
        for (std::size_t at = directory.directories.size(); at-- > 0;) {
            pending_.push_back(detail::path_in(path, directory.directories[at]));
        }
        directory.path = std::move(path);
        batch.push_back(std::move(directory));
        return true;
    }

    static bool leads_to_directory(int at, const char* name) noexcept {
        struct ::stat status{};
        return ::fstatat(at, name, &status, 0) == 0 && S_ISDIR(status.st_mode);
    }

    bool is_new(int directory) {
        struct ::stat status{};
        return ::fstat(directory, &status) != 0 ||
               seen_.emplace(status.st_dev, status.st_ino).second;
    }

    WalkOptions options_;
    bool is_first_ = true;
    std::vector<std::string> pending_;  // the next one is the last
    std::set<std::pair<dev_t, ino_t>> seen_;
};

}  // namespace

AsyncGenerator<WalkedDirectory> walk(std::string root, WalkOptions options) {
    detail::require_path(root);
    const auto state = std::make_shared<Walk>(std::move(root), options);
    while (!state->is_over()) {
        const auto read_on = [](const std::shared_ptr<Walk>& walk) { return walk->read_on(); };
        Future<std::vector<WalkedDirectory>> reading =
            get_running_loop().run_in_executor(nullptr, read_on, state);
        std::vector<WalkedDirectory> batch = co_await std::move(reading);
        for (WalkedDirectory& directory : batch) {
            co_yield by_move(directory);
        }
    }
}

}  // namespace ringio::fs
