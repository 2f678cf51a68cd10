#include <cerrno>
#include <string>

#include <sys/resource.h>

#include <ringio/ring/setup_failure.hpp>
#include <support/catch.hpp>

using namespace ringio;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

const SetupLimits limits{.entries = 128, .memlock = 65536, .open_files = 1024};

}  // namespace

TEST_CASE("setup failure: a sysctl of 2 is named, with the command that changes it") {
    const std::string text = explain_setup_failure(EPERM, 2, limits);
    CHECK(contains(text, "kernel.io_uring_disabled=2"));
    CHECK(contains(text, "sysctl -w kernel.io_uring_disabled=0"));
}

TEST_CASE("setup failure: a sysctl of 1 is named, with the group as the other way") {
    const std::string text = explain_setup_failure(EPERM, 1, limits);
    CHECK(contains(text, "kernel.io_uring_disabled=1"));
    CHECK(contains(text, "sysctl -w kernel.io_uring_disabled=0"));
    CHECK(contains(text, "kernel.io_uring_group"));
}

TEST_CASE("setup failure: without a forbidding sysctl EPERM is a seccomp profile's") {
    for (const int sysctl : {0, no_io_uring_sysctl}) {
        for (const int error : {EPERM, EACCES}) {
            const std::string text = explain_setup_failure(error, sysctl, limits);
            CHECK(contains(text, "seccomp profile"));
            CHECK(contains(text, "docker run --security-opt seccomp=profile.json"));
            CHECK(contains(text, "io_uring_setup, io_uring_enter and io_uring_register"));
        }
    }
}

TEST_CASE("setup failure: ENOSYS and EOPNOTSUPP say that the kernel has no io_uring") {
    for (const int error : {ENOSYS, EOPNOTSUPP}) {
        const std::string text = explain_setup_failure(error, no_io_uring_sysctl, limits);
        CHECK(contains(text, "the kernel has none"));
        CHECK(contains(text, "gVisor"));
        CHECK(contains(text, "Linux 6.1"));
    }
}

TEST_CASE("setup failure: EINVAL says that the kernel is too old") {
    const std::string text = explain_setup_failure(EINVAL, 0, limits);
    CHECK(contains(text, "kernel is too old"));
    CHECK(contains(text, "Linux 6.1"));
}

TEST_CASE("setup failure: ENOMEM tells the entries tried and the memory limit") {
    CHECK(contains(explain_setup_failure(ENOMEM, 0, limits), "128 entries"));
    CHECK(contains(explain_setup_failure(ENOMEM, 0, limits), "RLIMIT_MEMLOCK is 65536 bytes"));
    CHECK(contains(explain_setup_failure(ENOMEM, 0, limits), "ulimit -l"));
    CHECK(contains(explain_setup_failure(ENOMEM, 0, {128, RLIM_INFINITY, 0}), "is unlimited"));
}

TEST_CASE("setup failure: EMFILE and ENFILE tell the limit of descriptors") {
    const std::string process = explain_setup_failure(EMFILE, 0, limits);
    CHECK(contains(process, "RLIMIT_NOFILE is 1024"));
    CHECK(contains(process, "ulimit -n"));
    const std::string system = explain_setup_failure(ENFILE, 0, limits);
    CHECK(contains(system, "1024"));
    CHECK(contains(system, "sysctl -w fs.file-max"));
}

TEST_CASE("setup failure: an unknown error is not explained away") {
    CHECK(contains(explain_setup_failure(EIO, 0, limits), "does not know"));
}

TEST_CASE("setup failure: every text says first what cannot be used") {
    for (const int error : {EPERM, ENOSYS, EINVAL, ENOMEM, EMFILE, ENFILE, EIO}) {
        CHECK(explain_setup_failure(error, 0, limits).rfind("io_uring cannot be used: ", 0) == 0);
    }
}

TEST_CASE("setup failure: the sysctl of this machine is 0, 1, 2 or missing") {
    const int value = read_io_uring_sysctl();
    CHECK(value >= no_io_uring_sysctl);
    CHECK(value <= 2);
}

TEST_CASE("setup failure: since Linux 7 requests may be refused one by one") {
    for (const char* const release : {"7.0.0", "7.0.0-rc3", "7.12.1-amd64", "10.2"}) {
        CHECK(has_request_filters(release));
    }
    for (const char* const release : {"6.18.44-fc", "6.1.0-56-amd64", "5.10.0", "", "rolling"}) {
        CHECK_FALSE(has_request_filters(release));
    }
}
