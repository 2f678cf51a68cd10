// TlsInfo: how a stream is secured, as StreamWriter::tls_info() tells it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace ringio {

/// A certificate that a peer showed. Names are as OpenSSL writes them in one line ("CN = a.org").
struct TlsCertificate {
    std::string subject;
    std::string issuer;
    std::vector<std::string> subject_alt_names;  ///< "DNS:a.org", "IP:127.0.0.1"
    std::chrono::system_clock::time_point not_before;
    std::chrono::system_clock::time_point not_after;
    std::string der;     ///< the certificate itself
    std::string sha256;  ///< of `der`, in hexadecimal digits
};

/// *Python*: get_extra_info("ssl_object") with its version(), cipher(), selected_alpn_protocol(),
/// getpeercert() and session_reused.
struct TlsInfo {
    std::string version;          ///< "TLSv1.3"
    std::string cipher;           ///< "TLS_AES_256_GCM_SHA384"
    std::string alpn;             ///< the protocol that both speak, or nothing
    std::string server_hostname;  ///< that the client asked for, or nothing
    std::optional<TlsCertificate> peer_certificate;
    bool resumed = false;  ///< by a session of before
};

}  // namespace ringio
