// expect: ringio: json<T>() needs #include <ringio/http/json.hpp>
#include <ringio/http/client_response.hpp>

ringio::Task<int> number(ringio::http::ClientResponse response) { return response.json<int>(); }
