#include <ringio/http/fields.hpp>

#include <fmt/core.h>

namespace ringio::http {

std::string Field::value() const {
    return std::visit([](auto value) { return fmt::format("{}", value); }, value_);
}

FieldList Fields::copied() const {
    if (range_ != nullptr) {
        return copy_(range_);
    }
    FieldList copied;
    if (!are_in_braces_) {
        return copied;
    }
    for (const Field& field : listed_) {
        if (field.is_given()) {
            copied.emplace_back(std::string(field.name()), field.value());
        }
    }
    return copied;
}

}  // namespace ringio::http
