// What the tests after aiohttp's own have in common.
#pragma once

#include "http_server.hpp"

#include <ringio/streams/resolve.hpp>

#include <netdb.h>

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace ringio::test_support {

inline Task<std::string> fetched(const http::ClientSession& session, std::string url) {
    auto response = co_await session.get(url);
    co_return co_await response.text();
}

/// Each connection: hears a request, says `bytes`, hangs up.
inline HttpServer::Script says_and_leaves(std::string bytes) {
    return [bytes](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send(bytes);
    };
}

/// The same, but stays until the client goes.
inline HttpServer::Script says_and_stays(std::string bytes) {
    return [bytes](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send(bytes);
        co_await client.until_gone();
    };
}

/// While it lives, these names lead to these addresses, in their order, and no others are there.
class KnownNames {
public:
    using Addresses = std::map<std::string, std::vector<std::string>>;

    KnownNames(std::initializer_list<Addresses::value_type> addresses)
        : table_(std::make_shared<Table>()) {
        table_->addresses = addresses;
        get_running_loop().set_resolver(table_);
    }
    KnownNames(const KnownNames&) = delete;
    KnownNames& operator=(const KnownNames&) = delete;
    ~KnownNames() { get_running_loop().set_resolver(nullptr); }

    /// Those that were asked for.
    const std::vector<std::string>& asked() const { return table_->asked; }
    /// From now on there is this one, too.
    void add(std::string name, std::vector<std::string> addresses) {
        table_->addresses.insert_or_assign(std::move(name), std::move(addresses));
    }

private:
    class Table final : public Resolver {
    public:
        Task<std::vector<AddressInfo>> getaddrinfo(std::string host, std::string service,
                                                   AddressHints) override {
            asked.push_back(host);
            const auto found = addresses.find(host);
            if (found == addresses.end()) {
                throw std::system_error(EAI_NONAME, resolver_category());
            }
            const auto port = static_cast<std::uint16_t>(std::stoul(service));
            std::vector<AddressInfo> all;
            for (const std::string& each : found->second) {
                const SocketAddress address = *SocketAddress::from_literal(each, port);
                all.emplace_back().address = address;
                all.back().family = address.family();
            }
            co_return all;
        }

        Addresses addresses;
        std::vector<std::string> asked;
    };

    std::shared_ptr<Table> table_;
};

}  // namespace ringio::test_support
