#include <ringio/http/multipart.hpp>

#include <support/catch.hpp>

#include <stdexcept>
#include <string>
#include <type_traits>

using ringio::http::Multipart;
using ringio::http::Part;

TEST_CASE("Multipart: fields and files between boundaries") {
    const Multipart form = {{"name", "value"}, {"file", "bytes", "a.png", "image/png"}};
    CHECK(form.is_given());
    CHECK(form.encoded("XX") ==
          "--XX\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nvalue\r\n"
          "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n"
          "Content-Type: image/png\r\n\r\nbytes\r\n--XX--\r\n");
    CHECK(!Multipart().is_given());
    CHECK(Multipart().encoded("XX") == "--XX--\r\n");
}

TEST_CASE("Multipart: a name cannot end its line, a type must not") {
    CHECK(Multipart({{"a\"b\r\nX: y", "v"}}).encoded("B").find("name=\"a%22b%0D%0AX: y\"\r\n") !=
          std::string::npos);
    CHECK(Multipart({{"a", "v", "f\n"}}).encoded("B").find("filename=\"f%0A\"") !=
          std::string::npos);
    CHECK_THROWS_AS(Multipart({{"a", "v", "f", "text/x\r\n"}}).encoded("B"), std::invalid_argument);
    CHECK_THROWS_AS(Multipart({{std::string_view("a\0", 2), "v"}}).encoded("B"),
                    std::invalid_argument);
}

TEST_CASE("Multipart: two boundaries are never the same, and nothing is to be destroyed") {
    using ringio::http::detail::random_boundary;
    CHECK(random_boundary() != random_boundary());
    CHECK(random_boundary().size() == 32);
    STATIC_REQUIRE(std::is_trivially_destructible_v<Multipart>);
    STATIC_REQUIRE(std::is_trivially_destructible_v<Part>);
}
