#include <ringio/http/fields.hpp>

#include <fmt/core.h>

namespace ringio::http {

std::string Field::value() const {
    switch (kind_) {
        case Kind::integer:
            return std::to_string(number_);
        case Kind::real:
            return fmt::format("{}", real_);
        case Kind::text:
            break;
    }
    return std::string(text_);
}

FieldList Fields::copied() const {
    if (range_ != nullptr) {
        return copy_(range_);
    }
    FieldList copied;
    for (const Field& field : listed_) {
        if (field.is_given()) {
            copied.emplace_back(std::string(field.name()), field.value());
        }
    }
    return copied;
}

}  // namespace ringio::http
