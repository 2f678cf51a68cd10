// expect: ringio: a callback is called with the arguments that stand behind it
#include <ringio/core/event_loop.hpp>

void start(ringio::EventLoop& loop) {
    loop.call_soon([](int) {});
}
