// The owners of what libcurl gives: easy handles, lists of texts.
#pragma once

#include <curl/curl.h>

#include <string>
#include <utility>

namespace ringio::http::detail {

/// Has libcurl set itself up, once in the process. *Errors*: std::runtime_error.
void require_curl();

/// Owns an easy handle, or none. Move-only.
class EasyHandle {
public:
    EasyHandle() noexcept = default;
    /// *Errors*: std::bad_alloc.
    static EasyHandle make();

    EasyHandle(EasyHandle&& other) noexcept : easy_(std::exchange(other.easy_, nullptr)) {}
    EasyHandle& operator=(EasyHandle&& other) noexcept {
        std::swap(easy_, other.easy_);
        return *this;
    }
    ~EasyHandle();

    /// Forgets all options, and keeps connections. Cookies stay where they are shared.
    void reset() noexcept;

    CURL* get() const noexcept { return easy_; }
    explicit operator bool() const noexcept { return easy_ != nullptr; }

    /// *Errors*: std::bad_alloc, std::runtime_error with libcurl's words.
    template <class Value>
    void set(CURLoption option, Value value) {
        require(option, curl_easy_setopt(easy_, option, value));
    }
    template <class Value>
    Value info(CURLINFO what) const noexcept {
        Value value{};
        curl_easy_getinfo(easy_, what, &value);
        return value;
    }

private:
    static void require(CURLoption option, CURLcode code);

    CURL* easy_ = nullptr;
};

/// Owns a list of texts.
class TextList {
public:
    TextList() noexcept = default;
    TextList(TextList&& other) noexcept : list_(std::exchange(other.list_, nullptr)) {}
    TextList& operator=(TextList&& other) noexcept {
        std::swap(list_, other.list_);
        return *this;
    }
    ~TextList() { curl_slist_free_all(list_); }

    /// *Errors*: std::bad_alloc.
    void add(const std::string& text);
    curl_slist* get() const noexcept { return list_; }

private:
    curl_slist* list_ = nullptr;
};

}  // namespace ringio::http::detail
