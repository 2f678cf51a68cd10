// The micro tests on ringio.
#include <ringio.hpp>

namespace lib = ringio;

#include "tests.hpp"

int main(int argc, char** argv) { return bench::main(argc, argv); }
