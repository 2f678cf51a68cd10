// Code addresses that another process understands: the file that the code was loaded from, and the
// offset in it.
#pragma once

#include <ringio/process/archive.hpp>
#include <ringio/process/remote_call.hpp>

#include <cstdint>
#include <string>

namespace ringio::detail {

/// A place in a loaded file.
struct CodeAddress {
    std::string file;   // empty: the program itself
    std::string build;  // its build-id, or what stands for it
    std::uint64_t offset = 0;

    template <class Archive>
    void serialize(Archive& archive) {
        bool is_program = file.empty();
        archive(is_program, offset);
        if (!is_program) {
            archive(file, build);
        }
    }
};

/// *Errors*: std::invalid_argument when it is in no loaded file.
CodeAddress code_address_of(CodePointer code);

/// *Errors*: std::runtime_error that names the file which is not loaded here, or is another build.
CodePointer code_at(const CodeAddress& address);

/// The build-id of the program, or what stands for it.
std::string build_of_program();

/// "name + 0x1234", for a report.
std::string describe_code(const CodeAddress& address);

}  // namespace ringio::detail
