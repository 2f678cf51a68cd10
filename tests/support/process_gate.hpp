// A gate in the path of worker processes: the test knows when one has come to it, and lets all go
// on.
#pragma once

#include <ringio/base/unique_fd.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringio::test_support {

/// Two FIFOs, which a worker finds by name(). Made after the pool: the destructor lets the workers
/// go, so that a test that failed ends.
class ProcessGate {
public:
    ProcessGate() : reached_(make(name() + "/reached")), held_(make(name() + "/open")) {}
    ProcessGate(const ProcessGate&) = delete;
    ProcessGate& operator=(const ProcessGate&) = delete;
    ~ProcessGate() { open(); }

    const std::string& name() const { return folder_.path(); }

    void wait_until_reached(int times = 1) const {
        for (char byte = 0; times > 0; --times) {
            REQUIRE(::read(reached_.get(), &byte, 1) == 1);
        }
    }
    void open() {
        ::unlink((name() + "/open").c_str());
        held_.reset();
    }

    /// Called by a worker: waits until the gate is open.
    static void pass(const std::string& name) {
        const UniqueFd reached(::open((name + "/reached").c_str(), O_WRONLY | O_NONBLOCK));
        static_cast<void>(!::write(reached.get(), "", 1));
        // Not to wait for a writer, who may just have gone; then for its going.
        const UniqueFd held(::open((name + "/open").c_str(), O_RDONLY | O_NONBLOCK));
        if (held) {
            ::fcntl(held.get(), F_SETFL, 0);
            char byte = 0;
            static_cast<void>(!::read(held.get(), &byte, 1));
        }
    }

private:
    static UniqueFd make(const std::string& path) {
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        REQUIRE(fd);
        return fd;
    }

    testing::TemporaryDirectory folder_;
    UniqueFd reached_;
    UniqueFd held_;
};

}  // namespace ringio::test_support
