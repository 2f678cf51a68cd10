// The micro tests on the minimal loop: the limit that ringio's figures are divided by.
#include "minimal.hpp"

namespace lib = minimal;

#include "tests.hpp"

int main(int argc, char** argv) { return bench::main(argc, argv); }
