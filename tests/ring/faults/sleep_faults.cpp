// What becomes of sleeps: too long, too short, or none at all.
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <sys/epoll.h>
#include <sys/stat.h>

#include <ringio/base/unique_fd.hpp>

#include "faulty_kernel.hpp"
#include "named_fault.hpp"

namespace ringio::testing {
namespace {

using std::chrono::nanoseconds;

// As epoll_wait(2) has it.
class SleepsInMilliseconds final : public Fault {
    void before_sleep(bool&, std::optional<nanoseconds>& timeout) override {
        if (timeout) {
            timeout = std::chrono::ceil<std::chrono::milliseconds>(*timeout);
        }
    }
};

// Where the completion queue is full it waits for room: for ever, but a test is to end.
class FullQueueBlocks final : public Fault {
    void before_entry() override {
        if (kernel->completion_queue_is_full() && !std::exchange(blocked_, true)) {
            std::this_thread::sleep_for(3 * patience());
        }
    }
    bool blocked_ = false;
};

// EPOLLONESHOT, and not armed again.
class WakesOnce final : public Fault {
    class Once final : public Waker {
    public:
        explicit Once(std::shared_ptr<Waker> real) : real_(std::move(real)) {}
        void wake() noexcept override {
            if (!used_.exchange(true)) {
                real_->wake();
            }
        }

    private:
        std::shared_ptr<Waker> real_;
        std::atomic<bool> used_ = false;
    };

    std::shared_ptr<Waker> replace(std::shared_ptr<Waker> real) override {
        return real == nullptr ? nullptr : std::make_shared<Once>(std::move(real));
    }
};

// What was received from once stays registered with these events, and a loop that is told of them
// does not sleep.
class StaysRegistered : public Fault {
public:
    explicit StaysRegistered(std::uint32_t events) : events_(events) {}

protected:
    virtual bool is_told_of(std::size_t) { return true; }

    struct File {
        int fd;
        dev_t device;
        ino_t number;
        bool operator==(const File&) const = default;
    };
    static File file_of(int fd) {
        struct stat status{};
        return ::fstat(fd, &status) == 0 ? File{fd, status.st_dev, status.st_ino} : File{};
    }
    std::vector<File> files_;

private:
    bool lets_in(Entry& request) override {
        if (request.opcode == IORING_OP_RECV) {
            epoll_event event{};
            event.events = events_;
            event.data.u64 = files_.size();
            if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, request.fd, &event) == 0) {
                files_.push_back(file_of(request.fd));
            }
        }
        return true;
    }
    void before_sleep(bool& wait, std::optional<nanoseconds>&) override {
        std::array<epoll_event, 64> events{};
        const int count =
            ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
        for (int at = 0; at < count; ++at) {
            wait = wait && !is_told_of(events[static_cast<std::size_t>(at)].data.u64);
        }
    }

    std::uint32_t events_;
    UniqueFd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
};

// The same, of those only that are closed here and live on elsewhere.
class ClosedStaysRegistered final : public StaysRegistered {
public:
    ClosedStaysRegistered() : StaysRegistered(EPOLLIN) {}

private:
    bool is_told_of(std::size_t index) override {
        return files_[index] != file_of(files_[index].fd);
    }
};

}  // namespace

std::unique_ptr<Fault> make_sleep_fault(std::string_view name) {
    static constexpr NamedFault faults[] = {
        {"sleeps_in_milliseconds", make<SleepsInMilliseconds>},
        {"full_queue_blocks", make<FullQueueBlocks>},
        {"wakes_once", make<WakesOnce>},
        {"closed_stays_registered", make<ClosedStaysRegistered>},
        {"hangup_stays_registered", make<StaysRegistered, 0U>},
        {"data_stays_registered", make<StaysRegistered, std::uint32_t{EPOLLIN}>},
        {"half_close_stays_registered", make<StaysRegistered, std::uint32_t{EPOLLRDHUP}>},
    };
    return find_fault(faults, name);
}

}  // namespace ringio::testing
