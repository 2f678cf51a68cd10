#include "signal_mask.hpp"

#include <optional>

namespace ringio::concurrent {
namespace {

thread_local std::optional<sigset_t> mask_of_programs;

}  // namespace

sigset_t signal_mask_of_programs() noexcept {
    if (mask_of_programs) {
        return *mask_of_programs;
    }
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return mask;
}

void set_signal_mask_of_programs(const sigset_t& mask) noexcept { mask_of_programs = mask; }

}  // namespace ringio::concurrent
