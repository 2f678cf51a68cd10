#include "context_loading.hpp"

#include <ringio/base/scope_exit.hpp>
#include <ringio/tls/tls_error.hpp>

#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
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

bool is_weakness(unsigned long error) noexcept {
    const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
    return reason == SSL_R_EE_KEY_TOO_SMALL || reason == SSL_R_CA_KEY_TOO_SMALL ||
           reason == SSL_R_CA_MD_TOO_WEAK;
}

[[noreturn]] void throw_unusable(const std::string& what, const std::string& hint = {}) {
    const unsigned long error = take_error();
    const std::string reason = reason_of(error);
    throw TlsError(
        TlsErrc::bad_context, "TlsContext: " + what + ": " + reason, reason,
        is_weakness(error) ? "its key or digest is too weak for OpenSSL's security level 2" : hint);
}

// OpenSSL does not see what begins behind a byte order mark, and says nothing of it when there is
// more.
void require_no_mark(const std::string& what, std::string_view content) {
    if (content.starts_with("\xEF\xBB\xBF")) {
        throw TlsError(TlsErrc::bad_context, "TlsContext: " + what + ": no start line",
                       "no start line",
                       "it begins with a byte order mark: save it as UTF-8 without one");
    }
}

// OpenSSL's own words about a file that cannot be opened say little.
void require_readable(const char* what, const std::string& file) {
    const std::string named = fmt::format("{} '{}'", what, file);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(std::fopen(file.c_str(), "re"),
                                                                 &std::fclose);
    std::array<char, 3> start{};
    const std::size_t size =
        opened ? std::fread(start.data(), 1, start.size(), opened.get()) : std::size_t{0};
    if (!opened || std::ferror(opened.get()) != 0) {
        throw std::system_error(errno, std::system_category(), "TlsContext: " + named);
    }
    require_no_mark(named, {start.data(), size});
}

struct Password {
    std::string_view text;
    bool was_asked = false;  // something is encrypted
};

// Without it OpenSSL would ask for the password on the terminal.
int give_password(char* buffer, int size, int, void* given) {
    auto& password = *static_cast<Password*>(given);
    password.was_asked = true;
    return static_cast<int>(password.text.copy(buffer, static_cast<std::size_t>(size)));
}

void load_key(SSL_CTX& context, const std::string& file, const Password& password) {
    require_readable("key", file);
    if (SSL_CTX_use_PrivateKey_file(&context, file.c_str(), SSL_FILETYPE_PEM) == 1) {
        return;
    }
    const unsigned long error = ERR_peek_error();
    if (ERR_GET_LIB(error) == ERR_LIB_X509 && ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH) {
        throw_unusable("key '" + file + "'", "it is not that of the certificate");
    }
    // Of 256 wrong passwords one makes bytes that end as they should, and are no key: OpenSSL says
    // "unsupported" then, or that some length is wrong.
    if (password.was_asked) {
        throw_unusable("key '" + file + "'", password.text.empty()
                                                 ? "it is encrypted: give .password"
                                                 : "is .password the right one?");
    }
    throw_unusable("key '" + file + "'", "a private key in PEM form is expected");
}

// As `openssl rehash` names them, "5ed36f99.0".
bool has_certificates(const std::filesystem::path& directory) {
    std::error_code error;
    std::filesystem::directory_iterator entry(directory, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const std::string name = entry->path().filename();
        if (name.size() >= 10 && name.find_first_not_of("0123456789abcdef") == 8 &&
            name[8] == '.') {
            return true;
        }
    }
    return false;
}

// Several, with colons in between.
bool any_has_certificates(std::string_view directories) {
    while (!directories.empty()) {
        const std::size_t size = std::min(directories.find(':'), directories.size());
        if (has_certificates(directories.substr(0, size))) {
            return true;
        }
        directories.remove_prefix(std::min(size + 1, directories.size()));
    }
    return false;
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

void append_line(const SSL* ssl, const char* line) { log_key(*SSL_get_SSL_CTX(ssl), line); }

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
    Password asked{.text = password};
    SSL_CTX_set_default_passwd_cb(&context, &give_password);
    SSL_CTX_set_default_passwd_cb_userdata(&context, &asked);
    const ScopeExit forget([&context] {
        SSL_CTX_set_default_passwd_cb_userdata(&context, nullptr);
        SSL_CTX_set_default_passwd_cb(&context, nullptr);
    });
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(&context, file.c_str()) != 1) {
        throw_unusable("certificate '" + file + "'", "a certificate in PEM form is expected");
    }
    load_key(context, key.empty() ? file : std::string(key), asked);
    if (SSL_CTX_check_private_key(&context) != 1) {
        throw_unusable("key '" + std::string(key) + "'", "it is not that of the certificate");
    }
}

void trust_file(SSL_CTX& context, const char* option, std::string_view file) {
    const std::string name(file);
    require_readable(option, name);
    ERR_clear_error();
    if (SSL_CTX_load_verify_file(&context, name.c_str()) != 1) {
        throw_unusable(fmt::format("{} '{}'", option, name),
                       "certificates in PEM form are expected");
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
    require_no_mark("ca_data", pem);
    ERR_clear_error();
    const BioPtr memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    if (!memory) {
        throw std::bad_alloc();
    }
    X509_STORE* const store = SSL_CTX_get_cert_store(&context);
    int found = 0;
    Password no_password;
    while (X509Ptr certificate{
        PEM_read_bio_X509(memory.get(), nullptr, &give_password, &no_password)}) {
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

// OpenSSL reads a file at once, and directories when it looks for somebody.
void trust_system(SSL_CTX& context) {
    const char* const variable = ::secure_getenv(X509_get_default_cert_dir_env());
    const char* const directories = variable != nullptr ? variable : X509_get_default_cert_dir();
    const bool could = SSL_CTX_set_default_verify_paths(&context) == 1;
    ERR_clear_error();
    const X509_STORE* const store = SSL_CTX_get_cert_store(&context);
    const bool has_some = sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) > 0;
    if (!could || (!has_some && !any_has_certificates(directories))) {
        throw TlsError(TlsErrc::bad_context,
                       fmt::format("TlsContext: no CA certificates in {}", directories),
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
    SSL_CTX_set_keylog_callback(&context, &append_line);
}

bool logs_keys(const SSL_CTX& context) noexcept {
    return SSL_CTX_get_ex_data(&context, log_index()) != nullptr;
}

void log_key(const SSL_CTX& context, const char* line) noexcept {
    auto* const file = static_cast<std::FILE*>(SSL_CTX_get_ex_data(&context, log_index()));
    if (file != nullptr) {
        std::fprintf(file, "%s\n", line);
        std::fflush(file);
    }
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
