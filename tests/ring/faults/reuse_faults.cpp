// What becomes of descriptors: numbers that are used again, and copies.
#include <cerrno>
#include <map>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

#include <ringio/base/unique_fd.hpp>

#include "faulty_kernel.hpp"
#include "named_fault.hpp"

namespace ringio::testing {
namespace {

bool reads(const Entry& request) {
    return request.opcode == IORING_OP_RECV || request.opcode == IORING_OP_READ;
}

// A number that was known is another file by now.
class KnowsNumbers : public Fault {
protected:
    bool is_reused(const Entry& request) {
        struct stat status{};
        ::fstat(request.fd, &status);
        const auto file = std::pair(status.st_dev, status.st_ino);
        const auto known = files_.emplace(request.fd, file).first;
        return known->second != file;
    }

private:
    std::map<int, std::pair<dev_t, ino_t>> files_;
};

// It is taken for registered, and no event comes.
class NumberIsOldAcquaintance final : public KnowsNumbers {
    bool lets_in(Entry& request) override {
        if (reads(request) && is_reused(request)) {
            kernel->hold(request);
            return false;
        }
        return true;
    }
};

// The event of the old file is told to the request for the new one.
class OldEventHitsTheNew final : public KnowsNumbers {
    bool lets_in(Entry& request) override {
        if (reads(request) && is_reused(request)) {
            kernel->answer({request.user_data, 0, 0});
            return false;
        }
        return true;
    }
};

// Each receive waits on a copy of its descriptor. The flag: one that was cancelled stays.
class CopiesDescriptors final : public Fault {
public:
    explicit CopiesDescriptors(bool keeps) : keeps_(keeps) {}

private:
    bool lets_in(Entry& request) override {
        if (!reads(request)) {
            return true;
        }
        UniqueFd copy(::fcntl(request.fd, F_DUPFD_CLOEXEC, 0));
        if (!copy) {
            kernel->answer({request.user_data, -EMFILE, 0});
            return false;
        }
        copies_[request.user_data] = std::move(copy);
        return true;
    }
    bool lets_out(Result& result, const Entry&) override {
        if (!keeps_ || result.result != -ECANCELED) {
            copies_.erase(result.user_data);
        }
        return true;
    }

    bool keeps_;
    std::map<std::uint64_t, UniqueFd> copies_;
};

}  // namespace

std::unique_ptr<Fault> make_reuse_fault(std::string_view name) {
    static constexpr NamedFault faults[] = {
        {"number_is_old_acquaintance", make<NumberIsOldAcquaintance>},
        {"old_event_hits_the_new", make<OldEventHitsTheNew>},
        {"cancelled_keeps_a_copy", make<CopiesDescriptors, true>},
        {"needs_a_descriptor_each", make<CopiesDescriptors, false>},
    };
    return find_fault(faults, name);
}

}  // namespace ringio::testing
