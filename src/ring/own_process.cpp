#include <ringio/ring/own_process.hpp>

#include <pthread.h>

namespace ringio {

OwnProcess::OwnProcess() noexcept {
    static const int watched = ::pthread_atfork(nullptr, nullptr, [] { ++detail::forks; });
    static_cast<void>(watched);
    forks_ = detail::forks.load(std::memory_order_relaxed);
}

}  // namespace ringio
