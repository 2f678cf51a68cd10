#include <ringio/core/repr.hpp>

#include <cstring>

namespace ringio::detail {
namespace {

constexpr std::size_t text_max = 30;  // as Python's reprlib
constexpr std::string_view lambda_name = "<lambda>";
constexpr std::string_view clang_anonymous = "(anonymous namespace)";

std::string quoted(std::string_view text) {
    const char quote =
        text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos
            ? '"'
            : '\'';
    std::string result(1, quote);
    for (const char character : text) {
        switch (character) {
            case '\n':
                result += "\\n";
                break;
            case '\r':
                result += "\\r";
                break;
            case '\t':
                result += "\\t";
                break;
            case '\\':
                result += "\\\\";
                break;
            default:
                if (character == quote) {
                    result += '\\';
                    result += character;
                } else if (static_cast<unsigned char>(character) < 0x20 || character == 0x7f) {
                    result += fmt::format("\\x{:02x}", static_cast<unsigned char>(character));
                } else {
                    result += character;
                }
        }
    }
    result += quote;
    return result;
}

// Where the parameter list of a function's signature begins: the last '(' at template depth 0 that
// is not part of a lambda's own name.
std::size_t parameters_begin(std::string_view signature) {
    int depth = 0;
    for (std::size_t i = 0; i < signature.size(); ++i) {
        const char character = signature[i];
        if (character == '<') {
            ++depth;
        } else if (character == '>' && depth > 0) {
            --depth;
        } else if (character == '(' && depth == 0) {
            if (!signature.substr(i).starts_with(clang_anonymous)) {
                return i;
            }
            i += clang_anonymous.size() - 1;
        }
    }
    return signature.size();
}

// Says whether a signature is that of a lambda, rather than of a template over one: its own name is
// outside of all brackets. "<lambda" with g++; "(anonymous class)" or "(lambda" with clang; GCC 12
// writes "main()::<lambda(int)>". What the arguments of the template are stands behind " [".
bool is_lambda(std::string_view signature) {
    signature = signature.substr(0, signature.find(" ["));
    int depth = 0;
    for (std::size_t i = 0; i < signature.size(); ++i) {
        const std::string_view rest = signature.substr(i);
        const bool begins_name = i == 0 || signature[i - 1] == ':' || signature[i - 1] == ' ';
        if (depth == 0 && begins_name &&
            (rest.starts_with("<lambda") || rest.starts_with("(anonymous class)") ||
             rest.starts_with("(lambda"))) {
            return true;
        }
        if (rest[0] == '<' || rest[0] == '(') {
            ++depth;
        } else if ((rest[0] == '>' || rest[0] == ')') && depth > 0) {
            --depth;
        }
    }
    return false;
}

}  // namespace

std::string repr_text(std::string_view text) {
    const std::string whole = quoted(text);
    if (whole.size() <= text_max) {
        return whole;
    }
    const std::size_t head = (text_max - 3) / 2;
    const std::size_t tail = text_max - 3 - head;
    return quoted(text.substr(0, head - 1)).substr(0, head) + "..." +
           whole.substr(whole.size() - tail);
}

std::string repr_integer(long long value) { return std::to_string(value); }
std::string repr_integer(unsigned long long value) { return std::to_string(value); }

std::string repr_number(double value) {
    std::string text = fmt::format("{}", value);
    const bool looks_integral = text.find_first_not_of("-0123456789") == std::string::npos;
    return looks_integral ? text + ".0" : text;
}

std::string shortened(std::string text) {
    constexpr std::size_t other_max = 120;
    if (text.size() > other_max) {
        text.resize(other_max - 3);
        text += "...";
    }
    return text;
}

std::string function_name(const std::source_location& where) {
    const std::string_view signature = where.function_name();
    if (is_lambda(signature)) {
        return std::string(lambda_name);
    }
    const std::string_view before = signature.substr(0, parameters_begin(signature));
    std::size_t begin = before.size();
    int depth = 0;
    while (begin > 0) {
        const char character = before[begin - 1];
        if (character == '>') {
            ++depth;
        } else if (character == '<') {
            --depth;
        } else if (depth == 0 &&
                   (character == ' ' || character == ':' || character == '*' || character == '&')) {
            break;
        }
        --begin;
    }
    std::string_view name = before.substr(begin);
    name = name.substr(0, name.find('<'));
    return name.empty() ? std::string("?") : std::string(name);
}

std::string file_and_line(const std::source_location& where) {
    const char* path = where.file_name();
    const char* slash = std::strrchr(path, '/');
    return std::string(slash != nullptr ? slash + 1 : path) + ":" + std::to_string(where.line());
}

}  // namespace ringio::detail
