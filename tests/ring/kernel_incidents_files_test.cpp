// What went wrong elsewhere, fourth part: requests for files, which threads answer.
#include "kernel_contract.hpp"
#include "kernel_rescue.hpp"
#include "kernel_sockets.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <support/catch.hpp>

using namespace ringio;
using namespace ringio::testing;

namespace {

using Id = Driver::Id;

UniqueFd unnamed_file() {
    char name[] = "/tmp/ringio_incident_XXXXXX";
    UniqueFd file(::mkostemp(name, O_CLOEXEC));
    REQUIRE(file);
    ::unlink(name);
    return file;
}

// A file whose opening, by whomever, waits until the lease is given back. Kernel: the holder is
// told by SIGIO.
class LeasedFile {
public:
    LeasedFile() : before_(std::signal(SIGIO, SIG_IGN)), file_(::mkostemp(path_, O_CLOEXEC)) {
        REQUIRE(file_);
        leased_ = ::fcntl(file_.get(), F_SETLEASE, F_WRLCK) == 0;
    }
    LeasedFile(const LeasedFile&) = delete;
    LeasedFile& operator=(const LeasedFile&) = delete;
    ~LeasedFile() {
        give_back();
        ::unlink(path_);
        std::signal(SIGIO, before_);
    }

    bool is_leased() const { return leased_; }
    const char* path() const { return path_; }
    // Kernel: from then on it tells what the lease is to become.
    void until_somebody_waits(Driver& driver) const {
        const auto latest = driver.kernel().now() + patience();
        while (leased_ && ::fcntl(file_.get(), F_GETLEASE) == F_WRLCK) {
            driver.enter();
            REQUIRE(driver.kernel().now() < latest);
        }
    }
    void give_back() { ::fcntl(file_.get(), F_SETLEASE, F_UNLCK); }

private:
    char path_[32] = "/tmp/ringio_lease_XXXXXX";
    void (*before_)(int);
    UniqueFd file_;
    bool leased_ = false;
};

}  // namespace

TEST_CASE("kernel incident 17, compio#229: what was cancelled acts on no stranger later",
          "[uring]") {
    for_each_kernel("", [](const KernelUnderTest& kernel) {
        LeasedFile leased;
        const Rescue rescue([&] { leased.give_back(); });
        Driver driver(kernel, 32);
        std::vector<Id> opens;
        for (int at = 0; at < 8; ++at) {  // as many as there are threads, and more
            opens.push_back(driver.submit(OpenAtRequest{.path = leased.path(), .flags = O_RDONLY}));
        }
        driver.turn();
        const UniqueFd file = unnamed_file();
        const int number = file.get();
        const std::vector<char> bytes(512 * 1024, 'w');  // too many to be written at once
        std::vector<Id> writes;
        for (int at = 0; at < 4; ++at) {
            writes.push_back(driver.submit(WriteRequest{number, bytes.data(), bytes.size(), 0}));
        }
        driver.turn();
        for (const Id id : writes) {
            driver.cancel(id);
        }
        for (const Id id : writes) {
            driver.until_over(id);
            CHECK(
                is_one_of({-ECANCELED, -EINTR, static_cast<int>(bytes.size())}, driver.result(id)));
        }
        // Closed and used again in one step: an open that waits has a number already, maybe this.
        const UniqueFd stranger = unnamed_file();
        REQUIRE(::dup3(stranger.get(), number, O_CLOEXEC) == number);
        leased.give_back();
        for (const Id id : opens) {
            const UniqueFd opened(driver.result_of(id));
            CHECK(opened);
        }
        driver.turn(5);
        CHECK(::lseek(stranger.get(), 0, SEEK_END) == 0);
    });
}

TEST_CASE("kernel incident 38, libmtev#682, sipp#51: a file or /dev/null as a standard stream",
          "[uring]") {
    for_each_kernel("", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        std::array<char, 8> bytes{};
        const UniqueFd file = unnamed_file();
        const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        for (const int fd : {file.get(), null.get()}) {
            CHECK(driver.perform(ReadRequest{fd, bytes.data(), 8}) == 0);
            CHECK(driver.perform(WriteRequest{fd, "abc", 3}) == 3);
            CHECK(driver.perform(PollRequest{fd, POLLIN}) == POLLIN);
        }
    });
}

