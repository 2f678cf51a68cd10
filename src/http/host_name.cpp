#include "host_name.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include <locale.h>

namespace ringio::http::detail {
namespace {

bool is_ascii(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// Has this thread take texts for UTF-8 while it lives: libcurl reads names in the encoding of the
/// locale, and a program that sets none has one of ASCII.
class Utf8Locale {
public:
    Utf8Locale() noexcept
        : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)), before_(::uselocale(locale_)) {}
    Utf8Locale(const Utf8Locale&) = delete;
    Utf8Locale& operator=(const Utf8Locale&) = delete;
    ~Utf8Locale() {
        ::uselocale(before_);
        if (locale_ != nullptr) {
            ::freelocale(locale_);
        }
    }

private:
    locale_t locale_;
    locale_t before_;
};

struct Free {
    void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
    void operator()(char* text) const noexcept { curl_free(text); }
};

#ifdef CURLU_PUNYCODE  // libcurl 7.88

std::string punycode_of(const std::string& host) {
    const Utf8Locale locale;
    const std::unique_ptr<CURLU, Free> url(curl_url());
    char* name = nullptr;
    CURLUcode code = curl_url_set(url.get(), CURLUPART_HOST, host.c_str(), 0);
    if (code == CURLUE_OK) {
        code = curl_url_get(url.get(), CURLUPART_HOST, &name, CURLU_PUNYCODE);
    }
    const std::unique_ptr<char, Free> owned(name);
    if (code == CURLUE_LACKS_IDN) {
        throw std::invalid_argument("this libcurl wants a host beyond ASCII in its xn-- form");
    }
    // Of the reason libcurl says no more than "out of memory".
    if (code != CURLUE_OK || name == nullptr || !is_ascii(name)) {
        throw std::invalid_argument("its host is no internationalized domain name");
    }
    return name;
}

#else

std::string punycode_of(const std::string&) {
    throw std::invalid_argument("this libcurl wants a host beyond ASCII in its xn-- form");
}

#endif

}  // namespace

std::string ascii_host(std::string_view host) {
    return is_ascii(host) ? std::string(host) : punycode_of(std::string(host));
}

}  // namespace ringio::http::detail
