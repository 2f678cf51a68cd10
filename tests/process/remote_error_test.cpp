#include <ringio/process/remote_error.hpp>

#include <support/catch.hpp>

using ringio::concurrent::RemoteError;

TEST_CASE("RemoteError: has the type's name, the text, and who threw it") {
    const RemoteError error("app::NoSuchJob", "job 7", 1234);
    CHECK(error.type_name() == "app::NoSuchJob");
    CHECK(std::string(error.what()) == "job 7");
    CHECK(error.worker_pid() == 1234);
    const std::runtime_error& base = error;
    CHECK(std::string(base.what()) == "job 7");
}
