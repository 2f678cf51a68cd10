#include "../../src/concurrent/usable_processors.hpp"

#include <support/catch.hpp>

#include <sched.h>
#include <stdlib.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

using ringio::concurrent::cgroup_of;
using ringio::concurrent::processors_of_cgroup;
using ringio::concurrent::processors_of_cpu_max;
using ringio::concurrent::usable_processors;

namespace {

/// A folder that looks like the mount of cgroups.
class CgroupFolder {
public:
    CgroupFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "ringio-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    CgroupFolder(const CgroupFolder&) = delete;
    CgroupFolder& operator=(const CgroupFolder&) = delete;
    ~CgroupFolder() { std::filesystem::remove_all(path_); }

    void put(const std::string& group, const std::string& cpu_max) const {
        std::filesystem::create_directories(path_ / group);
        std::ofstream(path_ / group / "cpu.max") << cpu_max;
    }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace

TEST_CASE("usable_processors: a quota of a cgroup is rounded up, to at least one") {
    CHECK(processors_of_cpu_max("100000 100000\n") == 1U);
    CHECK(processors_of_cpu_max("150000 100000\n") == 2U);
    CHECK(processors_of_cpu_max("200000 100000") == 2U);
    CHECK(processors_of_cpu_max("10000 100000\n") == 1U);
    CHECK(processors_of_cpu_max("0 100000\n") == 1U);
    CHECK(processors_of_cpu_max("18446744073709551615 1") ==
          static_cast<std::size_t>(18446744073709551615U));
}

TEST_CASE("usable_processors: no quota, or a text that is none, limits nothing") {
    for (const char* const text : {"max 100000\n", "", "100000", "100000 ", "100000 0\n",
                                   "-1 100000", "100000 max", "99999999999999999999 100000"}) {
        CHECK_FALSE(processors_of_cpu_max(text));
    }
}

TEST_CASE("usable_processors: the group of version 2 is found among those of version 1") {
    CHECK(cgroup_of("0::/user.slice/a.scope\n") == "/user.slice/a.scope");
    CHECK(cgroup_of("12:cpu,cpuacct:/docker/1\n1:name=systemd:/x\n0::/docker/2\n") == "/docker/2");
    CHECK(cgroup_of("0::/") == "/");
    CHECK_FALSE(cgroup_of("10::/no\n3:cpu:/docker/1\n"));
    CHECK_FALSE(cgroup_of(""));
}

TEST_CASE("usable_processors: the smallest quota up the tree counts") {
    const CgroupFolder folder;
    CHECK_FALSE(processors_of_cgroup(folder.path(), "/a/b/c"));
    folder.put("a/b", "max 100000\n");
    CHECK_FALSE(processors_of_cgroup(folder.path(), "/a/b/c"));
    folder.put("a", "300000 100000\n");
    CHECK(processors_of_cgroup(folder.path(), "/a/b/c") == 3U);
    folder.put("a/b/c", "800000 100000\n");
    CHECK(processors_of_cgroup(folder.path(), "/a/b/c") == 3U);
    CHECK_FALSE(processors_of_cgroup(folder.path(), "/other"));
    folder.put("", "50000 100000\n");
    CHECK(processors_of_cgroup(folder.path(), "/a/b/c") == 1U);
    CHECK(processors_of_cgroup(folder.path(), "/other") == 1U);
}

TEST_CASE("usable_processors: does not leave the mount for a group outside of the namespace") {
    const CgroupFolder folder;
    folder.put("outside", "100000 100000\n");
    folder.put("mount", "400000 100000\n");
    CHECK(processors_of_cgroup(folder.path() / "mount", "/../outside") == 4U);
}

TEST_CASE("usable_processors: is one where a thread may run on one only") {
    CHECK(usable_processors() >= 1);
    CHECK(usable_processors() <= std::thread::hardware_concurrency());
    std::size_t seen = 0;
    std::thread([&] {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
        REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
        seen = usable_processors();
    }).join();
    CHECK(seen == 1);
}
