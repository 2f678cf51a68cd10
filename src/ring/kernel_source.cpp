#include <ringio/ring/kernel_source.hpp>

#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include <ringio/ring/epoll_kernel.hpp>
#include <ringio/ring/setup_failure.hpp>
#include <ringio/ring/uring_kernel.hpp>

#include "uring_refusal.hpp"

namespace ringio {
namespace {

class UringSource final : public KernelSource {
public:
    explicit constexpr UringSource(bool restricted) noexcept : restricted_(restricted) {}

    std::unique_ptr<Kernel> make(unsigned entries) override {
        return std::make_unique<UringKernel>(
            UringOptions{.entries = entries, .restricted = restricted_});
    }

private:
    bool restricted_;
};

std::unique_ptr<Kernel> make_epoll_kernel(unsigned entries, std::string remark = {}) {
    return std::make_unique<EpollKernel>(
        EpollOptions{.entries = entries, .remark = std::move(remark)});
}

class EpollSource final : public KernelSource {
public:
    std::unique_ptr<Kernel> make(unsigned entries) override { return make_epoll_kernel(entries); }
};

// Why io_uring is not used in this process, once that is known. It may be forbidden at any time,
// but hardly allowed again: only the refusal is remembered.
class KnownRefusal {
public:
    std::optional<std::string> get() {
        const std::lock_guard lock(mutex_);
        return text_;
    }
    void set(const std::string& text) {
        const std::lock_guard lock(mutex_);
        text_ = text;
    }

private:
    std::mutex mutex_;
    std::optional<std::string> text_;
};

class AutomaticSource final : public KernelSource {
public:
    std::unique_ptr<Kernel> make(unsigned entries) override {
        static KnownRefusal known;
        if (const std::optional<std::string> refusal = known.get()) {
            return make_epoll_kernel(entries, *refusal);
        }
        std::optional<std::string> refusal = detail::foresee_uring_refusal();
        if (!refusal) {
            try {
                return std::make_unique<UringKernel>(UringOptions{.entries = entries});
            } catch (const std::system_error& error) {
                if (!detail::is_uring_refusal(error.code().value())) {
                    throw;
                }
                refusal = error.what();
            }
        }
        known.set("epoll is used: " + *refusal);
        return make_epoll_kernel(entries, "epoll is used: " + *refusal);
    }
};

class DefaultSource final : public KernelSource {
public:
    std::unique_ptr<Kernel> make(unsigned entries) override {
        const char* const value = std::getenv("RINGIO_KERNEL");
        return named(value != nullptr ? value : "").make(entries);
    }

private:
    static KernelSource& named(std::string_view name) {
        if (name.empty() || name == "auto") {
            return automatic_kernel();
        }
        if (name == "uring") {
            return uring_kernel();
        }
        if (name == "epoll") {
            return epoll_kernel();
        }
        throw std::invalid_argument("RINGIO_KERNEL must be uring, epoll or auto; it is \"" +
                                    std::string(name) + "\"");
    }
};

}  // namespace

KernelSource& uring_kernel() noexcept {
    static UringSource source(false);
    return source;
}

KernelSource& restricted_uring_kernel() noexcept {
    static UringSource source(true);
    return source;
}

KernelSource& epoll_kernel() noexcept {
    static EpollSource source;
    return source;
}

KernelSource& automatic_kernel() noexcept {
    static AutomaticSource source;
    return source;
}

KernelSource& default_kernel() noexcept {
    static DefaultSource source;
    return source;
}

}  // namespace ringio
