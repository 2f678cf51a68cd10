// What io/ calls: the callbacks of add_reader() and add_writer(), and their code.
#include "acting.hpp"
#include "calls.hpp"

#include <ringio/io.hpp>
#include <support/printed.hpp>

#include <sys/eventfd.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace ringio::test_support::descriptor_calls {
using testing::EventLog;

namespace {

// A descriptor that can always be read.
struct Ready {
    UniqueFd fd{::eventfd(1, EFD_CLOEXEC)};

    int number() const { return fd.get(); }
};

void run_some_turns(EventLoop& loop) {
    for (int turn = 0; turn < 5; ++turn) {
        loop.stop();
        loop.run_forever();
    }
}

void reader_closes() {
    EventLoop loop;
    const Ready ready;
    bool called = false;
    loop.add_reader(ready.number(), [&] {
        CHECK_THROWS_WITH(loop.close(), "Cannot close a running event loop");
        called = true;
    });
    run_some_turns(loop);
    CHECK(called);
}

void reader_removes_itself() {
    EventLoop loop;
    const Ready ready;
    int calls = 0;
    bool whole = false;
    loop.add_reader(ready.number(), [&, text = long_text] {
        CHECK(loop.remove_reader(ready.number()));
        CHECK_FALSE(loop.remove_reader(ready.number()));
        whole = text == long_text;
        ++calls;
    });
    run_some_turns(loop);
    CHECK(whole);
    CHECK(calls == 1);
}

void reader_replaces_itself() {
    EventLoop loop;
    const Ready ready;
    EventLog log;
    loop.add_reader(ready.number(), [&, text = long_text] {
        loop.add_reader(ready.number(), [&] {
            log("second");
            loop.remove_reader(ready.number());
        });
        log(text == long_text ? "first" : "destroyed");
    });
    run_some_turns(loop);
    CHECK(log.joined() == "first second");
}

void reader_throws() {
    EventLoop loop;
    const Ready ready;
    loop.add_reader(ready.number(), [&] {
        loop.remove_reader(ready.number());
        boom();
    });
    CHECK_THAT(printed([&] { run_some_turns(loop); }),
               Catch::Matchers::Contains("Exception in callback"));
}

void end_of_reader_closes() {
    for (const bool in_flight : {false, true}) {
        EventLoop loop;
        const Ready ready;
        const UniqueFd silent(::eventfd(0, EFD_CLOEXEC));
        loop.add_reader(silent.get(), [end = AtEnd([&] { loop.close(); })] {});
        loop.add_writer(ready.number(), [] {});
        if (in_flight) {
            run_some_turns(loop);
        }
        CHECK(loop.remove_reader(silent.get()));
        CHECK(loop.is_closed());
    }
}

void end_of_reader_removes() {
    EventLoop loop;
    const Ready ready;
    loop.add_reader(ready.number(), [end = AtEnd([&] {
                                         CHECK_FALSE(loop.remove_reader(ready.number()));
                                         CHECK(loop.remove_writer(ready.number()));
                                     })] {});
    loop.add_writer(ready.number(), [] {});
    CHECK(loop.remove_reader(ready.number()));
}

void end_of_reader_adds_again() {
    EventLoop loop;
    const Ready ready;
    int ends = 0;
    loop.add_reader(ready.number(), [end = AtEnd([&] {
                                         ++ends;
                                         loop.add_reader(ready.number(), [] {});
                                     })] {});
    CHECK(loop.remove_reader(ready.number()));
    CHECK(ends == 1);
    CHECK(loop.remove_reader(ready.number()));
}

void end_of_reader_destroys_loop() {
    const Ready ready;
    auto loop = std::make_unique<EventLoop>();
    loop->add_reader(ready.number(), [end = AtEnd([&] { loop.reset(); })] {});
    CHECK(loop->remove_reader(ready.number()));
    CHECK(loop == nullptr);
    loop = std::make_unique<EventLoop>();
    loop->add_reader(ready.number(), [end = AtEnd([&] { loop.reset(); })] {});
    loop->add_reader(ready.number(), [] {});
    CHECK(loop == nullptr);
}

void move_of_reader_closes() {
    const Ready ready;
    for (int nth = 1; nth < 6; ++nth) {
        EventLoop loop;
        try {
            loop.add_reader(ready.number(), AtMove(nth, [&] { loop.close(); }));
        } catch (const std::runtime_error& error) {
            CHECK(std::string(error.what()) == "Event loop is closed");
        }
        CHECK(loop.remove_reader(ready.number()) == !loop.is_closed());
    }
}

void move_of_reader_adds() {
    EventLoop loop;
    const Ready ready;
    EventLog log;
    loop.add_reader(ready.number(),
                    AtMove(1, [&] { loop.add_reader(ready.number(), [&log] { log("inner"); }); }));
    run_some_turns(loop);
    CHECK(log.joined() == "");  // the outer one came later
    CHECK(loop.remove_reader(ready.number()));
}

void move_of_reader_throws() {
    struct Thrower {
        Thrower() = default;
        Thrower(Thrower&&) { boom(); }
        void operator()() const {}
    };
    EventLoop loop;
    const Ready ready;
    CHECK_THROWS_WITH(loop.add_reader(ready.number(), Thrower()), "boom");
    CHECK_FALSE(loop.remove_reader(ready.number()));
}

}  // namespace

TEST_CASE("reentrancy: what callbacks of descriptors do") {
    check_calls({
        {.code = "a reader",
         .closes = reader_closes,
         .cancels = reader_removes_itself,
         .shuts_down = nothing_to_shut,
         .replaces_itself = reader_replaces_itself,
         .destroys_owner = loop_runs,
         .throws = reader_throws},
        {.code = "the destructor of a reader",
         .closes = end_of_reader_closes,
         .cancels = end_of_reader_removes,
         .shuts_down = nothing_to_shut,
         .replaces_itself = end_of_reader_adds_again,
         .destroys_owner = end_of_reader_destroys_loop,
         .throws = destructor},
        {.code = "the move of a reader",
         .closes = move_of_reader_closes,
         .cancels = "there is nothing to remove before the call returns",
         .shuts_down = nothing_to_shut,
         .replaces_itself = move_of_reader_adds,
         .destroys_owner = under_its_feet,
         .throws = move_of_reader_throws},
    });
}

}  // namespace ringio::test_support::descriptor_calls
