#include <ringio/tls/tls_error.hpp>

#include <utility>

namespace ringio {
namespace {

class TlsCategory final : public std::error_category {
public:
    const char* name() const noexcept override { return "tls"; }
    std::string message(int code) const override {
        switch (static_cast<TlsErrc>(code)) {
            case TlsErrc::certificate_verify_failed:
                return "certificate verify failed";
            case TlsErrc::peer_rejected_certificate:
                return "the peer rejected our certificate";
            case TlsErrc::no_common_version:
                return "no version or cipher in common";
            case TlsErrc::no_common_protocol:
                return "no application protocol in common";
            case TlsErrc::not_tls:
                return "the peer does not speak TLS";
            case TlsErrc::unexpected_eof:
                return "the connection ended in the middle";
            case TlsErrc::protocol_error:
                return "protocol error";
            case TlsErrc::bad_context:
                return "the context cannot be made";
        }
        return "unknown error " + std::to_string(code);
    }
};

std::string with_hint(const std::string& text, const std::string& hint) {
    return hint.empty() ? text : text + "; hint: " + hint;
}

}  // namespace

const std::error_category& tls_category() noexcept {
    static const TlsCategory category;
    return category;
}

TlsError::TlsError(TlsErrc code, const std::string& text, std::string reason, std::string hint)
    : std::system_error(make_error_code(code), text) {
    std::string what = with_hint(text, hint);
    details_ = std::make_shared<const Details>(
        Details{std::move(what), std::move(reason), std::move(hint)});
}

CertificateError::CertificateError(const std::string& text, std::string reason, std::string hint,
                                   CertificateFailure failure)
    : TlsError(TlsErrc::certificate_verify_failed, text, std::move(reason), std::move(hint)),
      failure_(std::make_shared<const CertificateFailure>(std::move(failure))) {}

}  // namespace ringio
