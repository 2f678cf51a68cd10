#include "stream_bio.hpp"

#include "tls_session.hpp"

#include <cstddef>
#include <new>
#include <string_view>

namespace ringio::detail {
namespace {

TlsSession& session_of(BIO* bio) noexcept { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

int read(BIO* bio, char* target, std::size_t size, std::size_t* done) noexcept {
    BIO_clear_retry_flags(bio);
    TlsSession& session = session_of(bio);
    *done = session.read_below(target, size);
    if (*done > 0) {
        return 1;
    }
    if (!session.has_ended_below()) {
        BIO_set_retry_read(bio);
    }
    return 0;
}

int write(BIO* bio, const char* bytes, std::size_t size, std::size_t* done) noexcept {
    BIO_clear_retry_flags(bio);
    *done = session_of(bio).write_below(std::string_view(bytes, size)) ? size : 0;
    return *done > 0 ? 1 : 0;
}

long control(BIO* bio, int command, long, void*) noexcept {
    switch (command) {
        case BIO_CTRL_FLUSH:
            return 1;
        case BIO_CTRL_EOF:
            return session_of(bio).has_ended_below() ? 1 : 0;
        case BIO_CTRL_PENDING:
            return static_cast<long>(session_of(bio).size_below());
        default:
            return 0;
    }
}

const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
        BIO_METHOD* const result =
            BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ringio stream");
        if (result == nullptr) {
            throw std::bad_alloc();
        }
        BIO_meth_set_read_ex(result, &read);
        BIO_meth_set_write_ex(result, &write);
        BIO_meth_set_ctrl(result, &control);
        return result;
    }();
    return made;
}

}  // namespace

BioPtr make_stream_bio(TlsSession& session) {
    BioPtr bio(BIO_new(method()));
    if (!bio) {
        throw std::bad_alloc();
    }
    BIO_set_data(bio.get(), &session);
    BIO_set_init(bio.get(), 1);
    return bio;
}

}  // namespace ringio::detail
