#include "certificate.hpp"

#include <openssl/evp.h>

#include <arpa/inet.h>

#include <array>
#include <cstddef>
#include <ctime>
#include <new>
#include <string_view>

#include <fmt/format.h>

namespace ringio::detail {
namespace {

std::string take_text(BIO& memory) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(&memory, &bytes);
    return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

std::string text_of_ip(const ASN1_OCTET_STRING& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int size = ASN1_STRING_length(&address);
    const int family = size == 4 ? AF_INET : AF_INET6;
    if (size != 4 && size != 16) {
        return "?";
    }
    ::inet_ntop(family, ASN1_STRING_get0_data(&address), text.data(), text.size());
    return text.data();
}

// Whoever made the certificate chose the bytes: what is no text is shown as its number.
std::string ia5_text(const ASN1_IA5STRING& text) {
    std::string result;
    const unsigned char* const bytes = ASN1_STRING_get0_data(&text);
    for (int i = 0; i < ASN1_STRING_length(&text); ++i) {
        if (bytes[i] >= ' ' && bytes[i] < 0x7F) {
            result += static_cast<char>(bytes[i]);
        } else {
            result += fmt::format("\\x{:02x}", bytes[i]);
        }
    }
    return result;
}

std::string alt_name(const GENERAL_NAME& name) {
    switch (name.type) {
        case GEN_DNS:
            return "DNS:" + ia5_text(*name.d.dNSName);
        case GEN_EMAIL:
            return "email:" + ia5_text(*name.d.rfc822Name);
        case GEN_URI:
            return "URI:" + ia5_text(*name.d.uniformResourceIdentifier);
        case GEN_IPADD:
            return "IP:" + text_of_ip(*name.d.iPAddress);
        default:
            return "other";
    }
}

std::string hexadecimal(const unsigned char* bytes, std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text += fmt::format("{:02x}", bytes[i]);
    }
    return text;
}

}  // namespace

std::string text_of(const X509_NAME* name) {
    const BioPtr memory(BIO_new(BIO_s_mem()));
    if (!memory) {
        throw std::bad_alloc();
    }
    X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
    return take_text(*memory);
}

std::chrono::system_clock::time_point time_of(const ASN1_TIME* time) noexcept {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
        return {};
    }
    return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

std::string text_of(std::chrono::system_clock::time_point time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 40> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%F %T UTC", &parts);
    return std::string(text.data(), size);
}

std::vector<std::string> alt_names_of(const X509& certificate) {
    std::vector<std::string> names;
    const std::unique_ptr<GENERAL_NAMES, OpenSslFree<&GENERAL_NAMES_free>> all(
        static_cast<GENERAL_NAMES*>(
            X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
        names.push_back(alt_name(*sk_GENERAL_NAME_value(all.get(), i)));
    }
    return names;
}

TlsCertificate describe(X509& certificate) {
    TlsCertificate result;
    result.subject = text_of(X509_get_subject_name(&certificate));
    result.issuer = text_of(X509_get_issuer_name(&certificate));
    result.subject_alt_names = alt_names_of(certificate);
    result.not_before = time_of(X509_get0_notBefore(&certificate));
    result.not_after = time_of(X509_get0_notAfter(&certificate));
    unsigned char* der = nullptr;
    const int size = i2d_X509(&certificate, &der);
    if (size < 0) {
        throw std::bad_alloc();
    }
    const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owned(
        der, [](unsigned char* bytes) { OPENSSL_free(bytes); });
    result.der.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned digest_size = 0;
    X509_digest(&certificate, EVP_sha256(), digest.data(), &digest_size);
    result.sha256 = hexadecimal(digest.data(), digest_size);
    return result;
}

}  // namespace ringio::detail
