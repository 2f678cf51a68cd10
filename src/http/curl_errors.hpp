// From libcurl's codes to the errors of http/errors.hpp, in one place.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace ringio::http::detail {

/// How a transfer ended that did not end well.
struct CurlFailure {
    int code = 0;           ///< a CURLcode
    std::string text = {};  ///< libcurl's words, if it had any
    std::string url = {};
    std::string host = {};  ///< what was connected to, or was to be: of the proxy if there is one
    unsigned port = 0;
    std::string unix_socket = {};  ///< the path of the socket, if it was to be one
    int system_error = 0;          ///< an errno, 0: none
    long proxy_status = 0;         ///< of the proxy's answer to CONNECT; 0: none
    bool connected = false;
    bool has_head = false;  ///< the head of the answer was there
    bool by_proxy = false;
    bool by_environment = false;  ///< by_proxy, and the environment named it
    std::exception_ptr tls = {};  ///< what OpenSSL said, a TlsError
};

/// "CURLE_COULDNT_CONNECT"; the number for a code that this libcurl did not have yet.
std::string curl_code_name(int code);

/// The error that a failure is; its text has the name of the code. *Errors*: std::bad_alloc.
std::exception_ptr error_of(const CurlFailure& failure);

}  // namespace ringio::http::detail
