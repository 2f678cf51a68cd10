// Cancel at every await, and no memory at each allocation: a relay. What arrives is the beginning
// of what was sent, and nothing stays open.
#include <ringio/streams.hpp>

#include "sweep_scenario.hpp"

#include <string>
#include <string_view>

using namespace ringio;
using namespace ringio::test_support;

namespace {

constexpr std::string_view words = "one two three";

Task<> say_words(StreamWriter writer) {
    for (const char letter : words) {
        writer.write(std::string_view(&letter, 1));
        co_await writer.drain();
        co_await sleep(Delay());
    }
    writer.write_eof();
    co_await writer.drain();
}

Task<> hear(StreamReader reader, std::string& heard) {
    for (;;) {
        const std::string some = co_await reader.read(4);
        if (some.empty()) {
            break;
        }
        heard += some;
    }
}

Task<> relay_words(Sweep& sweep) {
    auto& heard = sweep.make<std::string>();
    sweep.check("what comes out is the beginning of what went in",
                [&heard] { return words.starts_with(heard); });
    auto [source, in] = testing::memory_stream_pair();
    auto [out, sink] = testing::memory_stream_pair();
    auto saying = create_task(say_words(source.writer));
    auto hearing = create_task(hear(sink.reader, heard));
    auto relaying = sweep.victim(create_task(relay(in.reader, out.writer)));
    co_await ended(saying);
    co_await ended(relaying);
    out.writer.close();
    co_await ended(hearing);
}

}  // namespace

CANCEL_SWEEP("cancel at every await: a relay") { co_await relay_words(sweep); }

ALLOCATION_SWEEP("no memory: a relay") { co_await relay_words(sweep); }
