// Completion: one kernel request in the making, and the receiver of its completions. The ring keeps
// no other record of a request: its state lives here, and its address travels as user_data, so that
// an operation in a coroutine frame costs no allocation.
#pragma once

#include <cstdint>

#include <ringio/base/assert.hpp>
#include <ringio/base/intrusive_list.hpp>

struct io_uring_sqe;

namespace ringio {

class Ring;

namespace detail {

/// Where a request stands; what Ring knows of it. A class of its own, for g++ warns of every
/// polymorphic class that has a friend and no virtual destructor.
class RequestState : public IntrusiveListHook {
public:
    /// Tells whether the request was submitted and its terminal completion is still to come.
    bool in_flight() const noexcept { return state_ != State::idle; }

protected:
    RequestState() noexcept = default;

    ~RequestState() {
        RINGIO_ASSERT(state_ == State::idle,
                      "a request is destroyed while the kernel may still write to its buffers");
    }

private:
    friend class ringio::Ring;

    enum class State : std::uint8_t {
        idle,       // not submitted, or its terminal completion was delivered
        waiting,    // submitted, but no submission entry was free: linked in Ring::waiting_,
                    // or for want of a buffer: linked in Ring::starved_
        submitted,  // written to a submission entry: the kernel's until the terminal CQE
        withdrawn,  // cancelled while waiting: linked in Ring::withdrawn_ for the next reap
    };

    enum class Cancel : std::uint8_t {
        none,     // nobody asked
        waiting,  // asked for, but no submission entry was free: linked in Ring::cancels_
        sent,     // written to a submission entry: linked in Ring::asked_
    };

    State state_ = State::idle;
    Cancel cancel_ = Cancel::none;
    std::uint16_t generation_ = 0;  // drawn from the ring at submit: tells a stale CQE
};

}  // namespace detail

/// A request to the kernel and what becomes of its results; the base of every operation.
///
/// *Lifetime*: must stay at its address, with everything that prepare() points the kernel to, from
/// Ring::submit until the terminal complete(). It may be destroyed or submitted again then.
class alignas(16) Completion : public detail::RequestState {
public:
    Completion(const Completion&) = delete;
    Completion& operator=(const Completion&) = delete;

    /// Fills every field of the submission entry but user_data (an io_uring_prep_* function does).
    /// Called once per submission, within Ring::submit or, when there is no room, at a later
    /// Ring::enter; never when the request was cancelled before. Ring::try_now calls it too.
    virtual void prepare(io_uring_sqe& sqe) noexcept = 0;

    /// Receives one result: a value >= 0 or -errno, with the IORING_CQE_F_* flags. Called from
    /// Ring::reap only. The last call for a request is the one without IORING_CQE_F_MORE; from
    /// within it the object may be destroyed or submitted again.
    virtual void complete(int result, std::uint32_t flags) noexcept = 0;

protected:
    Completion() noexcept = default;
    ~Completion() = default;
};

}  // namespace ringio
