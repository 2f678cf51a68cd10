#include <ringio/ring/path_requests.hpp>

#include <cerrno>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ringio/base/unique_fd.hpp>
#include <ringio/ring.hpp>
#include <support/catch.hpp>

#include "probe.hpp"

using namespace ringio;
using namespace ringio::testing;

static_assert(
    plain<MkdirAtRequest, UnlinkAtRequest, RenameAtRequest, SymlinkAtRequest, LinkAtRequest>);

TEST_CASE("path requests: a directory is made, filled, and taken away again") {
    Ring ring = make_ring();
    char path[] = "/tmp/ringio-paths-XXXXXX";
    REQUIRE(::mkdtemp(path) != nullptr);
    const UniqueFd folder(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    const int at = folder.get();

    CHECK(perform(ring, MkdirAtRequest{at, "one", 0700}) == 0);
    CHECK(perform(ring, SymlinkAtRequest{"one", at, "sign"}) == 0);
    CHECK(perform(ring, LinkAtRequest{at, "sign", at, "sign too"}) == 0);
    CHECK(perform(ring, RenameAtRequest{at, "sign", at, "sign too"}) == 0);
    CHECK(perform(ring, RenameAtRequest{at, "sign too", at, "one/sign"}) == 0);
    CHECK(perform(ring, UnlinkAtRequest{at, "one"}) == -EISDIR);
    CHECK(perform(ring, UnlinkAtRequest{at, "one", AT_REMOVEDIR}) == -ENOTEMPTY);
    CHECK(perform(ring, UnlinkAtRequest{at, "one/sign"}) == 0);
    CHECK(perform(ring, UnlinkAtRequest{at, "one", AT_REMOVEDIR}) == 0);
    for (const char* const name : {"sign", "sign too"}) {
        const int result = perform(ring, UnlinkAtRequest{at, name});
        CHECK((result == 0 || result == -ENOENT));
    }
    CHECK(::rmdir(path) == 0);
}

TEST_CASE("path requests: what may have been done is not done again after EINTR") {
    STATIC_REQUIRE_FALSE(MkdirAtRequest::retry_on_eintr);
    STATIC_REQUIRE_FALSE(UnlinkAtRequest::retry_on_eintr);
    STATIC_REQUIRE_FALSE(RenameAtRequest::retry_on_eintr);
    STATIC_REQUIRE_FALSE(SymlinkAtRequest::retry_on_eintr);
    STATIC_REQUIRE_FALSE(LinkAtRequest::retry_on_eintr);
}

TEST_CASE("path requests: disposing of one touches nothing") {
    const UniqueFd event(::eventfd(0, EFD_CLOEXEC));
    MkdirAtRequest::dispose(event.get(), 0);
    UnlinkAtRequest::dispose(event.get(), 0);
    RenameAtRequest::dispose(event.get(), 0);
    SymlinkAtRequest::dispose(event.get(), 0);
    LinkAtRequest::dispose(event.get(), 0);
    CHECK(is_open(event.get()));
}
