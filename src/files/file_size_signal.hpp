// SIGXFSZ: what the kernel sends to a process that writes beyond RLIMIT_FSIZE, and that ends it.
#pragma once

namespace ringio::detail {

/// Has such a write fail with EFBIG instead: ignores the signal if nobody said what is to be done
/// with it. Looks once in the life of the process. *Python*: ignored from the start.
void ignore_file_size_signal() noexcept;

}  // namespace ringio::detail
