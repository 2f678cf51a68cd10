// The micro tests on ringio, where every wait can be cancelled and every loop can be posted to.
#include <ringio.hpp>

namespace lib = ringio;

namespace bench {

template <class T>
const ringio::Future<T>& cancellable(const ringio::Future<T>& future) {
    return future;
}

inline ringio::EventLoop& posting_loop() { return ringio::get_running_loop(); }

template <class T>
T run_posting(ringio::Task<T> task) {
    return ringio::run(std::move(task));
}

}  // namespace bench

#include "tests.hpp"

int main(int argc, char** argv) { return bench::main(argc, argv, bench::tests); }
