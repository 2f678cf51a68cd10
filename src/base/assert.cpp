#include <ringio/base/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace ringio::detail {

void assertion_failed(const char* condition, const char* sentence, const char* file,
                      int line) noexcept {
    std::fprintf(stderr, "ringio: assertion failed: %s (%s) at %s:%d\n", sentence, condition, file,
                 line);
    std::abort();
}

}  // namespace ringio::detail
