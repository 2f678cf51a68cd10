#include <ringio/streams/sendfile.hpp>

#include "link.hpp"

#include <support/descriptor_pair.hpp>
#include <support/temporary_directory.hpp>

#include <cerrno>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace ringio;
using namespace ringio::test_support;
using ringio::testing::Ends;
using ringio::testing::TemporaryDirectory;

namespace {

struct ContentFile {
    explicit ContentFile(const std::string& content) {
        std::ofstream(directory / "file", std::ios::binary) << content;
        fd.reset(::open((directory / "file").c_str(), O_RDONLY | O_CLOEXEC));
        REQUIRE(fd);
    }

    off_t position() const { return ::lseek(fd.get(), 0, SEEK_CUR); }

    TemporaryDirectory directory;
    UniqueFd fd;
};

/// As a File: has a descriptor.
struct WithFileno {
    int number;
    int fileno() const { return number; }
};

std::string content_of_size(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        text[i] = static_cast<char>(i * 7 + (i >> 9));
    }
    return text;
}

Task<std::string> all_of(const RawSocket& peer) {
    std::string all;
    while (!peer.ended()) {
        const std::string part = peer.receive_now(1 << 20);
        all += part;
        co_await sleep(part.empty() ? Delay(std::chrono::milliseconds(1)) : Delay());
    }
    co_return all;
}

}  // namespace

ASYNC_TEST_CASE("sendfile: between what was written before and what is written afterwards") {
    Link link = co_await make_narrow_link();
    const std::string content = content_of_size(1'000'000);
    const ContentFile file(content);
    auto receiving = create_task(all_of(link.peer));
    link.writer.write("before ");
    CHECK_AWAIT(sendfile(link.writer, file.fd.get()), content.size());
    link.writer.write(" after");
    link.writer.close();
    const std::string all = co_await receiving;
    CHECK((all == "before " + content + " after"));
    CHECK(file.position() == 1'000'000);
}

ASYNC_TEST_CASE("sendfile: a part of it; none of it; what is behind its end; what has a fileno") {
    Link link = co_await make_link();
    const ContentFile file("0123456789");
    CHECK_AWAIT(sendfile(link.writer, file.fd.get(), {.offset = 2, .count = 3}), 3U);
    CHECK(file.position() == 5);
    CHECK_AWAIT(sendfile(link.writer, file.fd.get(), {.count = 0}), 0U);
    CHECK_AWAIT(sendfile(link.writer, file.fd.get(), {.offset = 8, .count = 100}), 2U);
    CHECK_AWAIT(sendfile(link.writer, file.fd.get(), {.offset = 100}), 0U);
    CHECK(file.position() == 10);
    CHECK_AWAIT(sendfile(link.writer, WithFileno{file.fd.get()}, {.offset = 9}), 1U);
    const ContentFile nothing("");
    CHECK_AWAIT(sendfile(link.writer, nothing.fd.get()), 0U);
    link.writer.close();
    CHECK_AWAIT(all_of(link.peer), "234899");
}

ASYNC_TEST_CASE("sendfile: nobody else may write meanwhile") {
    Link link = co_await make_narrow_link();
    const ContentFile file(content_of_size(much));
    auto sending = create_task(sendfile(link.writer, file.fd.get()));
    co_await turns(10);
    REQUIRE_FALSE(sending.done());
    CHECK_THROWS_WITH(link.writer.write("x"), "unable to write; sendfile is in progress");
    CHECK_THROWS_WITH(link.writer.write_eof(), "unable to write; sendfile is in progress");
    CHECK_AWAIT(text_of<std::runtime_error>(sendfile(link.writer, file.fd.get())),
                "unable to write; sendfile is in progress");
    sending.cancel();
    CHECK_AWAIT(is_cancelled(sending), true);
    CHECK(file.position() > 0);
    link.writer.write("x");
    link.writer.abort();
}

ASYNC_TEST_CASE("sendfile: a stream that closes is refused, one that is lost is an error") {
    Link link = co_await make_narrow_link();
    const ContentFile file(content_of_size(much));
    auto sending = create_task(sendfile(link.writer, file.fd.get()));
    co_await turns(10);
    link.peer.reset();
    const int error = co_await errno_of(sending);
    CHECK((error == ECONNRESET || error == EPIPE));
    CHECK(file.position() > 0);
    Link other = co_await make_link();
    other.writer.close();
    CHECK_THROWS_WITH(sendfile(other.writer, file.fd.get()), "Transport is closing");
}

ASYNC_TEST_CASE("sendfile: what is no regular file is read from where it is, where that may be") {
    Link link = co_await make_link();
    Ends pipe = Ends::pipe();
    pipe.write("through");
    CHECK_THROWS_AS(sendfile(link.writer, pipe.near.get(), {.fallback = false}),
                    SendfileNotAvailableError);
    pipe.far.reset();
    CHECK_AWAIT(sendfile(link.writer, pipe.near.get()), 7U);
    CHECK_THROWS_AS(sendfile(link.writer, -1), std::system_error);
    CHECK_THROWS_AS(sendfile(link.writer, pipe.near.get(), {.offset = ~std::uint64_t{0}}),
                    std::invalid_argument);
    link.writer.close();
    CHECK_AWAIT(all_of(link.peer), "through");
}
