#include "context_loading.hpp"

#include <ringio/tls/tls_error.hpp>

#include <openssl/pem.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <new>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

namespace ringio::detail {
namespace {

// CPython's, for TLS 1.2: forward secrecy and authenticated encryption first.
constexpr const char* default_ciphers =
    "ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM";

int number_of(TlsVersion version) noexcept {
    return version == TlsVersion::tls1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

[[noreturn]] void throw_unusable(const std::string& what, const std::string& hint = {}) {
    const std::string reason = reason_of(take_error());
    throw TlsError(TlsErrc::bad_context, "TlsContext: " + what + ": " + reason, reason, hint);
}

// OpenSSL's own words about a file that cannot be opened say little.
void require_readable(const char* what, const std::string& file) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(std::fopen(file.c_str(), "re"),
                                                                 &std::fclose);
    char first = 0;
    errno = 0;
    if (!opened || (std::fread(&first, 1, 1, opened.get()) != 1 && errno != 0)) {
        throw std::system_error(errno, std::system_category(),
                                fmt::format("TlsContext: {} '{}'", what, file));
    }
}

// Without it OpenSSL would ask for the password on the terminal.
int give_password(char* buffer, int size, int, void* password) {
    const auto& text = *static_cast<const std::string_view*>(password);
    const int length = static_cast<int>(std::min(text.size(), static_cast<std::size_t>(size)));
    std::memcpy(buffer, text.data(), static_cast<std::size_t>(length));
    return length;
}

bool is_wrong_password(unsigned long error) noexcept {
    return error != 0 && (ERR_GET_REASON(error) == PEM_R_BAD_PASSWORD_READ ||
                          ERR_GET_LIB(error) == ERR_LIB_PROV || ERR_GET_LIB(error) == ERR_LIB_EVP);
}

void load_key(SSL_CTX& context, const std::string& file, std::string_view password) {
    require_readable("key", file);
    SSL_CTX_set_default_passwd_cb(&context, &give_password);
    SSL_CTX_set_default_passwd_cb_userdata(&context, &password);
    const bool loaded = SSL_CTX_use_PrivateKey_file(&context, file.c_str(), SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(&context, nullptr);
    SSL_CTX_set_default_passwd_cb(&context, nullptr);
    if (loaded) {
        return;
    }
    if (is_wrong_password(ERR_peek_error())) {
        throw_unusable("key '" + file + "'", password.empty() ? "it is encrypted: give .password"
                                                              : "is .password the right one?");
    }
    if (ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH) {
        throw_unusable("key '" + file + "'", "it is not that of the certificate");
    }
    throw_unusable("key '" + file + "'", "a private key in PEM form is expected");
}

bool has_entries(const char* directory) {
    std::error_code ignored;
    const std::filesystem::directory_iterator entries(directory, ignored);
    return !ignored && entries != std::filesystem::directory_iterator();
}

const char* value_or(const char* variable, const char* otherwise) noexcept {
    const char* const value = std::getenv(variable);
    return value != nullptr ? value : otherwise;
}

void append_line(const SSL* ssl, const char* line) {
    auto* const file = static_cast<std::FILE*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    if (file != nullptr) {
        std::fprintf(file, "%s\n", line);
        std::fflush(file);
    }
}

// Of an index of the context: called when it goes.
void close_log(void*, void* file, CRYPTO_EX_DATA*, int, long, void*) {
    if (file != nullptr) {
        std::fclose(static_cast<std::FILE*>(file));
    }
}

int log_index() noexcept {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &close_log);
    return index;
}

}  // namespace

SslContextPtr make_context(bool is_server, TlsVersion least, TlsVersion most,
                           std::string_view ciphers) {
    if (least > most) {
        throw std::invalid_argument("TlsContext: min_version is above max_version");
    }
    if (ciphers.find("SECLEVEL") != std::string_view::npos) {
        throw std::invalid_argument(
            "TlsContext: ciphers must not change the security level (@SECLEVEL); it is 2");
    }
    ERR_clear_error();
    SslContextPtr owned(SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method()));
    if (!owned) {
        throw std::bad_alloc();
    }
    SSL_CTX& context = *owned;
    if (SSL_CTX_get_security_level(&context) < 2) {
        SSL_CTX_set_security_level(&context, 2);
    }
    SSL_CTX_set_min_proto_version(&context, number_of(least));
    SSL_CTX_set_max_proto_version(&context, number_of(most));
    SSL_CTX_set_options(&context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                      SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                      SSL_OP_SINGLE_DH_USE | SSL_OP_SINGLE_ECDH_USE);
    SSL_CTX_set_mode(&context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                   SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_dh_auto(&context, 1);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(&context), X509_V_FLAG_X509_STRICT |
                                                                  X509_V_FLAG_PARTIAL_CHAIN |
                                                                  X509_V_FLAG_TRUSTED_FIRST);
    const std::string list = ciphers.empty() ? default_ciphers : std::string(ciphers);
    if (SSL_CTX_set_cipher_list(&context, list.c_str()) != 1) {
        const std::string reason = reason_of(take_error());
        throw std::invalid_argument(fmt::format(
            "TlsContext: ciphers '{}': {}; `openssl ciphers -v` lists them", list, reason));
    }
    return owned;
}

