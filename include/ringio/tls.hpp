// L4, tls: streams that nobody else can read or change, by OpenSSL. A component of its own:
// find_package(ringio COMPONENTS tls), ringio::tls.
#pragma once

#include <ringio/tls/tls_context.hpp>
#include <ringio/tls/tls_error.hpp>
