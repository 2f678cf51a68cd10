// Certificates made on the fly, good ones and bad ones, as files that a TlsContext takes.
#pragma once

#include <ringio/tls.hpp>
#include <support/catch.hpp>
#include <support/temp_folder.hpp>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringio::test_support {

/// Files in PEM form.
struct Identity {
    std::string certificate;
    std::string key;
};

/// Where files of the tests are, until the program ends.
inline const TempFolder& pem_folder() {
    static const TempFolder made;
    return made;
}

/// A file with this in it.
inline std::string pem_file(const std::string& content) {
    static int count = 0;
    return pem_folder().file("made" + std::to_string(++count) + ".pem", content);
}

inline std::string content_of(const std::string& file) {
    return pem_folder().content(file.substr(file.rfind('/') + 1));
}

/// What is to be in a certificate.
struct CertificateOptions {
    std::string common_name = "test";
    std::string alt_names = "DNS:localhost,IP:127.0.0.1";  // nothing: there are none
    std::string usage = "serverAuth,clientAuth";
    std::string key_type = "EC";  // or "RSA"
    unsigned rsa_bits = 2048;
    long begins_in = -3600;  // seconds from now
    long ends_in = 24 * 3600;
    bool is_authority = false;
    bool signs_itself = false;  // issue() gives one that no authority vouches for
    std::string digest = "SHA256";
    std::string password = {};                       // of the key's file
    std::function<void(X509&)> before_signing = {};  // whatever else is to be wrong
};

class CertificateMaker {
public:
    /// An authority that signs itself.
    CertificateMaker()
        : CertificateMaker(
              {.common_name = "ringio test CA", .alt_names = "", .is_authority = true}) {}
    explicit CertificateMaker(const CertificateOptions& options)
        : key_(make_key(options)), certificate_(make(options, *key_, nullptr, *key_)) {}

    /// The file to trust.
    std::string file() const { return pem_file(pem(*certificate_)); }
    std::string text() const { return pem(*certificate_); }

    /// By which a directory of authorities finds it, "5ed36f99".
    std::string hash() const {
        return fmt::format("{:08x}", X509_NAME_hash_ex(X509_get_subject_name(certificate_.get()),
                                                       nullptr, nullptr, nullptr));
    }

    /// A certificate of this authority, with the chain up to it if that is given.
    Identity issue(const CertificateOptions& options = {}, const std::string& chain = {}) const {
        const KeyPtr key = make_key(options);
        const CertificatePtr certificate = options.signs_itself
                                               ? make(options, *key, nullptr, *key)
                                               : make(options, *key, certificate_.get(), *key_);
        return {pem_file(pem(*certificate) + chain), pem_file(pem(*key, options.password))};
    }

    /// The file of this authority's certificate, encrypted as a key would be.
    std::string encrypted_certificate(std::string_view password) const {
        const std::unique_ptr<BIO, Free> memory(BIO_new(BIO_s_mem()));
        PEM_ASN1_write_bio(reinterpret_cast<i2d_of_void*>(&i2d_X509), PEM_STRING_X509, memory.get(),
                           certificate_.get(), EVP_aes_128_cbc(),
                           reinterpret_cast<const unsigned char*>(password.data()),
                           static_cast<int>(password.size()), nullptr, nullptr);
        return pem_file(taken(*memory));
    }

    /// The file of a key that is encrypted already, in the form of before PKCS #8.
    static std::string traditional(const Identity& identity, std::string_view password) {
        const std::unique_ptr<BIO, Free> opened(BIO_new_file(identity.key.c_str(), "r"));
        std::string copy(password);
        const KeyPtr key(PEM_read_bio_PrivateKey(opened.get(), nullptr, nullptr, copy.data()));
        REQUIRE(key);
        const std::unique_ptr<BIO, Free> memory(BIO_new(BIO_s_mem()));
        PEM_write_bio_PrivateKey_traditional(
            memory.get(), key.get(), EVP_aes_128_cbc(),
            reinterpret_cast<const unsigned char*>(password.data()),
            static_cast<int>(password.size()), nullptr, nullptr);
        return pem_file(taken(*memory));
    }

    /// The file of a list that takes certificates of this authority back; `days` from now on it is
    /// out of date.
    std::string revoke(const std::vector<std::string>& certificates, int days = 30) const {
        const std::unique_ptr<X509_CRL, Free> list(X509_CRL_new());
        X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
        X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_.get()));
        const std::unique_ptr<ASN1_TIME, Free> time(ASN1_TIME_new());
        X509_gmtime_adj(time.get(), -60L * 24 * 3600);
        X509_CRL_set1_lastUpdate(list.get(), time.get());
        for (const std::string& file : certificates) {
            const CertificatePtr certificate = read(file);
            X509_REVOKED* const entry = X509_REVOKED_new();
            X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.get()));
            X509_REVOKED_set_revocationDate(entry, time.get());
            X509_CRL_add0_revoked(list.get(), entry);
        }
        X509_gmtime_adj(time.get(), days * 24L * 3600);
        X509_CRL_set1_nextUpdate(list.get(), time.get());
        REQUIRE(X509_CRL_sign(list.get(), key_.get(), EVP_sha256()) > 0);
        const std::unique_ptr<BIO, Free> memory(BIO_new(BIO_s_mem()));
        PEM_write_bio_X509_CRL(memory.get(), list.get());
        return pem_file(taken(*memory));
    }

    /// An authority below this one.
    CertificateMaker intermediate(CertificateOptions options) const {
        options.is_authority = true;
        options.alt_names.clear();
        return pretender(options);
    }

    /// One that issues, whether it is an authority or not.
    CertificateMaker pretender(const CertificateOptions& options) const {
        KeyPtr key = make_key(options);
        CertificatePtr certificate = make(options, *key, certificate_.get(), *key_);
        return {std::move(key), std::move(certificate)};
    }

