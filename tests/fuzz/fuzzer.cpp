// What libFuzzer calls, where RINGIO_FUZZ_TARGET is the name of a target.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringio::fuzz {

void RINGIO_FUZZ_TARGET(std::string_view input);

}  // namespace ringio::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ringio::fuzz::RINGIO_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
    return 0;
}
