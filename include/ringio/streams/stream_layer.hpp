// What streams are built of when one stands upon another: the far side of the upper one, and the
// layer upon the lower one. TLS is both.
#pragma once

#include <string_view>

namespace ringio {

struct TlsInfo;

namespace detail {

class StreamState;

/// What a stream without a socket has at its other side. Destroyed when the stream is closed, with
/// nothing left to take or, after an abort, dropped; or with the stream, if it stays.
class FarSide {
public:
    virtual ~FarSide() = default;

    /// Takes bytes: how many, or -EAGAIN when there is no room (StreamOutbound::has_room() is to
    /// follow), or another -errno.
    virtual int take(std::string_view bytes) noexcept = 0;
    /// Nothing more is to take.
    virtual void take_end() noexcept = 0;
    /// Says that the stream has room for what comes in, after its input was full.
    virtual void go_on() noexcept = 0;

    /// Says whether the stream may end its direction and go on reading.
    virtual bool can_end() const noexcept { return true; }
    /// Says that what was taken waits here, more of it than is good: writers wait, too, until
    /// StreamOutbound::has_room().
    virtual bool is_congested() const noexcept { return false; }
    /// The stream is closed, and all was taken, or `aborted`: true when that is the end here, too.
    /// Else StreamState::far_side_ended() follows. May be asked again.
    virtual bool finish([[maybe_unused]] bool aborted) noexcept { return true; }
    /// The stream that stands for a socket here, or null.
    virtual const StreamState* lower() const noexcept { return nullptr; }
    /// Tells how the stream is secured; false when it is not.
    virtual bool describe(TlsInfo&) const { return false; }
    /// The stream is closed. Says whether it is kept for what describe() tells.
    virtual bool stays() noexcept { return false; }
    /// From now on it is the far side of another stream.
    virtual void serve(StreamState&) noexcept {}
};

/// What reads and writes a stream in the place of tasks. What it hears may come in the middle of
/// what it does with the stream.
class StreamLayer {
public:
    /// Bytes came, or the end, or no more will come for the loop closes.
    virtual void input_came() noexcept = 0;
    /// The stream's output was congested, and is no more.
    virtual void output_has_room() noexcept = 0;
    /// The stream is closed; its failure() says why, if it was not asked for.
    virtual void stream_closed() noexcept = 0;

protected:
    ~StreamLayer() = default;
};

}  // namespace detail
}  // namespace ringio
