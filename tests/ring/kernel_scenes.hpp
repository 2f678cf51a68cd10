// Scenes: requests that wait, what each waits for, and how a test brings that about.
#pragma once

#include "kernel_contract.hpp"
#include "kernel_sockets.hpp"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/stat.h>

namespace ringio::testing {

/// A request that finds nothing to do. Several of them may wait, each in a slot with memory of its
/// own.
class Scene {
public:
    static constexpr std::size_t slots = 32;

    /// How many of those that wait are let through by one make_ready().
    enum class Lets { one, all };

    Scene() = default;
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;
    virtual ~Scene() = default;

    virtual void attach(Driver&) {}
    virtual void prepare(io_uring_sqe& sqe, std::size_t slot) = 0;
    virtual void make_ready() = 0;
    /// The other side goes.
    virtual void hang_up() {}
    /// Looks at what came with a result that is one of `ready`, and takes it.
    virtual void take(Driver&, Driver::Id, std::size_t /*slot*/) {}
    /// The descriptor that the requests are about.
    virtual int fd() const = 0;

    Outcomes ready;
    Outcomes hung_up;  // empty: there is no other side
    Lets lets = Lets::one;
    bool shareable = true;  // several may wait
    bool goes_on = false;   // it is not over when it is answered

    Driver::Id submit(Driver& driver, std::size_t slot = 0) {
        return driver.submit([&](io_uring_sqe& sqe) { prepare(sqe, slot); });
    }
    /// Waits for the request to be answered, and takes what it brought.
    void check_ready(Driver& driver, Driver::Id id, std::size_t slot = 0) {
        driver.until_seen(id, 1);
        INFO("result " << driver.result(id));
        REQUIRE(is_one_of(ready, driver.result(id)));
        take(driver, id, slot);
        CHECK(driver.is_over(id) != goes_on);
        if (goes_on) {
            CHECK(is_one_of(cancel_results, driver.cancelled_result_of(id)));
        }
    }
};

/// A byte that `near` waits for, from a socket, a pipe or a terminal.
class ReadScene : public Scene {
public:
    explicit ReadScene(Ends ends, std::string_view text = "x")
        : ends_(std::move(ends)), text_(text) {
        ready = {static_cast<int>(text_.size())};
        hung_up = {0};
    }

