#include "lookups.hpp"

#include <ringio/base/system_calls.hpp>
#include <ringio/core/posted_call.hpp>
#include <ringio/streams/resolve.hpp>
#include <ringio/tasks/shield.hpp>

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace ringio::detail {
namespace {

const char* text_or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

Answer look_up_addresses(const SystemCalls& calls, const Question& question) {
    addrinfo hints = {};
    hints.ai_family = question.hints.family;
    hints.ai_socktype = question.hints.type;
    hints.ai_protocol = question.hints.proto;
    hints.ai_flags = question.hints.flags;
    addrinfo* found = nullptr;
    Answer answer;
    answer.error = calls.getaddrinfo(text_or_null(question.host), text_or_null(question.service),
                                     &hints, &found);
    answer.system_error = errno;
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(answer.error == 0 ? found : nullptr,
                                                               calls.freeaddrinfo);
    for (const addrinfo* entry = owned.get(); entry != nullptr; entry = entry->ai_next) {
        answer.found.push_back(
            {.address = SocketAddress(entry->ai_addr, entry->ai_addrlen),
             .family = entry->ai_family,
             .type = entry->ai_socktype,
             .protocol = entry->ai_protocol,
             .canonname = entry->ai_canonname != nullptr ? entry->ai_canonname : std::string()});
    }
    if (answer.error == 0 && answer.found.empty()) {
        answer.error = EAI_NODATA;
    }
    return answer;
}

Answer look_up_name(const SystemCalls& calls, const Question& question) {
    char host[NI_MAXHOST] = "";
    char service[NI_MAXSERV] = "";
    Answer answer;
    answer.error = calls.getnameinfo(question.address.data(), question.address.size(), host,
                                     sizeof(host), service, sizeof(service), question.hints.flags);
    answer.system_error = errno;
    answer.host = host;
    answer.service = service;
    return answer;
}

bool asks_for_name(const Question& question) { return question.address.family() != AF_UNSPEC; }

// Called on a thread of Lookups, or on that of the loop when nothing has to be waited for.
SharedAnswer look_up(const SystemCalls& calls, const Question& question) {
    try {
        return std::make_shared<const Answer>(asks_for_name(question)
                                                  ? look_up_name(calls, question)
                                                  : look_up_addresses(calls, question));
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

bool is_number(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A question whose answer the C library knows without a look at a file or a server; told so, it
// does not look.
bool make_numeric(Question& question) {
    if (asks_for_name(question)) {
        constexpr int numeric = NI_NUMERICHOST | NI_NUMERICSERV;
        return (question.hints.flags & numeric) == numeric;
    }
    const bool is_literal =
        question.host.empty() || SocketAddress::from_literal(question.host, 0).has_value();
    if (!is_literal || !is_number(question.service)) {
        return false;
    }
    question.hints.flags |= AI_NUMERICSERV | (question.host.empty() ? 0 : AI_NUMERICHOST);
    return true;
}

void append_bytes(std::string& key, const void* bytes, std::size_t size) {
    key.append(static_cast<const char*>(bytes), size).push_back('\0');
}

std::string key_of(const Question& question) {
    std::string key = question.host + '\0' + question.service + '\0';
    append_bytes(key, &question.hints, sizeof(question.hints));
    append_bytes(key, question.address.data(), question.address.size());
    return key;
}

std::shared_ptr<Resolver> own_resolver(EventLoop& loop) {
    const auto* const own = loop.machine().books().find<OwnResolver>();
    return own != nullptr ? own->resolver : nullptr;
}

Task<SharedAnswer> ask_own(std::shared_ptr<Resolver> resolver, Question question) {
    Task<std::vector<AddressInfo>> looking = resolver->getaddrinfo(
        std::move(question.host), std::move(question.service), question.hints);
    Answer answer;
    answer.found = co_await std::move(looking);
    answer.error = answer.found.empty() ? EAI_NODATA : 0;
    co_return std::make_shared<const Answer>(std::move(answer));
}

// One who waits for an answer.
class Asking {
public:
    Asking(EventLoop& loop, Question question)
        : lookup_(loop.machine().books().find_or_make<Lookups>().find_or_begin(
              loop, std::move(question))) {
        ++lookup_->waiting;
    }
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;
    ~Asking() {
        if (--lookup_->waiting == 0 && lookup_->home != nullptr) {
            lookup_->home->end(*lookup_);
        }
    }

    /// The caller's own future of it: to cancel that one leaves the others theirs.
    Future<SharedAnswer> answer() const { return shield(lookup_->answer.get_future()); }

private:
    std::shared_ptr<Lookups::Lookup> lookup_;
};

}  // namespace

Task<SharedAnswer> ask(EventLoop& loop, Question question) {
    const char zero = '\0';
    if (question.host.find(zero) != std::string::npos ||
        question.service.find(zero) != std::string::npos) {
        throw std::invalid_argument("resolve: a zero byte in the name of a host or service");
    }
    SharedAnswer answer;
    if (make_numeric(question)) {
        answer = look_up(*system_calls, question);
    } else if (auto resolver = own_resolver(loop); resolver && !asks_for_name(question)) {
        answer = co_await ask_own(std::move(resolver), std::move(question));
    } else {
        const Asking asking(loop, std::move(question));
        Future<SharedAnswer> own = asking.answer();
        answer = co_await std::move(own);
    }
    if (answer == nullptr) {
        throw std::bad_alloc();
    }
    co_return answer;
}

std::string host_and_service(const std::string& host, const std::string& service) {
    const bool is_ipv6 = host.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + host + "]" : host) + ":" + service;
}

void throw_resolver_error(const Answer& answer, const std::string& what) {
    if (answer.error == EAI_SYSTEM) {
        throw std::system_error(answer.system_error, std::system_category(), what);
    }
    throw std::system_error(answer.error, resolver_category(), what);
}

void Lookups::Lookup::leave_reply() noexcept {
    if (reply) {
        reply->lookup = nullptr;
        reply->wanted.store(false, std::memory_order_relaxed);
        reply.reset();
    }
    expected_wakeup.reset();
}

// From then on no thread touches what is the loop's.
Lookups::~Lookups() {
    {
        const std::lock_guard lock(desk_->mutex);
        desk_->is_open = false;
    }
    threads_.shutdown({.wait = false, .cancel_futures = true});
    for (const auto& [key, lookup] : std::exchange(under_way_, {})) {
        lookup->leave_reply();
        lookup->home = nullptr;
    }
}

std::shared_ptr<Lookups::Lookup> Lookups::find_or_begin(EventLoop& loop, Question question) {
    std::string key = key_of(question);
    const auto found = under_way_.find(key);
    if (found != under_way_.end() && !found->second->answer.done()) {
        return found->second;
    }
    const auto begun = std::make_shared<Lookup>();
    begun->key = key;
    begun->answer = loop.create_future<SharedAnswer>();
    begun->reply = std::make_shared<Reply>(begun.get());
    begun->expected_wakeup = loop.expect_wakeup();
    const auto place = under_way_.insert_or_assign(std::move(key), begun).first;
    try {
        threads_.post(make_job(loop, begun->reply, std::move(question)));
    } catch (...) {
        under_way_.erase(place);
        begun->leave_reply();
        throw;
    }
    begun->home = this;
    return begun;
}

UniqueFunction<void()> Lookups::make_job(EventLoop& loop, const std::shared_ptr<Reply>& reply,
                                         Question question) {
    // Made beforehand: a thread that has no memory for it could tell nobody.
    auto arrival = std::make_unique<PostedCall>([reply] {
        if (Lookup* const lookup = reply->lookup) {
            lookup->leave_reply();
            lookup->answer.set_result(std::move(reply->answer));
        }
    });
    // The calls are those of this thread, which may have some of its own.
    return
        [calls = system_calls, question = std::move(question), reply, arrival = std::move(arrival),
         desk = desk_, mailbox = std::weak_ptr(loop.machine().mailbox())]() mutable {
            if (!reply->wanted.load(std::memory_order_relaxed)) {
                return;
            }
            reply->answer = look_up(*calls, question);
            const std::lock_guard lock(desk->mutex);
            if (desk->is_open) {
                post_to(mailbox, std::move(arrival));
            }
        };
}

void Lookups::end(Lookup& lookup) noexcept {
    lookup.leave_reply();
    const auto found = under_way_.find(lookup.key);
    if (found != under_way_.end() && found->second.get() == &lookup) {
        under_way_.erase(found);
    }
}

}  // namespace ringio::detail
