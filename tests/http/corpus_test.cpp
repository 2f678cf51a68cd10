#include <support/corpus.hpp>

#include "fuzz/targets.hpp"

using namespace ringio;
using ringio::test_support::run_corpus;

TEST_CASE("corpus: URLs are read as they are written, and as libcurl reads them") {
    run_corpus(RINGIO_CORPUS "/url", &fuzz::fuzz_url);
}

TEST_CASE("corpus: heads and forms keep their lines") {
    run_corpus(RINGIO_CORPUS "/headers", &fuzz::fuzz_headers);
}

TEST_CASE("corpus: whatever a server says, there is an answer or an error, and nothing is left") {
    run_corpus(RINGIO_CORPUS "/response", &fuzz::fuzz_response);
}
