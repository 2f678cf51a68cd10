// The preview of a page: what the programs print that download pages.
#pragma once

#include <fmt/core.h>

#include <sstream>
#include <string>

/// Prints 80 dashes and the first 3 lines that are not empty.
inline void print_lines(const std::string& text) {
    fmt::print("{:-<80}\n", "");
    std::istringstream stream(text);
    int count = 0;
    for (std::string line; count < 3 && std::getline(stream, line);) {
        std::erase_if(line, [](unsigned char c) { return c < ' ' || c == 0x7f; });
        if (!line.empty()) {
            fmt::print("{}\n", line);
            ++count;
        }
    }
}