    void make_ready() override { ends_.write(text_); }
    void hang_up() override { ends_.far.reset(); }
    void take(Driver&, Driver::Id, std::size_t slot) override {
        CHECK(std::string_view(memory_[slot].data(), text_.size()) == text_);
    }
    int fd() const override { return ends_.near.get(); }

protected:
    Ends ends_;
    std::string text_;
    std::array<std::array<char, 8>, slots> memory_{};
};

class RecvScene final : public ReadScene {
public:
    explicit RecvScene(Family family, int flags = 0, std::string_view text = "x")
        : ReadScene(Ends::sockets(family), text), flags_(flags) {}
    void prepare(io_uring_sqe& sqe, std::size_t slot) override {
        // With MSG_WAITALL as much as there will be, and no more.
        const std::size_t size = flags_ == 0 ? memory_[slot].size() : text_.size();
        RecvRequest{fd(), memory_[slot].data(), size, flags_}.prepare(sqe);
    }

private:
    int flags_;
};

class RecvMsgScene final : public ReadScene {
public:
    RecvMsgScene() : ReadScene(Ends::sockets(Family::local)) {}
    void prepare(io_uring_sqe& sqe, std::size_t slot) override {
        parts_[slot] = {memory_[slot].data(), memory_[slot].size()};
        messages_[slot].msg_iov = &parts_[slot];
        messages_[slot].msg_iovlen = 1;
        RecvMsgRequest{fd(), &messages_[slot]}.prepare(sqe);
    }

private:
    std::array<iovec, slots> parts_{};
    std::array<msghdr, slots> messages_{};
};

class RecvMultishotScene final : public Scene {
public:
    explicit RecvMultishotScene(Family family) : ends_(Ends::sockets(family)) {
        ready = {1};
        hung_up = {0};
        shareable = false;
        goes_on = true;
    }
    void attach(Driver& driver) override { driver.buffers(); }
    void prepare(io_uring_sqe& sqe, std::size_t) override {
        RecvMultishotRequest{fd(), 0}.prepare(sqe);
    }
    void make_ready() override { ends_.write("x"); }
    void hang_up() override { ends_.far.reset(); }
    void take(Driver& driver, Driver::Id id, std::size_t) override {
        CHECK(driver.take_bytes(id) == "x");
    }
    int fd() const override { return ends_.near.get(); }

private:
    Ends ends_;
};

class ReadOpScene final : public ReadScene {
public:
    explicit ReadOpScene(Ends ends) : ReadScene(std::move(ends)) {}
    void prepare(io_uring_sqe& sqe, std::size_t slot) override {
        ReadRequest{fd(), memory_[slot].data(), memory_[slot].size()}.prepare(sqe);
    }
};

/// A terminal whose other end the test plays. Kernel: it has no reads that do not wait.
class TerminalScene final : public Scene {
public:
    TerminalScene() : master_(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        REQUIRE(::grantpt(master_.get()) == 0);
        REQUIRE(::unlockpt(master_.get()) == 0);
        std::array<char, 64> name{};
        REQUIRE(::ptsname_r(master_.get(), name.data(), name.size()) == 0);
        slave_.reset(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
        ready = {2};
        hung_up = {0, -EIO};
    }
    void prepare(io_uring_sqe& sqe, std::size_t slot) override {
        ReadRequest{fd(), memory_[slot].data(), memory_[slot].size()}.prepare(sqe);
    }
    void make_ready() override { REQUIRE(::write(master_.get(), "x\n", 2) == 2); }
    void hang_up() override { master_.reset(); }
    void take(Driver&, Driver::Id, std::size_t slot) override {
        CHECK(std::string_view(memory_[slot].data(), 2) == "x\n");
    }
    int fd() const override { return slave_.get(); }

private:
    UniqueFd master_;
    UniqueFd slave_;
    std::array<std::array<char, 8>, slots> memory_{};
};

class EventReadScene final : public Scene {
public:
    EventReadScene() { ready = {8}; }
    void prepare(io_uring_sqe& sqe, std::size_t slot) override {
        counts_[slot] = 0;
        ReadRequest{fd(), &counts_[slot], 8, 0}.prepare(sqe);
    }
    void make_ready() override { REQUIRE(::eventfd_write(fd(), 7) == 0); }
    void take(Driver&, Driver::Id, std::size_t slot) override { CHECK(counts_[slot] == 7); }
    int fd() const override { return event_.get(); }

private:
    UniqueFd event_{::eventfd(0, EFD_CLOEXEC)};
    std::array<std::uint64_t, slots> counts_{};
};

/// A counter that cannot become larger.
class EventWriteScene final : public Scene {
public:
    EventWriteScene() {
        ready = {8};
        lets = Lets::all;
        REQUIRE(::eventfd_write(fd(), ~std::uint64_t{0} - 1) == 0);
    }
    void prepare(io_uring_sqe& sqe, std::size_t) override {
        WriteRequest{fd(), &one_, 8, 0}.prepare(sqe);
    }
    void make_ready() override {
        std::uint64_t count = 0;
        REQUIRE(::eventfd_read(fd(), &count) == 0);
    }
    int fd() const override { return event_.get(); }

private:
    UniqueFd event_{::eventfd(0, EFD_CLOEXEC)};
    std::uint64_t one_ = 1;
};

/// Room that `near` waits for. The byte that is then sent comes after what filled it.
class FullScene : public Scene {
public:
    enum class Kind { send, sendmsg, write, poll };

