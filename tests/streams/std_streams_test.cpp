// The standard streams: stdin_reader(), stdout_writer(), stderr_writer().
#include <ringio/streams/std_streams.hpp>

#include <ringio/ring/features.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/descriptor_pair.hpp>
#include <support/ends.hpp>

#include <cerrno>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

using namespace ringio;
using namespace ringio::test_support;
using ringio::testing::Ends;
using ringio::testing::read_now;

namespace {

/// While it lives, a standard descriptor is another file, or none.
class InPlaceOf {
public:
    InPlaceOf(int number, UniqueFd fd)
        : number_(number), saved_(::fcntl(number, F_DUPFD_CLOEXEC, 10)) {
        std::fflush(nullptr);
        if (fd) {
            REQUIRE(::dup2(fd.get(), number) == number);
        } else {
            ::close(number);
        }
    }
    InPlaceOf(const InPlaceOf&) = delete;
    InPlaceOf& operator=(const InPlaceOf&) = delete;
    ~InPlaceOf() { ::dup2(saved_.get(), number_); }

private:
    int number_;
    UniqueFd saved_;
};

UniqueFd file_with(const std::string& text) {
    char name[] = "/tmp/ringio-std-XXXXXX";
    UniqueFd fd(::mkostemp(name, O_CLOEXEC));
    REQUIRE(fd);
    ::unlink(name);
    REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    ::lseek(fd.get(), 0, SEEK_SET);
    return fd;
}

std::string content_of(int fd) {
    std::string text(100'000, '\0');
    const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(size));
    return text;
}

Task<std::string> read_line_of_stdin() { co_return co_await stdin_reader().readline(); }

}  // namespace

ASYNC_TEST_CASE("stdin_reader: every call reads on in the same stream") {
    Ends pipe = Ends::pipe();
    pipe.write("one\ntwo\nthree\n");
    const InPlaceOf input(STDIN_FILENO, std::move(pipe.near));
    CHECK_AWAIT(stdin_reader().readline(), "one\n");
    CHECK_AWAIT(read_line_of_stdin(), "two\n");
    StreamReader reader = stdin_reader();
    pipe.far.reset();
    CHECK_AWAIT(reader.read(), "three\n");
    CHECK(stdin_reader().at_eof());
}

ASYNC_TEST_CASE("stdin_reader: a file is read to its end, and stays open") {
    const std::string text = std::string(70'000, 'a') + "\nlast";
    const UniqueFd file = file_with(text);
    const InPlaceOf input(STDIN_FILENO, UniqueFd(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0)));
    CHECK_AWAIT(stdin_reader().read(), text);
    CHECK(::fcntl(STDIN_FILENO, F_GETFD) >= 0);
}

ASYNC_TEST_CASE("stdin_reader: O_NONBLOCK stays as it is") {
    Ends pipe = Ends::pipe();
    const InPlaceOf input(STDIN_FILENO, std::move(pipe.near));
    auto waiting = create_task(read_line_of_stdin());
    co_await turns(3);
    CHECK((::fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK) == 0);
    pipe.write("x\n");
    CHECK_AWAIT(waiting, "x\n");
}

ASYNC_TEST_CASE("stdin_reader: a standard input that is closed is named") {
    const InPlaceOf input(STDIN_FILENO, UniqueFd());
    CHECK_AWAIT(text_of<std::system_error>(read_line_of_stdin()),
                "the standard input: Bad file descriptor");
}

ASYNC_TEST_CASE("stdout_writer: writes of all who call are in order, in a pipe and in a file") {
    Ends pipe = Ends::pipe();
    const UniqueFd file = file_with("");
    {
        const InPlaceOf output(STDOUT_FILENO,
                               UniqueFd(::fcntl(pipe.far.get(), F_DUPFD_CLOEXEC, 0)));
        const InPlaceOf errors(STDERR_FILENO, UniqueFd(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0)));
        for (int line = 0; line < 3; ++line) {
            stdout_writer().write(std::to_string(line) + "\n");
            stderr_writer().write(std::to_string(line) + "!\n");
        }
        co_await stdout_writer().drain();
        StreamWriter writer = stderr_writer();
        writer.set_write_buffer_limits(0);
        writer.write("end");
        co_await writer.drain();
        CHECK_FALSE(writer.is_closing());
    }
    CHECK(read_now(pipe.near.get()) == "0\n1\n2\n");
    CHECK(content_of(file.get()) == "0!\n1!\n2!\nend");
}

ASYNC_TEST_CASE("stdout_writer: nobody reads any more: EPIPE, and the next call tries anew") {
    Ends pipe = Ends::pipe();
    const InPlaceOf output(STDOUT_FILENO, std::move(pipe.far));
    pipe.near.reset();
    for (int round = 0; round < 2; ++round) {
        StreamWriter writer = stdout_writer();
        writer.write("x");
        if (!Features::pipes_never_wait()) {  // a request finds out
            CHECK_AWAIT(errno_of(writer.wait_closed()), EPIPE);
        }
        CHECK_AWAIT(text_of<std::system_error>(writer.drain()),
                    "write to the standard output: Broken pipe");
    }
}

TEST_CASE("stdout_writer: what was not drained when the loop closes goes out") {
    Ends pipe = Ends::pipe();
    {
        const InPlaceOf output(STDOUT_FILENO,
                               UniqueFd(::fcntl(pipe.far.get(), F_DUPFD_CLOEXEC, 0)));
        run([]() -> Task<> {
            stdout_writer().write("last words");
            co_return;
        }());
    }
    CHECK(read_now(pipe.near.get()) == "last words");
}

TEST_CASE("stdout_writer: of a file, too, and of a pipe that is full") {
    const UniqueFd file = file_with("");
    {
        const InPlaceOf output(STDOUT_FILENO, UniqueFd(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0)));
        run([]() -> Task<> {
            StreamWriter writer = stdout_writer();
            for (int line = 0; line < 3; ++line) {
                writer.write(std::to_string(line) + "\n");
                co_await writer.drain();
            }
        }());
    }
    CHECK(content_of(file.get()) == "0\n1\n2\n");

    Ends pipe = Ends::pipe();
    std::string all;
    std::thread reader([&all, fd = pipe.near.get()] {
        char part[4096];
        for (ssize_t size = 0; (size = ::read(fd, part, sizeof part)) > 0;) {
            all.append(part, static_cast<std::size_t>(size));
        }
    });
    {
        const InPlaceOf output(STDOUT_FILENO, std::move(pipe.far));
        run([]() -> Task<> {
            stdout_writer().write(std::string(1'000'000, 'x'));
            co_return;
        }());
    }
    reader.join();
    CHECK(all.size() == 1'000'000);
}

TEST_CASE("std streams: need a loop that runs") {
    CHECK_THROWS_AS(stdin_reader(), std::runtime_error);
    CHECK_THROWS_AS(stdout_writer(), std::runtime_error);
}
