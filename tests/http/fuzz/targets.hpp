// What libFuzzer feeds of the HTTP client; corpus_test.cpp gives each the inputs of its corpus.
#pragma once

#include <string_view>

namespace ringio::fuzz {

/// A URL, a reference and a parameter, one a line.
void fuzz_url(std::string_view input);
/// Lines of the head of an answer.
void fuzz_headers(std::string_view input);
/// Requests, a letter each, a line end, and what a server says to them.
void fuzz_response(std::string_view input);

}  // namespace ringio::fuzz
