#include <ringio/files/scandir.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>
#include <support/temp_folder.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;

ASYNC_TEST_CASE("scandir: names and types, in the order of the names") {
    const TempFolder folder;
    folder.file("c file");
    folder.file(".hidden");
    REQUIRE(::mkdir((folder / "b directory").c_str(), 0700) == 0);
    REQUIRE(::symlink("nowhere", (folder / "a link").c_str()) == 0);
    REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
    std::string listing;
    const std::vector<fs::DirectoryEntry> entries = co_await fs::scandir(folder.path());
    for (const fs::DirectoryEntry& entry : entries) {
        listing += entry.name + ": " + std::to_string(static_cast<int>(entry.type)) + "; ";
    }
    CHECK(listing == ".hidden: 1; a link: 3; b directory: 2; c file: 1; fifo: 4; ");
    CHECK(entries[0].is_file());
    CHECK(entries[1].is_symlink());
    CHECK(entries[2].is_directory());
}

ASYNC_TEST_CASE("scandir: an empty directory, and one with many names") {
    const TempFolder folder;
    const std::vector<fs::DirectoryEntry> none = co_await fs::scandir(folder.path());
    CHECK(none.empty());
    for (int i = 0; i < 3000; ++i) {
        folder.file("a name that takes some room, number " + std::to_string(i));
    }
    const std::vector<fs::DirectoryEntry> many = co_await fs::scandir(folder.path());
    CHECK(many.size() == 3000);
    const std::vector<fs::DirectoryEntry> here = co_await fs::scandir();
    CHECK_FALSE(here.empty());
}

ASYNC_TEST_CASE("scandir: names with a common beginning, short ones, bytes beyond ASCII") {
    const TempFolder folder;
    const std::vector<std::string> names = {"a",
                                            "a name",
                                            "a name that is long",
                                            "a name that is lone",
                                            "a name x",
                                            "a name xy",
                                            "a name \x01z",
                                            "a name \xc3\xa4",
                                            "\xc3\xa4",
                                            "A name that is long"};
    for (const std::string& name : names) {
        folder.file(name);
    }
    std::vector<std::string> expected = names;
    std::ranges::sort(expected);
    std::vector<std::string> found;
    const std::vector<fs::DirectoryEntry> entries = co_await fs::scandir(folder.path());
    for (const fs::DirectoryEntry& entry : entries) {
        found.push_back(entry.name);
    }
    CHECK(found == expected);
}

ASYNC_TEST_CASE("scandir: an error names the path") {
    const TempFolder folder;
    const std::string file = folder.file("file");
    CHECK_AWAIT(text_of<std::system_error>(fs::scandir(file)),
                "scandir '" + file + "': Not a directory");
    CHECK_AWAIT(errno_of(fs::scandir(folder / "none")), ENOENT);
    CHECK_AWAIT(text_of<std::invalid_argument>(fs::scandir(std::string("a\0b", 3))),
                "embedded null byte in path");
}

ASYNC_TEST_CASE("scandir: cancelled, its answer is dropped") {
    const TempFolder folder;
    folder.file("file");
    for (const int before : {0, 1}) {
        auto listing = create_task(fs::scandir(folder.path()));
        co_await turns(before);
        listing.cancel();
        static_cast<void>(co_await errno_of(listing));
    }
}
