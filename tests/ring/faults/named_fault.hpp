// A fault and its name, for the tables at the end of each file of faults.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "faulty_kernel.hpp"

namespace ringio::testing {

struct NamedFault {
    std::string_view name;
    std::unique_ptr<Fault> (*make)();
};

template <class F, auto... arguments>
std::unique_ptr<Fault> make() {
    return std::make_unique<F>(arguments...);
}

inline std::unique_ptr<Fault> find_fault(std::span<const NamedFault> faults,
                                         std::string_view name) {
    for (const NamedFault& fault : faults) {
        if (fault.name == name) {
            return fault.make();
        }
    }
    return nullptr;
}

}  // namespace ringio::testing
