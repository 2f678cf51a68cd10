// Line: what carries bytes between two ends in memory, and may spoil them or be cut.
#pragma once

#include <ringio/streams.hpp>
#include <ringio/testing.hpp>

#include <array>
#include <cstddef>
#include <exception>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace ringio::test_support {

/// What is to go wrong, in one direction or both.
struct LineFault {
    static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

    bool from_client = true;     // which direction is meant
    std::size_t cut_at = never;  // so many bytes go through; then both directions end
    std::size_t record = never;  // a bit of this record of TLS is changed,
    std::size_t byte = 0;        // in this byte of it, or the last one
    std::size_t piece = never;   // so many bytes are carried at a time, both ways
};

class Line {
public:
    explicit Line(const LineFault& fault)
        : fault_(fault), ends_{testing::memory_stream_pair(), testing::memory_stream_pair()} {}

    Connection& client() noexcept { return ends_[0].first; }
    Connection& server() noexcept { return ends_[1].first; }

    /// Carries until both have ended.
    Task<> carry() {
        TaskHandle<> there = create_task(carry(0));
        co_await carry(1);
        co_await there;
        for (auto& end : ends_) {
            end.second.writer.close();
        }
    }

    bool is_cut() const noexcept { return is_cut_; }
    bool is_spoilt() const noexcept { return is_spoilt_; }

private:
    Task<> carry(std::size_t from) {
        StreamReader& reader = ends_[from].second.reader;
        StreamWriter& writer = ends_[1 - from].second.writer;
        const bool is_meant = fault_.from_client == (from == 0);
        try {
            for (;;) {
                std::string bytes = co_await reader.read(65536);
                if (bytes.empty()) {
                    writer.write_eof();
                    co_return;
                }
                if (is_meant) {
                    spoil(bytes);
                }
                co_await send(writer, bytes);
                if (is_meant && is_cut_) {
                    ends_[0].second.writer.close();
                    ends_[1].second.writer.close();
                    co_return;
                }
            }
        } catch (const std::exception&) {
            writer.close();  // one of the ends is gone
        }
    }

    Task<> send(StreamWriter& writer, std::string_view bytes) const {
        while (!bytes.empty()) {
            const std::string_view piece = bytes.substr(0, fault_.piece);
            writer.write(piece);
            co_await writer.drain();
            if (piece.size() < bytes.size()) {
                co_await sleep(Delay());
            }
            bytes.remove_prefix(piece.size());
        }
    }

    void spoil(std::string& bytes) {
        for (char& byte : bytes) {
            spoil_byte(byte);
        }
        if (passed_ + bytes.size() >= fault_.cut_at) {
            bytes.resize(fault_.cut_at - passed_);
            is_cut_ = true;
        }
        passed_ += bytes.size();
    }

    // A record has a head of five bytes, of which the last two are the size of the rest.
    void spoil_byte(char& byte) {
        const auto value = static_cast<unsigned char>(byte);
        const std::size_t place = place_++;
        if (place == 3 || place == 4) {
            size_ = size_ * 256 + value;
        }
        const bool is_last = place >= 4 && place == size_ + 4;
        if (count_ == fault_.record && !is_spoilt_ && (place == fault_.byte || is_last)) {
            byte = static_cast<char>(value ^ 1U);
            is_spoilt_ = true;
        }
        if (is_last) {
            ++count_;
            place_ = 0;
            size_ = 0;
        }
    }

    LineFault fault_;
    std::array<std::pair<Connection, Connection>, 2> ends_;  // the second ones are the line's
    std::size_t passed_ = 0;
    std::size_t count_ = 0;  // records
    std::size_t place_ = 0;  // in a record
    std::size_t size_ = 0;
    bool is_cut_ = false;
    bool is_spoilt_ = false;
};

}  // namespace ringio::test_support
