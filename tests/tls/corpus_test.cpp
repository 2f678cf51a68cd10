#include <support/corpus.hpp>

#include "fuzz/targets.hpp"

using namespace ringio;

TEST_CASE("corpus: whatever either end of TLS hears, nothing is left") {
    test_support::run_corpus(RINGIO_CORPUS "/tls", &fuzz::fuzz_tls);
}