    FullScene(Kind kind, Ends ends) : kind_(kind), ends_(std::move(ends)) {
        lets = Lets::all;
        ready = {kind == Kind::poll ? POLLOUT : 1};
        hung_up = kind == Kind::poll ? Outcomes{an_end} : Outcomes{-EPIPE, -ECONNRESET};
        message_.msg_iov = &part_;
        message_.msg_iovlen = 1;
        fill(ends_);
    }
    void prepare(io_uring_sqe& sqe, std::size_t) override {
        switch (kind_) {
            case Kind::send:
                return SendRequest{fd(), &byte_, 1}.prepare(sqe);
            case Kind::sendmsg:
                return SendMsgRequest{fd(), &message_}.prepare(sqe);
            case Kind::write:
                return WriteRequest{fd(), &byte_, 1}.prepare(sqe);
            case Kind::poll:
                return PollRequest{fd(), POLLOUT}.prepare(sqe);
        }
    }
    void make_ready() override {
        CHECK_FALSE(read_now(ends_.far.get()).empty());
        pollfd entry{fd(), POLLOUT, 0};
        while (::poll(&entry, 1, 1) == 0) {  // what TCP had not sent comes later
            read_now(ends_.far.get());
        }
    }
    void hang_up() override { ends_.far.reset(); }
    void take(Driver&, Driver::Id, std::size_t) override {
        if (kind_ != Kind::poll) {
            const std::string rest = read_now(ends_.far.get());
            CHECK((rest.empty() || rest.back() == 's'));  // empty: taken with an earlier one
        }
    }
    int fd() const override { return ends_.near.get(); }

private:
    Kind kind_;
    Ends ends_;
    NoSigpipe no_sigpipe_;
    char byte_ = 's';
    iovec part_{&byte_, 1};
    msghdr message_{};
};

class AcceptScene final : public Scene {
public:
    explicit AcceptScene(Family family) : listener_(family) {
        ready = {a_descriptor};
        hung_up = {-EINVAL};
    }
    void prepare(io_uring_sqe& sqe, std::size_t) override { AcceptRequest{fd()}.prepare(sqe); }
    void make_ready() override { clients_.push_back(listener_.client()); }
    void hang_up() override { listener_.shut_down(); }
    void take(Driver& driver, Driver::Id id, std::size_t) override {
        const UniqueFd accepted(driver.result(id));
        CHECK((::fcntl(accepted.get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
    int fd() const override { return listener_.fd(); }

private:
    Listener listener_;
    std::vector<UniqueFd> clients_;
};

/// Kernel: AF_UNIX with a full backlog cannot be waited for with poll(2).
class FullBacklogScene final : public Scene {
public:
    FullBacklogScene() {
        ready = {0};
        hung_up = {-ECONNREFUSED};
        shareable = false;
    }
    void prepare(io_uring_sqe& sqe, std::size_t) override {
        ConnectRequest{fd(), listener_.address(), listener_.length()}.prepare(sqe);
    }
    void make_ready() override { CHECK(listener_.accept()); }
    void hang_up() override { listener_.close(); }
    int fd() const override { return client_.get(); }

private:
    Listener listener_{Family::local, 0};
    std::vector<UniqueFd> clients_ = listener_.fill_backlog();
    UniqueFd client_ = listener_.socket();
};

class PollScene final : public Scene {
public:
    PollScene(Ends ends, unsigned mask, Outcomes when_hung_up)
        : ends_(std::move(ends)), mask_(mask) {
        ready = {static_cast<int>(mask)};
        hung_up = std::move(when_hung_up);
        lets = Lets::all;
    }
    void prepare(io_uring_sqe& sqe, std::size_t) override { PollRequest{fd(), mask_}.prepare(sqe); }
    void make_ready() override {
        if (mask_ == POLLRDHUP) {
            REQUIRE(::shutdown(ends_.far.get(), SHUT_WR) == 0);
        } else {
            ends_.write("x");
        }
    }
    void hang_up() override { ends_.far.reset(); }
    int fd() const override { return ends_.near.get(); }

private:
    Ends ends_;
    unsigned mask_;
};

class PollEventScene final : public Scene {
public:
    PollEventScene() {
        ready = {POLLIN};
        lets = Lets::all;
    }
    void prepare(io_uring_sqe& sqe, std::size_t) override {
        PollRequest{fd(), POLLIN}.prepare(sqe);
    }
    void make_ready() override { REQUIRE(::eventfd_write(fd(), 1) == 0); }
    int fd() const override { return event_.get(); }

private:
    UniqueFd event_{::eventfd(0, EFD_CLOEXEC)};
};

/// A pipe seen from the side that writes.
inline Ends swapped(Ends ends) { return {std::move(ends.far), std::move(ends.near)}; }

}  // namespace ringio::testing
