#include "easy_handle.hpp"

#include "live_handles.hpp"

#include <ringio/core/ignored_signals.hpp>

#include <fmt/core.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <new>
#include <stdexcept>

namespace ringio::http::detail {
namespace {

std::atomic<std::size_t> live = 0;

}  // namespace

std::size_t live_easy_handles() noexcept { return live.load(std::memory_order_relaxed); }

void require_curl() {
    static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK) {
        throw std::runtime_error(
            fmt::format("libcurl cannot be used: {}", curl_easy_strerror(code)));
    }
    ringio::detail::ignore_if_default(SIGPIPE);  // TLS writes by write(2)
}

EasyHandle EasyHandle::make() {
    EasyHandle made;
    made.easy_ = curl_easy_init();
    if (made.easy_ == nullptr) {
        throw std::bad_alloc();
    }
    live.fetch_add(1, std::memory_order_relaxed);
    return made;
}

// Of two options libcurl 7.88 keeps what it was given: the list of cookie files, that was set to
// have cookies at all, would be lost; the addresses are the caller's, and it would read them again
// when they are gone, if it had not begun with that request or could not read them.
void EasyHandle::reset() noexcept {
    curl_easy_setopt(easy_, CURLOPT_COOKIEFILE, nullptr);
    curl_easy_setopt(easy_, CURLOPT_RESOLVE, nullptr);
    curl_easy_reset(easy_);
}

EasyHandle::~EasyHandle() {
    if (easy_ != nullptr) {
        curl_easy_cleanup(easy_);
        live.fetch_sub(1, std::memory_order_relaxed);
    }
}

void EasyHandle::require(CURLoption option, CURLcode code) {
    if (code == CURLE_OUT_OF_MEMORY) {
        throw std::bad_alloc();
    }
    if (code != CURLE_OK) {
        const curl_easyoption* const known = curl_easy_option_by_id(option);
        throw std::runtime_error(fmt::format("libcurl refuses CURLOPT_{}: {}",
                                             known != nullptr ? known->name : "?",
                                             curl_easy_strerror(code)));
    }
}

void TextList::add(const std::string& text) {
    curl_slist* const longer = curl_slist_append(list_, text.c_str());
    if (longer == nullptr) {
        throw std::bad_alloc();
    }
    list_ = longer;
}

}  // namespace ringio::http::detail
