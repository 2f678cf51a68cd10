// libfmt for a static program: Debian has only the shared one. What format-inl.h defines is all of
// it but for a few templates.
#include <fmt/format-inl.h>

namespace fmt::detail {

template auto thousands_sep_impl<char>(locale_ref) -> thousands_sep_result<char>;
template auto decimal_point_impl<char>(locale_ref) -> char;
template void buffer<char>::append(const char*, const char*);

}  // namespace fmt::detail
