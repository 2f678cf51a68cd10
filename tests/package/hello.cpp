// The program of a stranger, built against ringio by find_package, add_subdirectory, pkg-config.
#include <ringio.hpp>

#include <cstdio>

namespace {

ringio::Task<> hello() {
    std::puts("hello from the installed package");
    co_return;
}

}  // namespace

int main() {
    ringio::run(hello());
    return 0;
}
