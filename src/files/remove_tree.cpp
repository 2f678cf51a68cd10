#include <ringio/files/remove_tree.hpp>

#include "directory.hpp"
#include "path_errors.hpp"
#include "path_parts.hpp"
#include "stop_flag.hpp"

#include <ringio/tasks/run_in_executor.hpp>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringio::fs {
namespace {

struct NodeId {
    dev_t device = 0;
    ino_t inode = 0;
    friend bool operator==(const NodeId&, const NodeId&) = default;
};

/// Goes down into each directory and up again, by "..", with one of them open. Called on a worker
/// thread.
class TreeRemoval {
public:
    explicit TreeRemoval(std::string root) : root_(std::move(root)) {}

    void run(bool missing_ok, const detail::Stop& stop) {
        const int error = enter(AT_FDCWD, root_);
        if (error == ENOENT && missing_ok) {
            return;
        }
        if (error != 0) {
            fail(error, root_);
        }
        while (!detail::is_stopped(stop)) {
            Level& level = levels_.back();
            if (!level.directories.empty()) {
                const std::string name = std::move(level.directories.back());
                level.directories.pop_back();
                enter_or_remove(name);
            } else if (levels_.size() > 1) {
                leave();
            } else {
                remove(AT_FDCWD, root_, AT_REMOVEDIR);
                return;
            }
        }
    }

private:
    struct Level {
        std::string name;
        NodeId id;
        std::vector<std::string> directories;  // still there; the next one is the last
    };

    // Removes all that is no directory. Returns the error of opening it.
    int enter(int parent, const std::string& name) {
        UniqueFd fd = detail::Directory::open_below(parent, name.c_str());
        if (!fd) {
            return errno;
        }
        levels_.push_back({name, id_of(fd.get()), {}});
        current_.emplace(std::move(fd), path());
        std::vector<std::string>& directories = levels_.back().directories;
        const detail::Names names = current_->names();
        for (const detail::Names::Name& each : names) {
            std::string text(names.text(each));
            if (each.type == FileType::directory) {
                directories.push_back(std::move(text));
            } else {
                remove(current_->fd(), text, 0);
            }
        }
        std::ranges::reverse(directories);
        return 0;
    }

    void enter_or_remove(const std::string& name) {
        const int error = enter(current_->fd(), name);
        if (error == ENOTDIR || error == ELOOP) {  // somebody has put something else there
            remove(current_->fd(), name, 0);
        } else if (error != 0 && error != ENOENT) {
            fail(error, detail::path_in(path(), name));
        }
    }

    void leave() {
        const std::string name = std::move(levels_.back().name);
        UniqueFd parent = detail::Directory::open_below(current_->fd(), "..");
        if (!parent) {
            fail(errno, path());
        }
        levels_.pop_back();
        if (id_of(parent.get()) != levels_.back().id) {
            fail(ESTALE, detail::path_in(path(), name));  // it is somewhere else by now
        }
        current_.emplace(std::move(parent), path());
        remove(current_->fd(), name, AT_REMOVEDIR);
    }

    void remove(int parent, const std::string& name, int flags) {
        if (::unlinkat(parent, name.c_str(), flags) != 0 && errno != ENOENT) {
            const int error = errno;
            fail(error, parent == AT_FDCWD ? name : detail::path_in(path(), name));
        }
    }

    static NodeId id_of(int fd) noexcept {
        struct ::stat status{};
        return ::fstat(fd, &status) == 0 ? NodeId{status.st_dev, status.st_ino} : NodeId{};
    }

    std::string path() const {
        std::string path;
        for (const Level& level : levels_) {
            path = detail::path_in(path, level.name);
        }
        return path;
    }

    [[noreturn]] static void fail(int error, const std::string& path) {
        throw detail::path_error(error, "remove_tree", path);
    }

    std::string root_;
    std::vector<Level> levels_;
    std::optional<detail::Directory> current_;  // of the last level
};

}  // namespace

Task<> remove_tree(std::string path, RemoveTreeOptions options) {
    detail::require_path(path);
    const detail::StopFlag flag;
    const auto remove = [missing_ok = options.missing_ok](const std::string& root,
                                                          const detail::Stop& stop) {
        TreeRemoval(root).run(missing_ok, stop);
    };
    Future<> removing =
        get_running_loop().run_in_executor(nullptr, remove, std::move(path), flag.stop());
    co_await std::move(removing);
}

}  // namespace ringio::fs
