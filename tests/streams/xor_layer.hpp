// A layer that is no TLS: it turns some bits of each byte over. What streams promise to layers, and
// the option `.tls`, can be seen with it as well.
#pragma once

#include <ringio/streams.hpp>
#include <ringio/streams/stream_layer.hpp>
#include <ringio/streams/tls_option.hpp>
#include <ringio/tasks.hpp>

#include <cerrno>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace ringio::test_support {

class XorLayer final : public detail::FarSide, public detail::StreamLayer {
public:
    static constexpr char bits = 0x15;

    /// Puts one between the stream and what it was.
    static XorLayer& insert(EventLoop& loop, detail::StreamState& upper) {
        auto made = std::make_unique<XorLayer>(upper);
        XorLayer& layer = *made;
        layer.lower_ = upper.split(loop, default_stream_limit);
        layer.lower_->set_layer(&layer);
        upper.set_far_side(std::move(made));
        layer.lower_->input().stand_by();
        layer.input_came();  // what was there before
        return layer;
    }

    explicit XorLayer(detail::StreamState& upper) noexcept : upper_(&upper) {}
    XorLayer(const XorLayer&) = delete;
    XorLayer& operator=(const XorLayer&) = delete;
    ~XorLayer() override {
        lower_->set_layer(nullptr);
        lower_->input().stand_back();
        lower_->abort();
    }

    int take(std::string_view bytes) noexcept override {
        if (is_congested()) {
            return -EAGAIN;
        }
        lower_->output().write(turned_over(bytes));
        lower_->output().drain();
        return static_cast<int>(bytes.size());
    }
    void take_end() noexcept override { lower_->output().end(); }
    void go_on() noexcept override {
        lower_->input().stand_by();
        input_came();
    }
    bool is_congested() const noexcept override { return lower_->output().is_paused(); }
    bool finish(bool aborted) noexcept override {
        const IntrusivePtr<detail::StreamState> lower(lower_);  // its end may be this layer's
        if (aborted) {
            lower->abort();
        } else {
            lower->close();
        }
        return lower->closed();
    }
    const detail::StreamState* lower() const noexcept override { return lower_.get(); }
    bool describe(TlsInfo& info) const override {
        info.version = "xor";
        return true;
    }
    void serve(detail::StreamState& upper) noexcept override { upper_ = &upper; }

    void input_came() noexcept override {
        if (is_deaf) {
            return;
        }
        detail::StreamInbound& input = lower_->input();
        while (!input.empty() && !upper_->closing()) {
            if (upper_->input().is_full()) {
                input.stand_back();
                return;
            }
            const std::string bytes = input.take(100);
            upper_->input().feed(turned_over(bytes));
        }
        if (input.at_end() && !upper_->closing()) {
            upper_->input().feed_end();
        }
    }
    void output_has_room() noexcept override { upper_->output().has_room(); }
    const detail::StreamState& below() const noexcept { return *lower_; }

    bool is_deaf = false;  // takes nothing of what comes

    void stream_closed() noexcept override {
        if (lower_->failure()) {
            upper_->fail(lower_->failure());
        } else if (upper_->closing()) {
            upper_->far_side_ended();
        } else {
            upper_->abort();
        }
    }

private:
    static std::string turned_over(std::string_view bytes) {
        std::string result(bytes);
        for (char& byte : result) {
            byte = static_cast<char>(byte ^ bits);
        }
        return result;
    }

    detail::StreamState* upper_;
    IntrusivePtr<detail::StreamState> lower_;
};

/// What would be behind a TlsContext.
class XorSecurity final : public detail::StreamSecurity {
public:
    explicit XorSecurity(bool is_server, bool fails = false) noexcept
        : is_server_(is_server), fails_(fails) {}

    bool is_server() const noexcept override { return is_server_; }
    bool checks_host_name() const noexcept override { return !is_server_; }
    Task<> secure(IntrusivePtr<detail::StreamState> stream, detail::TlsRequest request) override {
        seen = std::move(request);
        if (fails_) {
            stream->abort();
            throw std::runtime_error("no hands to shake");
        }
        layer = &XorLayer::insert(get_running_loop(), *stream);
        co_return;
    }

    detail::TlsRequest seen;
    XorLayer* layer = nullptr;  // the last one, while its stream lives

private:
    bool is_server_;
    bool fails_;
};

/// As a TlsContext: a handle that is an option.
struct XorContext {
    explicit XorContext(bool is_server, bool fails = false)
        : security(new XorSecurity(is_server, fails)) {}

    operator TlsOption() const noexcept { return TlsOption(*security); }

    IntrusivePtr<XorSecurity> security;
};

}  // namespace ringio::test_support
