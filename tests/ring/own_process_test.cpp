#include <ringio/ring/own_process.hpp>
#include <support/catch.hpp>

#include "child_process.hpp"

using namespace ringio;
using namespace ringio::testing;

TEST_CASE("own process: a child knows that it is one, and so does its own child") {
    const OwnProcess parent;
    CHECK_FALSE(parent.is_left());
    const ChildResult child = run_in_child([&] {
        const OwnProcess here;
        const bool left = parent.is_left() && !here.is_left();
        const pid_t pid = ::fork();
        if (pid == 0) {
            ::_exit(parent.is_left() && here.is_left() ? 0 : 1);
        }
        int status = -1;
        ::waitpid(pid, &status, 0);
        ::_exit(left && status == 0 ? 0 : 1);
    });
    CHECK(child.status == 0);
    CHECK_FALSE(parent.is_left());
}
