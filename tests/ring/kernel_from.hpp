// A KernelSource that is a function, for loops on a kernel that the test plays.
#pragma once

#include <memory>

#include <ringio/ring/kernel_source.hpp>

namespace ringio::testing {

template <std::unique_ptr<Kernel> (*make_kernel)(unsigned entries)>
KernelSource* kernel_from() {
    class Source final : public KernelSource {
    public:
        std::unique_ptr<Kernel> make(unsigned entries) override { return make_kernel(entries); }
    };
    static Source source;
    return &source;
}

}  // namespace ringio::testing