private:
    struct Free {
        void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
        void operator()(X509* certificate) const noexcept { X509_free(certificate); }
        void operator()(X509_CRL* list) const noexcept { X509_CRL_free(list); }
        void operator()(ASN1_TIME* time) const noexcept { ASN1_TIME_free(time); }
        void operator()(BIO* bio) const noexcept { BIO_free(bio); }
        void operator()(X509_EXTENSION* extension) const noexcept {
            X509_EXTENSION_free(extension);
        }
    };
    using KeyPtr = std::unique_ptr<EVP_PKEY, Free>;
    using CertificatePtr = std::unique_ptr<X509, Free>;

    CertificateMaker(KeyPtr key, CertificatePtr certificate)
        : key_(std::move(key)), certificate_(std::move(certificate)) {}

    static KeyPtr make_key(const CertificateOptions& options) {
        KeyPtr key(options.key_type == "RSA" ? EVP_RSA_gen(options.rsa_bits) : EVP_EC_gen("P-256"));
        REQUIRE(key);
        return key;
    }

    static void extend(X509& certificate, X509* issuer, int what, const std::string& value) {
        X509V3_CTX context;
        X509V3_set_ctx(&context, issuer != nullptr ? issuer : &certificate, &certificate, nullptr,
                       nullptr, 0);
        const std::unique_ptr<X509_EXTENSION, Free> extension(
            X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str()));
        REQUIRE(extension);
        X509_add_ext(&certificate, extension.get(), -1);
    }

    static CertificatePtr make(const CertificateOptions& options, EVP_PKEY& key, X509* issuer,
                               EVP_PKEY& issuer_key) {
        static long serial = 1000;
        CertificatePtr certificate(X509_new());
        X509& made = *certificate;
        X509_set_version(&made, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(&made), ++serial);
        X509_gmtime_adj(X509_getm_notBefore(&made), options.begins_in);
        X509_gmtime_adj(X509_getm_notAfter(&made), options.ends_in);
        X509_set_pubkey(&made, &key);
        X509_NAME_add_entry_by_txt(
            X509_get_subject_name(&made), "CN", MBSTRING_UTF8,
            reinterpret_cast<const unsigned char*>(options.common_name.c_str()), -1, -1, 0);
        X509_set_issuer_name(&made, X509_get_subject_name(issuer != nullptr ? issuer : &made));
        extend(made, issuer, NID_basic_constraints,
               options.is_authority ? "critical,CA:TRUE" : "CA:FALSE");
        extend(made, issuer, NID_key_usage,
               options.is_authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
        extend(made, issuer, NID_subject_key_identifier, "hash");
        if (issuer == nullptr || X509_get_ext_by_NID(issuer, NID_subject_key_identifier, -1) >= 0) {
            extend(made, issuer, NID_authority_key_identifier, "keyid:always");
        }
        if (!options.is_authority && !options.usage.empty()) {
            extend(made, issuer, NID_ext_key_usage, options.usage);
        }
        if (!options.alt_names.empty()) {
            extend(made, issuer, NID_subject_alt_name, options.alt_names);
        }
        if (options.before_signing) {
            options.before_signing(made);
        }
        REQUIRE(X509_sign(&made, &issuer_key, EVP_get_digestbyname(options.digest.c_str())) > 0);
        return certificate;
    }

    static CertificatePtr read(const std::string& file) {
        const std::unique_ptr<BIO, Free> opened(BIO_new_file(file.c_str(), "r"));
        CertificatePtr certificate(PEM_read_bio_X509(opened.get(), nullptr, nullptr, nullptr));
        REQUIRE(certificate);
        return certificate;
    }
    static std::string taken(BIO& memory) {
        char* bytes = nullptr;
        const long size = BIO_get_mem_data(&memory, &bytes);
        return {bytes, static_cast<std::size_t>(size)};
    }
    static std::string pem(X509& certificate) {
        const std::unique_ptr<BIO, Free> memory(BIO_new(BIO_s_mem()));
        PEM_write_bio_X509(memory.get(), &certificate);
        return taken(*memory);
    }
    static std::string pem(EVP_PKEY& key, const std::string& password) {
        const std::unique_ptr<BIO, Free> memory(BIO_new(BIO_s_mem()));
        PEM_write_bio_PrivateKey(
            memory.get(), &key, password.empty() ? nullptr : EVP_aes_128_cbc(),
            reinterpret_cast<const unsigned char*>(password.empty() ? nullptr : password.data()),
            static_cast<int>(password.size()), nullptr, nullptr);
        return taken(*memory);
    }

    KeyPtr key_;
    CertificatePtr certificate_;
};

/// One authority and one certificate of it for "localhost", made once for all tests.
inline const CertificateMaker& test_authority() {
    static const CertificateMaker made;
    return made;
}
inline const Identity& localhost() {
    static const Identity made = test_authority().issue();
    return made;
}
inline const std::string& test_ca_file() {
    static const std::string made = test_authority().file();
    return made;
}

inline TlsContext client_context() { return TlsContext::client({.ca_file = test_ca_file()}); }
inline TlsContext server_context() {
    return TlsContext::server({.certificate = localhost().certificate, .key = localhost().key});
}

}  // namespace ringio::test_support
