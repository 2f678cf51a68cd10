// The micro tests on the minimal loop: the limit that ringio's figures are divided by.
#include "minimal.hpp"
#include "minimal_channel.hpp"
#include "minimal_posting_loop.hpp"
#include "minimal_sync.hpp"

namespace lib = minimal;

namespace bench {

template <class T>
auto cancellable(const minimal::Future<T>& future) {
    return future.cancellable();
}

inline minimal::PostingLoop& posting_loop() {
    return static_cast<minimal::PostingLoop&>(minimal::get_running_loop());
}

using minimal::run_posting;

}  // namespace bench

#include "tests.hpp"

int main(int argc, char** argv) { return bench::main(argc, argv, bench::tests); }
