#include <ringio/files/file_status.hpp>

#include <ringio/files/fs.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/temp_folder.hpp>

#include <fcntl.h>
#include <sys/stat.h>

using namespace ringio;
using namespace ringio::test_support;

TEST_CASE("file status: each kind of file has a type") {
    CHECK(detail::file_type_of(S_IFREG | 0644U) == FileType::regular);
    CHECK(detail::file_type_of(S_IFDIR) == FileType::directory);
    CHECK(detail::file_type_of(S_IFLNK) == FileType::symlink);
    CHECK(detail::file_type_of(S_IFIFO) == FileType::fifo);
    CHECK(detail::file_type_of(S_IFSOCK) == FileType::socket);
    CHECK(detail::file_type_of(S_IFCHR) == FileType::character_device);
    CHECK(detail::file_type_of(S_IFBLK) == FileType::block_device);
    CHECK(detail::file_type_of(0) == FileType::unknown);
}

ASYNC_TEST_CASE("file status: is what stat(2) says") {
    const TempFolder folder;
    const std::string path = folder.file("file", "text");
    REQUIRE(::chmod(path.c_str(), 04751) == 0);
    REQUIRE(::link(path.c_str(), (folder / "too").c_str()) == 0);
    const timespec times[] = {{1'000'000'000, 5}, {-7, 250}};  // before 1970, too
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
    struct ::stat expected{};
    REQUIRE(::stat(path.c_str(), &expected) == 0);

    const FileStatus status = co_await fs::stat(path);
    CHECK(status.is_file());
    CHECK_FALSE(status.is_directory());
    CHECK_FALSE(status.is_symlink());
    CHECK(status.mode == (expected.st_mode & 07777U));
    CHECK(status.uid == expected.st_uid);
    CHECK(status.gid == expected.st_gid);
    CHECK(status.size == 4);
    CHECK(status.blocks == static_cast<std::uint64_t>(expected.st_blocks));
    CHECK(status.inode == expected.st_ino);
    CHECK(status.device == expected.st_dev);
    CHECK(status.links == 2);
    CHECK(status.block_size == static_cast<std::uint32_t>(expected.st_blksize));
    using namespace std::chrono;
    CHECK(status.accessed.time_since_epoch() == seconds(1'000'000'000) + nanoseconds(5));
    CHECK(status.modified.time_since_epoch() ==
          seconds(expected.st_mtim.tv_sec) + nanoseconds(expected.st_mtim.tv_nsec));
    CHECK(status.changed.time_since_epoch() ==
          seconds(expected.st_ctim.tv_sec) + nanoseconds(expected.st_ctim.tv_nsec));
}
