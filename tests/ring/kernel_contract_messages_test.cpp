// Messages: bytes in several parts, and what comes beside them.
#include "kernel_contract.hpp"
#include "kernel_sockets.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <support/catch.hpp>

using namespace ringio;
using namespace ringio::testing;

TEST_CASE("kernel contract: sendmsg and recvmsg", "[uring]") {
    std::array<char, 16> bytes{};
    std::array<iovec, 2> parts{iovec{bytes.data(), 2}, iovec{bytes.data() + 2, 3}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    for_each_pair("several parts", [&](Driver& driver, Ends& ends) {
        std::copy_n("hello", 5, bytes.data());
        CHECK(driver.perform(SendMsgRequest{ends.near.get(), &message}) == 5);
        bytes.fill('-');
        CHECK(driver.perform(RecvMsgRequest{ends.far.get(), &message}) == 5);
        CHECK(std::string(bytes.data(), 6) == "hello-");
    });
    for_each_pair("all of two parts that come one by one", [&](Driver& driver, Ends& ends) {
        const Driver::Id id = driver.submit(RecvMsgRequest{ends.near.get(), &message, MSG_WAITALL});
        ends.write("abc");
        driver.turn();
        CHECK(driver.result(id) == not_over);
        ends.write("de");
        CHECK(driver.result_of(id) == 5);
        CHECK(std::string(bytes.data(), 5) == "abcde");
    });
    for_each_pair("all of many parts, bit by bit", [&](Driver& driver, Ends& ends) {
        const std::vector<char> part(50'001, 'm');
        std::vector<iovec> many(50, {const_cast<char*>(part.data()), part.size()});
        many[7].iov_len = 0;
        msghdr large{};
        large.msg_iov = many.data();
        large.msg_iovlen = many.size();
        const std::size_t size = 49 * part.size();
        const Driver::Id id = driver.submit(SendMsgRequest{ends.near.get(), &large, MSG_WAITALL});
        std::size_t received = 0;
        while (received < size) {
            driver.enter();
            received += read_now(ends.far.get()).size();
        }
        CHECK(driver.result_of(id) == static_cast<int>(size));
        CHECK(received == size);
        CHECK(many[0].iov_len == part.size());
    });
    for_each_pair("all of two parts, of which one comes, and a cancel", [&](Driver& driver,
                                                                            Ends& ends) {
        const Driver::Id id = driver.submit(RecvMsgRequest{ends.near.get(), &message, MSG_WAITALL});
        ends.write("ab");
        driver.turn();
        CHECK(driver.result(id) == not_over);
        CHECK(driver.cancelled_result_of(id) == 2);
    });
    for_each_pair("to a side that is gone", [&](Driver& driver, Ends& ends) {
        ends.far.reset();
        driver.perform(SendMsgRequest{ends.near.get(), &message});
        CHECK(driver.perform(SendMsgRequest{ends.near.get(), &message}) == -EPIPE);
    });
    for_each_kernel("a descriptor comes along, and is closed by exec",
                    [&](const KernelUnderTest& kernel) {
                        const Ends ends = Ends::sockets(Family::local);
                        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
                        msghdr with_fd = message;
                        with_fd.msg_control = control.data();
                        with_fd.msg_controllen = control.size();
                        cmsghdr* const header = CMSG_FIRSTHDR(&with_fd);
                        header->cmsg_level = SOL_SOCKET;
                        header->cmsg_type = SCM_RIGHTS;
                        header->cmsg_len = CMSG_LEN(sizeof(int));
                        const int sent = ends.near.get();
                        std::memcpy(CMSG_DATA(header), &sent, sizeof sent);
                        Driver driver(kernel);
                        CHECK(driver.perform(SendMsgRequest{ends.near.get(), &with_fd}) == 5);
                        control.fill('\0');
                        CHECK(driver.perform(RecvMsgRequest{ends.far.get(), &with_fd}) == 5);
                        int received = -1;
                        std::memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&with_fd)), sizeof(int));
                        const UniqueFd owner(received);
                        CHECK((::fcntl(received, F_GETFD) & FD_CLOEXEC) != 0);
                    });
}
