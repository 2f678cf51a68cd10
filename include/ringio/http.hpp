// L4, http: requests over HTTP, by libcurl. An optional component: link ringio::http.
//
//   ClientSession              get post put patch delete_ head options request
//   ClientResponse             status headers text read content
//   SessionOptions RequestOptions ClientTimeout BasicAuth
//   Fields Multipart Data      parameters, headers, forms; bodies
//   Url Headers
//   ClientError …              aiohttp's errors
#pragma once

#include <ringio/http/client_response.hpp>
#include <ringio/http/client_session.hpp>
#include <ringio/http/errors.hpp>
#include <ringio/http/fields.hpp>
#include <ringio/http/headers.hpp>
#include <ringio/http/multipart.hpp>
#include <ringio/http/options.hpp>
#include <ringio/http/url.hpp>
