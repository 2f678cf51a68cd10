// Requests that change what is in a directory, and the space of a file.
#include "kernel_contract.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <support/catch.hpp>

using namespace ringio;
using namespace ringio::testing;

namespace {

// A folder of its own, with "file" and "folder" in it.
class NamedFolder {
public:
    NamedFolder() {
        REQUIRE(::mkdtemp(path_.data()) != nullptr);
        folder_.reset(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        REQUIRE(::mkdirat(at(), "folder", 0700) == 0);
        file_.reset(::openat(at(), "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        REQUIRE(file_);
    }
    NamedFolder(const NamedFolder&) = delete;
    NamedFolder& operator=(const NamedFolder&) = delete;
    ~NamedFolder() { std::filesystem::remove_all(path_); }

    int at() const { return folder_.get(); }
    int file() const { return file_.get(); }
    std::string path(const std::string& name) const { return path_ + '/' + name; }
    bool has(const char* name) const {
        return ::faccessat(at(), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    }
    struct ::stat status(const char* name) const {
        struct ::stat status{};
        REQUIRE(::fstatat(at(), name, &status, AT_SYMLINK_NOFOLLOW) == 0);
        return status;
    }

private:
    std::string path_ = "/tmp/ringio_paths_XXXXXX";
    UniqueFd folder_;
    UniqueFd file_;
};

template <class Body>
void with_names(const char* title, Body body) {
    for_each_kernel(title, [&](const KernelUnderTest& kernel) {
        const NamedFolder folder;
        Driver driver(kernel);
        body(driver, folder);
    });
}

}  // namespace

TEST_CASE("kernel contract: mkdirat", "[uring]") {
    with_names("makes a folder, with its mode", [](Driver& driver, const NamedFolder& folder) {
        CHECK(driver.perform(MkdirAtRequest{folder.at(), "new", 0710}) == 0);
        CHECK(S_ISDIR(folder.status("new").st_mode));
        CHECK((folder.status("new").st_mode & 0777U & ~0710U) == 0);
        const std::string path = folder.path("another");
        CHECK(driver.perform(MkdirAtRequest{.path = path.c_str()}) == 0);
        CHECK(folder.has("another"));
    });
    with_names("refuses a name that is there", [](Driver& driver, const NamedFolder& folder) {
        CHECK(driver.perform(MkdirAtRequest{folder.at(), "folder"}) == -EEXIST);
        CHECK(driver.perform(MkdirAtRequest{folder.at(), "file"}) == -EEXIST);
        CHECK(driver.perform(MkdirAtRequest{folder.at(), "none/new"}) == -ENOENT);
        CHECK(driver.perform(MkdirAtRequest{folder.at(), "file/new"}) == -ENOTDIR);
        CHECK(driver.perform(MkdirAtRequest{1'000'000, "new"}) == -EBADF);
    });
}

TEST_CASE("kernel contract: unlinkat", "[uring]") {
    with_names("takes a file away", [](Driver& driver, const NamedFolder& folder) {
        CHECK(driver.perform(UnlinkAtRequest{folder.at(), "file"}) == 0);
        CHECK_FALSE(folder.has("file"));
        CHECK(driver.perform(UnlinkAtRequest{folder.at(), "file"}) == -ENOENT);
    });
    with_names("takes a folder away when asked to", [](Driver& driver, const NamedFolder& folder) {
        CHECK(driver.perform(UnlinkAtRequest{folder.at(), "folder"}) == -EISDIR);
        CHECK(driver.perform(UnlinkAtRequest{folder.at(), "file", AT_REMOVEDIR}) == -ENOTDIR);
        CHECK(driver.perform(UnlinkAtRequest{folder.at(), "folder", AT_REMOVEDIR}) == 0);
        CHECK_FALSE(folder.has("folder"));
    });
    with_names("leaves a folder that is not empty", [](Driver& driver, const NamedFolder& folder) {
        REQUIRE(::mkdirat(folder.at(), "folder/inner", 0700) == 0);
        CHECK(driver.perform(UnlinkAtRequest{folder.at(), "folder", AT_REMOVEDIR}) == -ENOTEMPTY);
    });
}

TEST_CASE("kernel contract: renameat", "[uring]") {
    with_names("into a folder", [](Driver& driver, const NamedFolder& folder) {
        CHECK(driver.perform(RenameAtRequest{folder.at(), "file", folder.at(), "folder/it"}) == 0);
        CHECK_FALSE(folder.has("file"));
        CHECK(folder.has("folder/it"));
    });
    with_names("in place of another", [](Driver& driver, const NamedFolder& folder) {
        REQUIRE(::mkdirat(folder.at(), "new", 0700) == 0);
        CHECK(driver.perform(RenameAtRequest{folder.at(), "new", folder.at(), "folder"}) == 0);
        CHECK(driver.perform(RenameAtRequest{folder.at(), "file", folder.at(), "folder"}) ==
              -EISDIR);
        CHECK(driver.perform(RenameAtRequest{folder.at(), "none", folder.at(), "file"}) == -ENOENT);
    });
    with_names("not in place of another", [](Driver& driver, const NamedFolder& folder) {
        CHECK(driver.perform(RenameAtRequest{folder.at(), "folder", folder.at(), "file",
                                             RENAME_NOREPLACE}) == -EEXIST);
    });
}

TEST_CASE("kernel contract: symlinkat and linkat", "[uring]") {
    with_names("a link says what it was given", [](Driver& driver, const NamedFolder& folder) {
        CHECK(driver.perform(SymlinkAtRequest{"any thing", folder.at(), "sign"}) == 0);
        char target[16] = {};
        CHECK(::readlinkat(folder.at(), "sign", target, sizeof target) == 9);
        CHECK(std::string(target) == "any thing");
        CHECK(driver.perform(SymlinkAtRequest{"it", folder.at(), "sign"}) == -EEXIST);
    });
    with_names("one more name", [](Driver& driver, const NamedFolder& folder) {
        CHECK(driver.perform(LinkAtRequest{folder.at(), "file", folder.at(), "too"}) == 0);
        CHECK(folder.status("too").st_ino == folder.status("file").st_ino);
        CHECK(driver.perform(LinkAtRequest{folder.at(), "file", folder.at(), "too"}) == -EEXIST);
    });
    with_names("of a link, or of what it says", [](Driver& driver, const NamedFolder& folder) {
        REQUIRE(::symlinkat("file", folder.at(), "sign") == 0);
        CHECK(driver.perform(LinkAtRequest{folder.at(), "sign", folder.at(), "sign too"}) == 0);
        CHECK(S_ISLNK(folder.status("sign too").st_mode));
        CHECK(driver.perform(LinkAtRequest{folder.at(), "sign", folder.at(), "file too",
                                           AT_SYMLINK_FOLLOW}) == 0);
        CHECK(S_ISREG(folder.status("file too").st_mode));
    });
}

TEST_CASE("kernel contract: fallocate", "[uring]") {
    with_names("makes a file larger", [](Driver& driver, const NamedFolder& folder) {
        const FallocateRequest request{folder.file(), 0, 4096, 8192};
        CHECK(driver.perform(request) == 0);
        CHECK(folder.status("file").st_size == 12288);
    });
    with_names("or not", [](Driver& driver, const NamedFolder& folder) {
        const FallocateRequest request{folder.file(), FALLOC_FL_KEEP_SIZE, 0, 8192};
        CHECK(driver.perform(request) == 0);
        CHECK(folder.status("file").st_size == 0);
    });
    with_names("refuses nothing, and nobody", [](Driver& driver, const NamedFolder& folder) {
        CHECK(driver.perform(FallocateRequest{folder.file(), 0, 0, 0}) == -EINVAL);
        CHECK(driver.perform(FallocateRequest{1'000'000, 0, 0, 1}) == -EBADF);
    });
}

TEST_CASE("kernel contract: a request on a name is cancelled", "[uring]") {
    with_names("in its batch: it is done, or it is not",
               [](Driver& driver, const NamedFolder& folder) {
                   const Driver::Id id = driver.submit(UnlinkAtRequest{folder.at(), "file"});
                   driver.cancel(id);
                   const int result = driver.result_of(id);
                   CHECK(is_one_of({0, -ECANCELED, -EINTR}, result));
                   if (result != -EINTR) {
                       CHECK(folder.has("file") == (result == -ECANCELED));
                   }
               });
    with_names("thirty folders, all at once", [](Driver& driver, const NamedFolder& folder) {
        std::vector<std::string> names;
        for (int i = 0; i < 30; ++i) {
            names.push_back("folder" + std::to_string(i));
        }
        std::vector<Driver::Id> ids;
        for (const std::string& name : names) {
            ids.push_back(driver.submit(MkdirAtRequest{folder.at(), name.c_str()}));
        }
        driver.finish();
        for (const Driver::Id id : ids) {
            CHECK(is_one_of({0, -ECANCELED, -EINTR}, driver.result(id)));
        }
    });
}
