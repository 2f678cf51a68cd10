#include <ringio/files/file.hpp>

#include <ringio/files/open_file.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/descriptor_pair.hpp>
#include <support/ends.hpp>
#include <support/temp_folder.hpp>

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using ringio::testing::Ends;

namespace {

Task<File> file_of(const TempFolder& folder, std::string_view content,
                   OpenMode mode = OpenMode::read_write) {
    const std::string path = folder.file("file", content);
    return open_file(path, mode);
}

std::string three_lines() { return "one\ntwo\nthree"; }

}  // namespace

ASYNC_TEST_CASE("file: read gives what is asked for, less at the end, nothing behind it") {
    const TempFolder folder;
    File file = co_await file_of(folder, "0123456789");
    CHECK_AWAIT(file.read(4), "0123");
    CHECK_AWAIT(file.read(0), "");
    CHECK_AWAIT(file.tell(), 4U);
    CHECK_AWAIT(file.read(100), "456789");
    CHECK_AWAIT(file.read(100), "");
    CHECK_AWAIT(file.read(), "");
}

ASYNC_TEST_CASE("file: read without a number gives the rest") {
    const TempFolder folder;
    File file = co_await file_of(folder, "0123456789");
    CHECK_AWAIT(file.read(3), "012");
    CHECK_AWAIT(file.read(), "3456789");
    const std::string much(300'000, 'm');
    File larger = co_await file_of(folder, much);
    CHECK_AWAIT(larger.read(), much);
}

ASYNC_TEST_CASE("file: a size that is no size is not believed") {
    File file = co_await open_file("/proc/self/status");
    const FileStatus status = co_await file.stat();
    CHECK(status.size == 0);
    const std::string text = co_await file.read();
    CHECK_THAT(text, Catch::Matchers::StartsWith("Name:"));
    co_await file.seek(0);
    CHECK_AWAIT_HAS(file.readline(), "Name:");
}

ASYNC_TEST_CASE("file: readinto fills, as far as there is something") {
    const TempFolder folder;
    File file = co_await file_of(folder, "0123456789");
    std::array<char, 6> bytes{};
    CHECK_AWAIT(file.readinto(bytes), 6U);
    CHECK(std::string(bytes.data(), 6) == "012345");
    CHECK_AWAIT(file.readinto(std::span<char>()), 0U);
    CHECK_AWAIT(file.readinto(bytes), 4U);
    CHECK(std::string(bytes.data(), 4) == "6789");
    CHECK_AWAIT(file.readinto(bytes), 0U);
}

ASYNC_TEST_CASE("file: lines, with their ends, the last one as it is") {
    const TempFolder folder;
    File file = co_await file_of(folder, three_lines());
    CHECK_AWAIT(file.readline(), "one\n");
    CHECK_AWAIT(file.tell(), 4U);
    CHECK_AWAIT(file.read(2), "tw");
    CHECK_AWAIT(file.readline(), "o\n");
    CHECK_AWAIT(file.readline(), "three");
    CHECK_AWAIT(file.readline(), "");
    co_await file.seek(4);
    CHECK_AWAIT(file.readlines(), std::vector<std::string>{"two\n", "three"});
    CHECK_AWAIT(file.readlines(), std::vector<std::string>());
}

ASYNC_TEST_CASE("file: lines one by one") {
    const TempFolder folder;
    File file = co_await file_of(folder, three_lines() + "\n\nend\n");
    std::vector<std::string> all;
    auto lines = file.lines();
    while (auto line = co_await lines.next()) {
        all.push_back(*line);
    }
    CHECK(all == std::vector<std::string>{"one\n", "two\n", "three\n", "\n", "end\n"});
}

ASYNC_TEST_CASE("file: a line may be longer than what is read ahead") {
    const TempFolder folder;
    const std::string line = std::string(300'000, 'l') + '\n';
    File file = co_await file_of(folder, line + "next");
    CHECK_AWAIT(file.readline(), line);
    std::array<char, 2> bytes{};
    CHECK_AWAIT(file.readinto(bytes), 2U);
    CHECK(std::string(bytes.data(), 2) == "ne");
    CHECK_AWAIT(file.read(), "xt");
}

ASYNC_TEST_CASE("file: write goes where the position is, and moves it") {
    const TempFolder folder;
    File file = co_await file_of(folder, "0123456789");
    CHECK_AWAIT(file.write("ab"), 2U);
    const std::vector<unsigned char> bytes{'c', 'd'};
    CHECK_AWAIT(file.write(bytes), 2U);
    CHECK_AWAIT(file.write(""), 0U);
    CHECK_AWAIT(file.tell(), 4U);
    CHECK_AWAIT(file.read(2), "45");
    co_await file.write("x");
    CHECK(folder.content("file") == "abcd45x789");
}

ASYNC_TEST_CASE(
    "file: after a line was read, a write goes behind it and not behind what was read ahead") {
    const TempFolder folder;
    File file = co_await file_of(folder, three_lines());
    CHECK_AWAIT(file.readline(), "one\n");
    co_await file.write("TWO");
    CHECK_AWAIT(file.read(), "\nthree");
    CHECK(folder.content("file") == "one\nTWO\nthree");
}

ASYNC_TEST_CASE("file: one that appends writes at the end, whoever made it longer") {
    const TempFolder folder;
    File file = co_await file_of(folder, "old", OpenMode::read | OpenMode::append);
    CHECK_AWAIT(file.tell(), 3U);
    CHECK_AWAIT(file.read(), "");
    co_await file.seek(0);
    CHECK_AWAIT(file.read(2), "ol");
    File other = co_await open_file(folder / "file", OpenMode::append);
    co_await other.write("er");
    co_await file.write("!");
    CHECK_AWAIT(file.tell(), 6U);
    CHECK(folder.content("file") == "older!");
}

ASYNC_TEST_CASE("file: seek from the start, from here, from the end") {
    const TempFolder folder;
    File file = co_await file_of(folder, "0123456789");
    CHECK_AWAIT(file.seek(3), 3U);
    CHECK_AWAIT(file.seek(2, SEEK_CUR), 5U);
    CHECK_AWAIT(file.seek(-1, SEEK_CUR), 4U);
    CHECK_AWAIT(file.read(1), "4");
    CHECK_AWAIT(file.seek(-2, SEEK_END), 8U);
    CHECK_AWAIT(file.read(), "89");
    CHECK_AWAIT(file.seek(1000), 1000U);
    CHECK_AWAIT(file.read(), "");
    co_await file.write("z");
    CHECK(folder.content("file").size() == 1001);
}

ASYNC_TEST_CASE("file: seek within what was read ahead, and out of it") {
    const TempFolder folder;
    File file = co_await file_of(folder, three_lines());
    CHECK_AWAIT(file.readline(), "one\n");
    co_await file.seek(5);
    CHECK_AWAIT(file.readline(), "wo\n");
    co_await file.seek(1);
    CHECK_AWAIT(file.readline(), "ne\n");
}

ASYNC_TEST_CASE("file: a position that cannot be is refused, and the old one stays") {
    const TempFolder folder;
    File file = co_await file_of(folder, "0123456789");
    co_await file.seek(5);
    CHECK_AWAIT(text_of<std::system_error>(file.seek(-1)),
                "seek '" + file.path() + "': Invalid argument");
    CHECK_AWAIT(errno_of(file.seek(-6, SEEK_CUR)), EINVAL);
    CHECK_AWAIT(errno_of(file.seek(std::numeric_limits<std::int64_t>::max(), SEEK_CUR)), EINVAL);
    CHECK_AWAIT(errno_of(file.seek(std::numeric_limits<std::int64_t>::min(), SEEK_END)), EINVAL);
    CHECK_AWAIT(text_of<std::invalid_argument>(file.seek(0, 9)),
                "invalid whence (9, should be 0, 1 or 2)");
    CHECK_AWAIT(file.tell(), 5U);
    CHECK_AWAIT(file.seek(std::numeric_limits<std::int64_t>::max()),
                static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
}

ASYNC_TEST_CASE("file: read_at and write_at have nothing to do with the position") {
    const TempFolder folder;
    File file = co_await file_of(folder, "0123456789");
    co_await file.seek(2);
    std::array<char, 3> bytes{};
    CHECK_AWAIT(file.read_at(bytes, 6), 3U);
    CHECK(std::string(bytes.data(), 3) == "678");
    CHECK_AWAIT(file.read_at(bytes, 9), 1U);
    CHECK_AWAIT(file.read_at(bytes, 10), 0U);
    CHECK_AWAIT(file.write_at("xyz", 0), 3U);
    CHECK_AWAIT(file.tell(), 2U);
    CHECK(folder.content("file") == "xyz3456789");
}

ASYNC_TEST_CASE("file: an offset beyond 2^63 - 1 is refused before anybody is asked") {
    const TempFolder folder;
    File file = co_await file_of(folder, "0123456789");
    std::array<char, 3> bytes{};
    const std::uint64_t beyond = std::uint64_t{1} << 63U;
    int refused = 0;
    for (const bool write : {false, true}) {
        try {
            if (write) {
                static_cast<void>(file.write_at("x", beyond));
            } else {
                static_cast<void>(file.read_at(bytes, beyond));
            }
        } catch (const std::system_error& error) {
            CHECK(error.code().value() == EINVAL);
            CHECK_THAT(error.what(), Catch::Matchers::Contains(file.path()));
            ++refused;
        }
    }
    CHECK(refused == 2);
    CHECK_AWAIT(errno_of(file.read_at(bytes, beyond - 1)), EINVAL);  // says the kernel
}

ASYNC_TEST_CASE("file: many reads at once, each at its offset") {
    const TempFolder folder;
    File file = co_await file_of(folder, "0123456789");
    std::array<char, 10> bytes{};
    const auto read_one = [&file, &bytes](std::size_t at) -> Task<> {
        co_await file.read_at({&bytes[at], 1}, at);
    };
    std::vector<TaskHandle<>> reads;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        reads.push_back(create_task(read_one(at)));
    }
    co_await gather(reads);
    CHECK(std::string(bytes.data(), bytes.size()) == "0123456789");
}

ASYNC_TEST_CASE("file: holes of five gibibytes") {
    const TempFolder folder;
    File file = co_await file_of(folder, "");
    constexpr std::int64_t far = std::int64_t{5} << 30U;
    const int code = co_await errno_of(file.truncate(far));
    if (code == EFBIG) {
        co_return;  // not on this file system
    }
    CHECK(code == 0);
    CHECK_AWAIT(file.write_at("end", far - 3), 3U);
    std::array<char, 16> bytes{};
    CHECK_AWAIT(file.read_at(bytes, far - 4), 4U);
    CHECK(std::string(bytes.data(), 4) == std::string("\0end", 4));
    CHECK_AWAIT(file.seek(-3, SEEK_END), static_cast<std::uint64_t>(far - 3));
    CHECK_AWAIT(file.read(), "end");
}

ASYNC_TEST_CASE("file: truncate cuts off, or makes longer; by default at the position") {
    const TempFolder folder;
    File file = co_await file_of(folder, "0123456789");
    co_await file.truncate(8);
    CHECK(folder.content("file") == "01234567");
    co_await file.seek(2);
    co_await file.truncate();
    CHECK(folder.content("file") == "01");
    CHECK_AWAIT(file.tell(), 2U);
    co_await file.truncate(4);
    CHECK(folder.content("file") == std::string("01\0\0", 4));
    CHECK_AWAIT(errno_of(file.truncate(~std::uint64_t{0})), EINVAL);
    File reader = co_await open_file(folder / "file");
    CHECK_AWAIT(text_of<std::system_error>(reader.truncate(0)),
                "truncate '" + reader.path() + "': Invalid argument");
}

ASYNC_TEST_CASE("file: one that becomes shorter under its reader ends there") {
    const TempFolder folder;
    File file = co_await file_of(folder, "0123456789");
    CHECK_AWAIT(file.read(4), "0123");
    REQUIRE(::truncate((folder / "file").c_str(), 5) == 0);
    CHECK_AWAIT(file.read(4), "4");
    REQUIRE(::truncate((folder / "file").c_str(), 2) == 0);
    CHECK_AWAIT(file.read(4), "");
    folder.file("file", "0123456789");
    CHECK_AWAIT(file.read(4), "5678");
}

ASYNC_TEST_CASE("file: one whose name is gone is read and written on") {
    const TempFolder folder;
    File file = co_await file_of(folder, "0123456789");
    REQUIRE(::unlink((folder / "file").c_str()) == 0);
    CHECK_AWAIT(file.read(4), "0123");
    co_await file.write("x");
    co_await file.seek(0);
    CHECK_AWAIT(file.read(), "0123x56789");
}

ASYNC_TEST_CASE("file: allocate, fsync and stat") {
    const TempFolder folder;
    File file = co_await file_of(folder, "text");
    co_await file.allocate(0, 10'000);
    FileStatus status = co_await file.stat();
    CHECK(status.is_file());
    CHECK(status.size == 10'000);
    co_await file.fsync();
    co_await file.fsync({.data_only = true});
    CHECK_AWAIT(errno_of(file.allocate(0, 0)), EINVAL);
    CHECK_AWAIT(errno_of(file.allocate(~std::uint64_t{0}, 1)), EINVAL);
}

ASYNC_TEST_CASE("file: a disk that is full") {
    File file = co_await open_file("/dev/full", OpenMode::read_write);
    CHECK_AWAIT(text_of<std::system_error>(file.write("text")),
                "write '/dev/full': No space left on device");
    CHECK_AWAIT(errno_of(file.write_at("text", 0)), ENOSPC);
}

ASYNC_TEST_CASE("file: an error of read_at names the path") {
    const TempFolder folder;
    File file = co_await file_of(folder, "text", OpenMode::write);
    std::array<char, 4> bytes{};
    CHECK_AWAIT(text_of<std::system_error>(file.read_at(bytes, 0)),
                "read '" + file.path() + "': Bad file descriptor");
}

ASYNC_TEST_CASE("file: O_DIRECT refuses what is not aligned, and the error says what that is") {
    const TempFolder folder;
    const std::string path = folder.file("file", std::string(8192, 'x'));
    try {
        File file = co_await open_file(path, {.flags = O_RDONLY | O_DIRECT});
        std::array<char, 16> bytes{};
        static_cast<void>(co_await file.read_at({bytes.data() + 1, 3}, 1));
    } catch (const std::system_error& error) {  // not every file system can, or minds
        CHECK(error.code().value() == EINVAL);
        const std::string text = error.what();
        const bool opened = text.find("open '") == std::string::npos;
        CHECK((!opened || text.find("(O_DIRECT: ") != std::string::npos));
    }
}

ASYNC_TEST_CASE("file: a pipe has no position, and is read as it comes") {
    Ends ends = Ends::pipe();
    File reader(std::move(ends.near), "<pipe>");
    File writer(std::move(ends.far));
    CHECK_AWAIT(text_of<std::system_error>(reader.seek(0)), "seek '<pipe>': Illegal seek");
    CHECK_AWAIT(errno_of(reader.tell()), ESPIPE);
    CHECK_AWAIT(errno_of(reader.truncate(0)), EINVAL);
    co_await writer.write("one\ntwo\nthree");
    CHECK_AWAIT(reader.readline(), "one\n");
    CHECK_AWAIT(reader.read(2), "tw");
    std::array<char, 64> bytes{};
    CHECK_AWAIT(reader.readinto(bytes), 7U);
    auto waiting = create_task(reader.readline());
    co_await turns(3);
    CHECK_FALSE(waiting.done());
    co_await writer.write("last");
    writer.close();
    CHECK_AWAIT(waiting, "last");
    CHECK_AWAIT(reader.read(), "");
}

ASYNC_TEST_CASE("file: of a pipe, what came before a cancellation is there for the next") {
    Ends ends = Ends::pipe();
    File reader(std::move(ends.near));
    ends.write("begin");
    auto all = create_task(reader.read());
    co_await turns(5);
    all.cancel();
    CHECK_AWAIT(is_cancelled(all), true);
    auto line = create_task(reader.readline());
    co_await turns(5);
    line.cancel();
    CHECK_AWAIT(is_cancelled(line), true);
    ends.write(" end");
    ends.far.reset();
    CHECK_AWAIT(reader.read(), "begin end");
}

ASYNC_TEST_CASE("file: what is given is read where it is") {
    const TempFolder folder;
    const std::string path = folder.file("file", "0123456789");
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(::lseek(fd.get(), 6, SEEK_SET) == 6);
    File file(std::move(fd));
    CHECK(file.path() == "<unnamed>");
    CHECK_AWAIT(file.read(), "6789");
    CHECK(File(UniqueFd()).closed());
}
