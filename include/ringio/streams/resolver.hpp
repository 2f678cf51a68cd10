// Resolver: who answers a loop's questions for hosts in the place of the C library.
#pragma once

#include <ringio/core/task.hpp>
#include <ringio/streams/names.hpp>

#include <string>
#include <vector>

namespace ringio {

/// Answers for a loop that it was given to by `loop.set_resolver(std::make_shared<Mine>())`: DNS by
/// another library, a cache, a table, what a test wants. From then on getaddrinfo(), resolve(),
/// open_connection() and start_server() ask it; a literal with a port as a number needs nobody.
///
/// *Lifetime*: the loop keeps it until it is closed or given another, a look-up as long as it
/// takes. *Python*: one overrides loop.getaddrinfo() there; aiohttp has an AbstractResolver.
class Resolver {
public:
    Resolver() = default;
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;
    virtual ~Resolver() = default;

    /// Gives the addresses of a host in the order in which they are to be tried; none is the error
    /// EAI_NODATA. Called on the loop's thread, once for each who asks; cancelled when he is. What
    /// it throws is his error: resolver_category() has the usual ones.
    virtual Task<std::vector<AddressInfo>> getaddrinfo(std::string host, std::string service,
                                                       AddressHints hints) = 0;
};

}  // namespace ringio
