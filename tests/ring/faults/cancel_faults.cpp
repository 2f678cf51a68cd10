// What becomes of those that are cancelled, and of their neighbours.
#include <cerrno>
#include <map>
#include <set>
#include <vector>

#include <unistd.h>

#include "faulty_kernel.hpp"
#include "named_fault.hpp"

namespace ringio::testing {
namespace {

// A cancel of one request, as a loop writes it for each.
bool is_cancel(const Entry& request) {
    return request.opcode == IORING_OP_ASYNC_CANCEL && request.cancel_flags == 0;
}

const Entry* find_target(const FaultyKernel& kernel, const Entry& request) {
    const auto found = kernel.in_flight.find(request.addr);
    return is_cancel(request) && found != kernel.in_flight.end() ? &found->second : nullptr;
}

// Cancels wait until their descriptor has something to tell: here, for ever, or until all is
// cancelled.
class CancelWaitsForAnEvent final : public Fault {
    bool lets_in(Entry& request) override {
        if (is_cancel(request)) {
            kept_.push_back(request);
            return false;
        }
        if (request.opcode == IORING_OP_ASYNC_CANCEL) {
            for (const Entry& cancel : kept_) {
                kernel->hand_over(cancel);
            }
            kept_.clear();
        }
        return true;
    }
    std::vector<Entry> kept_;
};

// One registration for both directions, which goes with the reader.
class ForgetsTheWriter final : public Fault {
    bool lets_in(Entry& request) override {
        const Entry* const target = find_target(*kernel, request);
        if (target != nullptr && target->opcode == IORING_OP_RECV) {
            forgotten_.insert(target->fd);
        }
        return true;
    }
    bool lets_out(Result& result, const Entry& request) override {
        if (request.opcode == IORING_OP_SEND && forgotten_.contains(request.fd)) {
            kernel->withhold(request, result.result);
            return false;
        }
        return true;
    }
    std::set<int> forgotten_;
};

// A cancel looks for its target by the descriptor, whoever waits there by now.
class CancelHitsTheNext final : public Fault {
    bool lets_in(Entry& request) override {
        const auto ended = ended_.find(request.addr);
        if (is_cancel(request) && ended != ended_.end()) {
            for (const auto& [user_data, other] : kernel->in_flight) {
                if (other.fd == ended->second) {
                    request.addr = user_data;
                }
            }
        }
        return true;
    }
    bool lets_out(Result& result, const Entry& request) override {
        if (result.is_last()) {
            ended_[result.user_data] = request.fd;
        }
        return true;
    }
    std::map<std::uint64_t, int> ended_;
};

// What was cancelled is over for the user, and its event is handled all the same.
class EventFindsTheCancelled final : public Fault {
    bool lets_in(Entry& request) override {
        if (find_target(*kernel, request) == nullptr) {
            return true;
        }
        kernel->answer({request.addr, -ECANCELED, 0});
        return false;
    }
};

class CancelIsAlwaysFound final : public Fault {
    bool lets_out(Result& result, const Entry& request) override {
        if (request.opcode == IORING_OP_ASYNC_CANCEL) {
            result.result = 0;
        }
        return true;
    }
};

class CancelTakesNeighbours final : public Fault {
    bool lets_in(Entry& request) override {
        if (const Entry* const target = find_target(*kernel, request)) {
            std::vector<std::uint64_t> neighbours;
            for (const auto& [user_data, other] : kernel->in_flight) {
                if (other.fd == target->fd && user_data != request.addr) {
                    neighbours.push_back(user_data);
                }
            }
            for (const std::uint64_t neighbour : neighbours) {
                kernel->cancel_silently(neighbour);
            }
        }
        return true;
    }
};

// An accept whose cancel was asked for is cancelled, and what it accepted is gone.
class CancelledAcceptIsLost final : public Fault {
    bool lets_in(Entry& request) override {
        if (is_cancel(request)) {
            cancelled_.insert(request.addr);
        }
        return true;
    }
    bool lets_out(Result& result, const Entry& request) override {
        if (request.opcode == IORING_OP_ACCEPT && result.result >= 0 &&
            cancelled_.contains(result.user_data)) {
            ::close(result.result);
            result.result = -ECANCELED;
        }
        return true;
    }
    std::set<std::uint64_t> cancelled_;
};

}  // namespace

std::unique_ptr<Fault> make_cancel_fault(std::string_view name) {
    static constexpr NamedFault faults[] = {
        {"cancel_waits_for_an_event", make<CancelWaitsForAnEvent>},
        {"forgets_the_writer", make<ForgetsTheWriter>},
        {"cancel_hits_the_next", make<CancelHitsTheNext>},
        {"event_finds_the_cancelled", make<EventFindsTheCancelled>},
        {"cancel_is_always_found", make<CancelIsAlwaysFound>},
        {"cancel_takes_neighbours", make<CancelTakesNeighbours>},
        {"cancelled_accept_is_lost", make<CancelledAcceptIsLost>},
    };
    return find_fault(faults, name);
}

}  // namespace ringio::testing