TEST_CASE("kernel incident 39, compio#232: an open that waits keeps nobody else waiting",
          "[uring]") {
    for_each_kernel("", [](const KernelUnderTest& kernel) {
        LeasedFile file;
        if (!file.is_leased()) {
            WARN("not tested: leases are not permitted here");
            return;
        }
        const Rescue rescue([&] { file.give_back(); });
        Driver driver(kernel);
        const Ends ends = Ends::sockets(Family::local);
        char byte = 0;
        const Id recv = driver.submit(RecvRequest{ends.near.get(), &byte, 1});
        const Id open = driver.submit(OpenAtRequest{.path = file.path(), .flags = O_RDONLY});
        file.until_somebody_waits(driver);
        CHECK(driver.perform(NopRequest{}) == 0);
        ends.write("x");
        CHECK(driver.result_of(recv) == 1);
        driver.turn();
        CHECK(driver.result(open) == not_over);
        file.give_back();
        const UniqueFd opened(driver.result_of(open));
        CHECK(opened);
    });
}

TEST_CASE("kernel incident 39, compio#232: a file's request keeps nobody else waiting", "[uring]") {
    for_each_kernel("", [](const KernelUnderTest& kernel) {
        Driver driver(kernel, 64);
        const UniqueFd file = unnamed_file();
        std::vector<Id> ids;
        for (int at = 0; at < 30; ++at) {
            ids.push_back(driver.submit(FsyncRequest{file.get()}));
        }
        const Id nop = driver.submit(NopRequest{});
        driver.enter();
        REQUIRE_FALSE(driver.ended().empty());
        CHECK(driver.ended().front() == nop);
        for (const Id id : ids) {
            CHECK(driver.result_of(id) == 0);
        }
    });
}

TEST_CASE("kernel incident 43, libuv#5227: a cancel's answer and the result agree, files too",
          "[uring]") {
    for_each_kernel("", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        const UniqueFd file = unnamed_file();
        for (int round = 0; round < 50; ++round) {
            std::vector<Id> ids;
            std::vector<Id> cancels;
            for (int each = 0; each < 10; ++each) {
                ids.push_back(driver.submit(FsyncRequest{file.get(), true}));
            }
            for (const Id id : ids) {
                cancels.push_back(driver.ask_cancel(id));
            }
            for (std::size_t at = 0; at < ids.size(); ++at) {
                const int answer = driver.result_of(cancels[at]);
                const int result = driver.result_of(ids[at]);
                INFO("answer " << answer << ", result " << result);
                const Outcomes expected = answer == 0         ? cancel_results
                                          : answer == -ENOENT ? Outcomes{0}
                                                              : Outcomes{0, -EINTR, -ECANCELED};
                CHECK(is_one_of({0, -ENOENT, -EALREADY}, answer));
                CHECK(is_one_of(expected, result));
            }
        }
    });
}

TEST_CASE("kernel incident 43, libuv#5227: who cannot stop a file's request does not say so",
          "[uring]") {
    for_each_kernel("it runs", [](const KernelUnderTest& kernel) {
        LeasedFile leased;
        Driver driver(kernel);
        const Id open = driver.submit(OpenAtRequest{.path = leased.path(), .flags = O_RDONLY});
        leased.until_somebody_waits(driver);
        const int answer = driver.result_of(driver.ask_cancel(open));
        CHECK(is_one_of({0, -ENOENT, -EALREADY}, answer));
        leased.give_back();
        const UniqueFd opened(driver.result_of(open));
        INFO("answer " << answer << ", result " << driver.result(open));
        CHECK((answer != 0 || is_one_of(cancel_results, driver.result(open))));
    });
    for_each_kernel("it is over", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        const UniqueFd file = unnamed_file();
        const Id id = driver.submit(FsyncRequest{file.get()});
        CHECK(driver.result_of(id) == 0);
        CHECK(is_one_of(cancel_found_none, driver.result_of(driver.ask_cancel(id))));
    });
}
