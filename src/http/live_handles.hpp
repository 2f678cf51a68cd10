// How many of libcurl's easy handles there are: a test's books.
#pragma once

#include <cstddef>

namespace ringio::http::detail {

/// Those of all sessions of the process, in use or kept for the next request.
std::size_t live_easy_handles() noexcept;

}  // namespace ringio::http::detail