void load_identity(SSL_CTX& context, std::string_view certificate, std::string_view key,
                   std::string_view password) {
    if (certificate.empty()) {
        if (!key.empty()) {
            throw std::invalid_argument("TlsContext: a key, and no certificate to it");
        }
        return;
    }
    const std::string file(certificate);
    require_readable("certificate", file);
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(&context, file.c_str()) != 1) {
        throw_unusable("certificate '" + file + "'", "a certificate in PEM form is expected");
    }
    load_key(context, key.empty() ? file : std::string(key), password);
    if (SSL_CTX_check_private_key(&context) != 1) {
        throw_unusable("key '" + std::string(key) + "'", "it is not that of the certificate");
    }
}

void trust_file(SSL_CTX& context, std::string_view file) {
    const std::string name(file);
    require_readable("ca_file", name);
    ERR_clear_error();
    if (SSL_CTX_load_verify_file(&context, name.c_str()) != 1) {
        throw_unusable("ca_file '" + name + "'", "certificates in PEM form are expected");
    }
}

void trust_directory(SSL_CTX& context, std::string_view directory) {
    const std::string name(directory);
    std::error_code error;
    if (!std::filesystem::is_directory(name, error)) {
        throw std::system_error(error ? error : std::make_error_code(std::errc::not_a_directory),
                                "TlsContext: ca_path '" + name + "'");
    }
    ERR_clear_error();
    if (SSL_CTX_load_verify_dir(&context, name.c_str()) != 1) {
        throw_unusable("ca_path '" + name + "'");
    }
}

void trust_data(SSL_CTX& context, std::string_view pem) {
    ERR_clear_error();
    const BioPtr memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    if (!memory) {
        throw std::bad_alloc();
    }
    X509_STORE* const store = SSL_CTX_get_cert_store(&context);
    int found = 0;
    while (X509Ptr certificate{PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr)}) {
        if (X509_STORE_add_cert(store, certificate.get()) != 1) {
            throw_unusable("ca_data");
        }
        ++found;
    }
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (found == 0 || !at_end) {
        throw_unusable("ca_data", "certificates in PEM form are expected");
    }
    ERR_clear_error();
}

void trust_system(SSL_CTX& context) {
    const char* const file =
        value_or(X509_get_default_cert_file_env(), X509_get_default_cert_file());
    const char* const directory =
        value_or(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
    ERR_clear_error();
    std::error_code ignored;
    const bool has_some = std::filesystem::exists(file, ignored) || has_entries(directory);
    if (!has_some || SSL_CTX_set_default_verify_paths(&context) != 1) {
        throw TlsError(TlsErrc::bad_context,
                       fmt::format("TlsContext: no CA certificates in {}", directory),
                       "no CA certificates", "apt-get install ca-certificates, or give .ca_file");
    }
}

void load_revoked(SSL_CTX& context, std::string_view file) {
    const std::string name(file);
    require_readable("crl_file", name);
    ERR_clear_error();
    X509_LOOKUP* const lookup =
        X509_STORE_add_lookup(SSL_CTX_get_cert_store(&context), X509_LOOKUP_file());
    if (lookup == nullptr || X509_load_crl_file(lookup, name.c_str(), X509_FILETYPE_PEM) < 1) {
        throw_unusable("crl_file '" + name + "'", "a revocation list in PEM form is expected");
    }
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(&context), X509_V_FLAG_CRL_CHECK);
}

void ask_for_certificates_of(SSL_CTX& context, std::string_view file) {
    ERR_clear_error();
    STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(std::string(file).c_str());
    if (names == nullptr) {
        throw_unusable("client_ca '" + std::string(file) + "'");
    }
    SSL_CTX_set_client_CA_list(&context, names);
}

void log_keys(SSL_CTX& context, std::string_view file) {
    const std::string name(file);
    std::FILE* const opened = std::fopen(name.c_str(), "ae");
    if (opened == nullptr) {
        throw std::system_error(errno, std::system_category(),
                                "TlsContext: keylog_file '" + name + "'");
    }
    SSL_CTX_set_ex_data(&context, log_index(), opened);
    SSL_CTX_set_app_data(&context, opened);
    SSL_CTX_set_keylog_callback(&context, &append_line);
}

std::string alpn_of(const AlpnProtocols& protocols) {
    std::string result;
    for (const std::string_view name : protocols) {
        if (name.empty() || name.size() > 255) {
            throw std::invalid_argument(
                "TlsContext: a name in .alpn is empty or longer than 255 bytes");
        }
        result += static_cast<char>(name.size());
        result += name;
    }
    return result;
}

}  // namespace ringio::detail
