#include "file_size_signal.hpp"

#include <csignal>

#include <signal.h>

namespace ringio::detail {

void ignore_file_size_signal() noexcept {
    [[maybe_unused]] static const bool looked = [] {
        struct sigaction action{};
        if (::sigaction(SIGXFSZ, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) {
            action.sa_handler = SIG_IGN;
            ::sigaction(SIGXFSZ, &action, nullptr);
        }
        return true;
    }();
}

}  // namespace ringio::detail
