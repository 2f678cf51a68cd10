// What becomes of requests and of their results.
#include <array>
#include <cerrno>
#include <map>
#include <set>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <ringio/base/unique_fd.hpp>

#include "faulty_kernel.hpp"
#include "named_fault.hpp"

namespace ringio::testing {
namespace {

bool is_receive(const Entry& request) { return request.opcode == IORING_OP_RECV; }

// One place for each descriptor and direction: the second receive is put where the first one was.
class ForgetsAReceive final : public Fault {
    bool lets_in(Entry& request) override {
        for (const auto& [user_data, other] : kernel->in_flight) {
            if (is_receive(request) && is_receive(other) && other.fd == request.fd) {
                kernel->hold(request);
                return false;
            }
        }
        return true;
    }
};

// Of several that one event ends, all but one are told twice.
class CompletesTwice final : public Fault {
    void before_entry() override { ended_.clear(); }
    bool lets_out(Result& result, const Entry& request) override {
        if (result.is_last() && request.fd >= 0 && !ended_.insert(request.fd).second) {
            kernel->answer(result);
        }
        return true;
    }
    std::set<int> ended_;
};

// Edge-triggered, and asked again only after a read that found nothing.
class WaitsForMoreAfterAFullRead final : public Fault {
    bool lets_in(Entry& request) override {
        if (full_.contains(request.fd)) {
            kernel->hold(request);
            return false;
        }
        return true;
    }
    bool lets_out(Result& result, const Entry& request) override {
        if (is_receive(request) && result.result == static_cast<int>(request.len)) {
            full_.insert(request.fd);
        }
        return true;
    }
    std::set<int> full_;
};

// POLLRDHUP is taken for the end, whatever comes with it.
class DropsTheLastBytes final : public Fault {
    bool lets_out(Result& result, const Entry& request) override {
        pollfd entry{request.fd, POLLRDHUP, 0};
        if (is_receive(request) && result.result > 0 && ::poll(&entry, 1, 0) == 1) {
            result.result = 0;
            result.flags = 0;
        }
        return true;
    }
};

class MakesNonBlocking final : public Fault {
    bool lets_in(Entry& request) override {
        if (request.fd >= 0) {
            ::fcntl(request.fd, F_SETFL, ::fcntl(request.fd, F_GETFL) | O_NONBLOCK);
        }
        return true;
    }
};

class LeavesAllToEpoll : public Fault {
protected:
    int add(int fd, std::uint32_t mask) {
        epoll_event event{};
        event.events = mask;
        return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
    }
    void remove(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

private:
    UniqueFd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
};

// Kernel: epoll takes no file and no /dev/null.
class RefusesFiles final : public LeavesAllToEpoll {
    bool lets_in(Entry& request) override {
        const bool waits = request.opcode == IORING_OP_READ || request.opcode == IORING_OP_WRITE ||
                           request.opcode == IORING_OP_POLL_ADD;
        if (waits && add(request.fd, EPOLLIN) == -EPERM) {
            kernel->answer({request.user_data, -EPERM, 0});
            return false;
        }
        remove(request.fd);
        return true;
    }
};

// Both directions by themselves, on and off for each request.
class RegistersEachTime final : public LeavesAllToEpoll {
    bool lets_out(Result&, const Entry& request) override {
        for (const std::uint32_t mask : {std::uint32_t{EPOLLIN}, std::uint32_t{EPOLLOUT}}) {
            add(request.fd, mask);
            remove(request.fd);
            kernel->more_registrations += 2;
        }
        return true;
    }
};

// An accept registers what it accepted, and who cannot be registered is forgotten.
class LosesWhatItCannotRegister final : public LeavesAllToEpoll {
    bool lets_out(Result& result, const Entry& request) override {
        if (request.opcode == IORING_OP_ACCEPT && result.result >= 0) {
            const int added = add(result.result, EPOLLIN);
            if (added != 0) {
                result.result = added;
            } else {
                remove(result.result);
            }
        }
        return true;
    }
};

class DoesFilesItself final : public Fault {
    bool lets_in(Entry& request) override {
        if (request.opcode != IORING_OP_OPENAT && request.opcode != IORING_OP_FSYNC) {
            return true;
        }
        kernel->hand_over(request);
        kernel->finish(request.user_data);
        return false;
    }
};

// A thread has the number only, and does what was cancelled all the same, a while later.
class ActsOnAStranger final : public Fault {
    void before_entry() override {
        for (const Entry& request : late_) {
            static_cast<void>(!::pwrite(request.fd, reinterpret_cast<const void*>(request.addr),
                                        request.len, static_cast<off_t>(request.off)));
        }
        late_.clear();
        late_.swap(next_);
    }
    bool lets_out(Result& result, const Entry& request) override {
        if (request.opcode == IORING_OP_WRITE && result.result == -ECANCELED) {
            next_.push_back(request);
        }
        return true;
    }
    std::vector<Entry> next_;
    std::vector<Entry> late_;
};

}  // namespace

std::unique_ptr<Fault> make_request_fault(std::string_view name) {
    static constexpr NamedFault faults[] = {
        {"forgets_a_receive", make<ForgetsAReceive>},
        {"completes_twice", make<CompletesTwice>},
        {"waits_for_more_after_a_full_read", make<WaitsForMoreAfterAFullRead>},
        {"drops_the_last_bytes", make<DropsTheLastBytes>},
        {"makes_non_blocking", make<MakesNonBlocking>},
        {"refuses_files", make<RefusesFiles>},
        {"registers_each_time", make<RegistersEachTime>},
        {"loses_what_it_cannot_register", make<LosesWhatItCannotRegister>},
        {"does_files_itself", make<DoesFilesItself>},
        {"acts_on_a_stranger", make<ActsOnAStranger>},
    };
    return find_fault(faults, name);
}

}  // namespace ringio::testing
