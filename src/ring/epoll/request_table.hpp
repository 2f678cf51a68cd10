// RequestTable: the requests that could not be answered at once, found by their user_data.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/ring/kernel.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "call.hpp"

namespace ringio::detail {

/// A request that waits. The link is that of the list which its stage names.
struct WaitingRequest : IntrusiveListHook {
    enum class Stage : std::uint8_t {
        fresh,      // in no list
        parked,     // in a queue of its descriptor, until that is ready
        hungry,     // a multishot receive that found no buffer: first come, first served
        later,      // tried again when `retry_at` has come
        at_worker,  // in the hands of Workers, who alone may touch its link and `begun`
        due,        // over, with `result`: for the completion queue when that has room
    };

    Call call;
    WaitingRequest* next_of_bucket = nullptr;
    Stage stage = Stage::fresh;
    bool begun = false;  // a worker has it
    int result = 0;
    Clock::time_point retry_at{};
    std::chrono::milliseconds retry_after{};  // how long it waits now
};

/// Owns them, and makes room for the next ones. Never throws.
class RequestTable {
public:
    RequestTable() = default;
    RequestTable(const RequestTable&) = delete;
    RequestTable& operator=(const RequestTable&) = delete;

    /// Null when there is no memory.
    WaitingRequest* make(const Call& call) noexcept;
    void drop(WaitingRequest& request) noexcept;

    /// The request that is not over yet, or null.
    WaitingRequest* find(std::uint64_t user_data) const noexcept;

    /// Says that it is over: find() does not see it any more.
    void hide(WaitingRequest& request) noexcept;

    /// How many are not over.
    std::size_t size() const noexcept { return size_; }

    /// Calls visit(request) for each that is not over; it may hide that one, and no other.
    template <class Visit>
    void visit(Visit visit) {
        for (WaitingRequest* first : buckets_) {
            while (first != nullptr) {
                WaitingRequest* const next = first->next_of_bucket;
                visit(*first);
                first = next;
            }
        }
    }

private:
    static constexpr std::size_t block_size = 32;

    WaitingRequest*& bucket_of(std::uint64_t user_data) noexcept;
    bool grow_blocks() noexcept;
    void grow_buckets() noexcept;

    std::vector<std::unique_ptr<WaitingRequest[]>> blocks_;
    IntrusiveList<WaitingRequest> free_;
    std::vector<WaitingRequest*> buckets_;  // a power of two of them, or none
    std::size_t size_ = 0;
};

}  // namespace ringio::detail
