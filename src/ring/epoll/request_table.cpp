#include "request_table.hpp"

#include <new>
#include <utility>

namespace ringio::detail {
namespace {

// The low bits of an address, and those of the generation beside it, say little.
std::size_t hash(std::uint64_t user_data) noexcept {
    constexpr std::uint64_t golden_ratio = 0x9e37'79b9'7f4a'7c15;
    return static_cast<std::size_t>(user_data * golden_ratio >> 32U);
}

}  // namespace

WaitingRequest*& RequestTable::bucket_of(std::uint64_t user_data) noexcept {
    return buckets_[hash(user_data) & (buckets_.size() - 1)];
}

bool RequestTable::grow_blocks() noexcept {
    try {
        blocks_.reserve(blocks_.size() + 1);
        blocks_.push_back(std::make_unique<WaitingRequest[]>(block_size));
    } catch (const std::bad_alloc&) {
        return false;
    }
    for (std::size_t at = 0; at < block_size; ++at) {
        free_.push_back(blocks_.back()[at]);
    }
    return true;
}

// Without memory for more the buckets there are become fuller.
void RequestTable::grow_buckets() noexcept {
    std::vector<WaitingRequest*> larger;
    try {
        larger.resize(buckets_.empty() ? block_size : 2 * buckets_.size());
    } catch (const std::bad_alloc&) {
        return;
    }
    const std::vector<WaitingRequest*> smaller = std::exchange(buckets_, std::move(larger));
    for (WaitingRequest* first : smaller) {
        while (first != nullptr) {
            WaitingRequest* const next = first->next_of_bucket;
            WaitingRequest*& bucket = bucket_of(first->call.request.user_data);
            first->next_of_bucket = std::exchange(bucket, first);
            first = next;
        }
    }
}

WaitingRequest* RequestTable::make(const Call& call) noexcept {
    if (size_ >= buckets_.size()) {
        grow_buckets();
    }
    if (buckets_.empty() || (free_.empty() && !grow_blocks())) {
        return nullptr;
    }
    WaitingRequest& request = *free_.pop_front();
    request.call = call;
    request.stage = WaitingRequest::Stage::fresh;
    request.begun = false;
    request.retry_after = {};
    WaitingRequest*& bucket = bucket_of(call.request.user_data);
    request.next_of_bucket = std::exchange(bucket, &request);
    ++size_;
    return &request;
}

void RequestTable::hide(WaitingRequest& request) noexcept {
    WaitingRequest** at = &bucket_of(request.call.request.user_data);
    while (*at != &request) {
        at = &(*at)->next_of_bucket;
    }
    *at = request.next_of_bucket;
    --size_;
}

void RequestTable::drop(WaitingRequest& request) noexcept {
    request.unlink();
    free_.push_front(request);
}

WaitingRequest* RequestTable::find(std::uint64_t user_data) const noexcept {
    if (buckets_.empty()) {
        return nullptr;
    }
    WaitingRequest* request = buckets_[hash(user_data) & (buckets_.size() - 1)];
    while (request != nullptr && request->call.request.user_data != user_data) {
        request = request->next_of_bucket;
    }
    return request;
}

}  // namespace ringio::detail
