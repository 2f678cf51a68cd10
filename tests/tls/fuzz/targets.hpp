// What libFuzzer feeds of TLS; corpus_test.cpp gives it the inputs of its corpus.
#pragma once

#include <string_view>

namespace ringio::fuzz {

/// A byte that says how (see tls_fuzz.cpp), and what either end of TLS gets.
void fuzz_tls(std::string_view input);

}  // namespace ringio::fuzz
