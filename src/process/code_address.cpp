#include "code_address.hpp"

#include <fmt/core.h>

#include <elf.h>
#include <link.h>

#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>

namespace ringio::detail {
namespace {

using Segments = std::span<const ElfW(Phdr)>;

// A loaded file, as dl_iterate_phdr(3) tells of it.
struct Module {
    explicit Module(const dl_phdr_info& info)
        : name(info.dlpi_name), base(info.dlpi_addr), segments(info.dlpi_phdr, info.dlpi_phnum) {}

    bool has_code_at(std::uint64_t offset) const {
        for (const ElfW(Phdr) & segment : segments) {
            if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 &&
                offset >= segment.p_vaddr && offset - segment.p_vaddr < segment.p_memsz) {
                return true;
            }
        }
        return false;
    }

    // The build-id in hexadecimal digits; of a file that was linked without one, how much it loads.
    std::string build() const {
        std::uint64_t loaded = 0;
        for (const ElfW(Phdr) & segment : segments) {
            if (segment.p_type == PT_NOTE) {
                const std::string id = build_id_in(segment);
                if (!id.empty()) {
                    return id;
                }
            } else if (segment.p_type == PT_LOAD) {
                loaded = segment.p_vaddr + segment.p_memsz;
            }
        }
        return fmt::format("size {}", loaded);
    }

    std::string_view name;
    std::uint64_t base;
    Segments segments;

private:
    // Notes are padded to four bytes, or to eight where the segment says so.
    std::string build_id_in(const ElfW(Phdr) & segment) const {
        const auto* const bytes = reinterpret_cast<const char*>(base + segment.p_vaddr);
        const std::size_t padding = segment.p_align == 8 ? 8 : 4;
        const auto padded = [&](std::size_t size) {
            return (size + padding - 1) / padding * padding;
        };
        for (std::size_t at = 0; at + sizeof(ElfW(Nhdr)) <= segment.p_memsz;) {
            ElfW(Nhdr) note;
            std::memcpy(&note, bytes + at, sizeof(note));
            const char* const owner = bytes + at + sizeof(note);
            const char* const content = owner + padded(note.n_namesz);
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
                std::memcmp(owner, "GNU", 4) == 0) {
                std::string digits;
                for (std::size_t each = 0; each < note.n_descsz; ++each) {
                    digits += fmt::format("{:02x}", static_cast<unsigned char>(content[each]));
                }
                return digits;
            }
            at += sizeof(note) + padded(note.n_namesz) + padded(note.n_descsz);
        }
        return {};
    }
};

// Calls `visitor(module)` for each loaded file, the program first, until it returns true; in
// between none is loaded or unloaded.
template <class Visitor>
void find_module(Visitor visitor) {
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* data) {
            return (*static_cast<Visitor*>(data))(Module(*info)) ? 1 : 0;
        },
        &visitor);
}

// The program itself, which stays where it is.
const Module& program() {
    static const Module found = [] {
        std::optional<Module> first;
        find_module([&](const Module& module) {
            first = module;
            return true;
        });
        return *first;
    }();
    return found;
}

}  // namespace

CodeAddress code_address_of(CodePointer code) {
    const auto address = reinterpret_cast<std::uint64_t>(code);
    CodeAddress found{.file = {}, .build = {}, .offset = address - program().base};
    if (program().has_code_at(found.offset)) {
        return found;
    }
    bool is_found = false;
    find_module([&](const Module& module) {
        found.offset = address - module.base;
        is_found = module.has_code_at(found.offset);
        if (is_found) {
            found.file = module.name;
            found.build = module.build();
        }
        return is_found;
    });
    if (!is_found) {
        throw std::invalid_argument(
            "the function was not loaded from a file (it was made at run time), so that no other "
            "process has it");
    }
    return found;
}

CodePointer code_at(const CodeAddress& address) {
    std::optional<Module> found;
    if (address.file.empty()) {
        found = program();
    } else {
        find_module([&](const Module& module) {
            const bool is_it = module.name == address.file;
            if (is_it) {
                found = module;
            }
            return is_it;
        });
    }
    if (!found) {
        throw std::runtime_error(fmt::format(
            "the function is in '{}', which the worker process has not loaded; load it in the "
            "pool's initializer",
            address.file));
    }
    if ((!address.file.empty() && found->build() != address.build) ||
        !found->has_code_at(address.offset)) {
        throw std::runtime_error(fmt::format(
            "the function is in '{}', of which the worker process has loaded another build",
            address.file));
    }
    return reinterpret_cast<CodePointer>(found->base + address.offset);
}

std::string build_of_program() { return program().build(); }

std::string describe_code(const CodeAddress& address) {
    return fmt::format("{} + {:#x}", address.file.empty() ? "the program" : address.file,
                       address.offset);
}

}  // namespace ringio::detail
