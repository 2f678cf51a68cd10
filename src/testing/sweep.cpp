#include <ringio/testing/sweep.hpp>

#include <stdexcept>

namespace ringio::testing {

Sweep::~Sweep() {
    invariants_.clear();
    while (!kept_.empty()) {
        kept_.pop_back();
    }
}

void Sweep::set_victim(const AnyTask& task) {
    if (victim_.valid()) {
        throw std::logic_error("Sweep::victim() was called twice; a sweep has one victim");
    }
    victim_ = task;
}

}  // namespace ringio::testing
