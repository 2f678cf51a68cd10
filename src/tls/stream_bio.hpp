// The BIO through which OpenSSL reads and writes the stream below a TlsSession.
#pragma once

#include "openssl.hpp"

namespace ringio::detail {

class TlsSession;

/// *Errors*: std::bad_alloc.
BioPtr make_stream_bio(TlsSession& session);

}  // namespace ringio::detail
