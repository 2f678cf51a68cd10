#include <ringio/files/copy_file.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>
#include <support/temp_folder.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

using namespace ringio;
using namespace ringio::test_support;

ASYNC_TEST_CASE("copy_file: the bytes, and the permissions of a new file") {
    const TempFolder folder;
    const std::string much(700'000, 'm');
    const std::string from = folder.file("from", much);
    REQUIRE(::chmod(from.c_str(), 0640) == 0);
    const mode_t mask = ::umask(022);
    CHECK_AWAIT(fs::copy_file(from, folder / "to"), much.size());
    ::umask(mask);
    CHECK(folder.content("to") == much);
    CHECK(folder.mode("to") == 0640);
    CHECK_AWAIT(fs::copy_file(folder.file("empty"), folder / "to"), 0U);
    CHECK(folder.content("to") == "");
}

ASYNC_TEST_CASE("copy_file: over a longer one, or not") {
    const TempFolder folder;
    const std::string from = folder.file("from", "new");
    folder.file("to", "old and longer");
    CHECK_AWAIT(errno_of(fs::copy_file(from, folder / "to", {.overwrite = false})), EEXIST);
    CHECK(folder.content("to") == "old and longer");
    CHECK_AWAIT(fs::copy_file(from, folder / "to"), 3U);
    CHECK(folder.content("to") == "new");
}

ASYNC_TEST_CASE("copy_file: what says that it has no bytes, and has some") {
    const TempFolder folder;
    const std::uint64_t copied = co_await fs::copy_file("/proc/self/status", folder / "to");
    CHECK(copied > 0);
    CHECK(folder.content("to").starts_with("Name:"));
}

ASYNC_TEST_CASE("copy_file: onto itself is refused, by another name too, and destroys nothing") {
    const TempFolder folder;
    const std::string from = folder.file("from", "text");
    REQUIRE(::link(from.c_str(), (folder / "too").c_str()) == 0);
    CHECK_AWAIT(text_of<std::system_error>(fs::copy_file(from, folder / "too")),
                "copy_file '" + from + "' -> '" + (folder / "too") +
                    "' (they are the same file): Invalid argument");
    CHECK_AWAIT(errno_of(fs::copy_file(from, from)), EINVAL);
    CHECK(folder.content("from") == "text");
}

ASYNC_TEST_CASE("copy_file: only regular files, and nobody waits for a FIFO") {
    const TempFolder folder;
    const std::string file = folder.file("file", "text");
    const std::string fifo = folder / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    CHECK_AWAIT_HAS(text_of<std::system_error>(fs::copy_file(fifo, folder / "to")),
                    "(it is no regular file)");
    CHECK_AWAIT(errno_of(fs::copy_file("/dev/zero", folder / "to")), EINVAL);
    CHECK_AWAIT(errno_of(fs::copy_file(folder.path(), folder / "to")), EISDIR);
    CHECK_AWAIT(errno_of(fs::copy_file(file, folder.path())), EISDIR);
    CHECK_AWAIT(errno_of(fs::copy_file(file, fifo)), ENXIO);
    CHECK_AWAIT(errno_of(fs::copy_file(file, "/dev/null")), EINVAL);
    CHECK_AWAIT(text_of<std::system_error>(fs::copy_file(folder / "none", folder / "to")),
                "copy_file '" + (folder / "none") + "' -> '" + (folder / "to") +
                    "': No such file or directory");
    for (const bool first : {false, true}) {
        const std::string zero("a\0b", 3);
        CHECK_AWAIT(
            text_of<std::invalid_argument>(fs::copy_file(first ? zero : file, first ? file : zero)),
            "embedded null byte in path");
    }
    CHECK(folder.names() == "fifo file");
}

TEST_CASE("copy_file: cancelled, the partial copy goes, or stays if asked to") {
    const TempFolder folder;
    const std::string from = folder.file("from");
    REQUIRE(::truncate(from.c_str(), std::int64_t{1} << 30U) == 0);
    for (const bool keep : {false, true}) {
        const auto cancelled_copy = [&]() -> Task<bool> {
            auto copying = create_task(fs::copy_file(from, folder / "to", {.keep_partial = keep}));
            while (!folder.has("to") && !copying.done()) {
                co_await sleep(Delay());
            }
            copying.cancel();
            co_return co_await is_cancelled(copying);
        };
        const bool cancelled = run(cancelled_copy());
        // run() has waited for the thread.
        if (!cancelled || keep) {
            CHECK(folder.has("to"));
        } else if (folder.has("to")) {  // or the thread was at its end by then
            CHECK(folder.content("to").size() == std::size_t{1} << 30U);
        }
        ::unlink((folder / "to").c_str());
    }
}
