// Two functions that hand control to each other in the middle, as with the module greenlet: each
// co_yield is a switch(). Python: gr1 = greenlet(func1); gr1.switch()
#include <fmt/core.h>
#include <ringio.hpp>

// What is yielded is whom to switch to.
struct Switch {
    ringio::Generator<Switch>* to;
};

using Greenlet = ringio::Generator<Switch>;

Greenlet func1(Greenlet& gr2) {
    fmt::print("1\n");      // second step: prints 1
    co_yield Switch{&gr2};  // third: over to func2
    fmt::print("2\n");      // sixth: prints 2
    co_yield Switch{&gr2};  // seventh: over to func2, where it has stopped
}

Greenlet func2(Greenlet& gr1) {
    fmt::print("3\n");      // fourth: prints 3
    co_yield Switch{&gr1};  // fifth: over to func1, where it has stopped
    fmt::print("4\n");      // eighth: prints 4
}

int main() {
    Greenlet gr1;
    Greenlet gr2 = func2(gr1);
    gr1 = func1(gr2);
    // First step: func1 begins. When one ends, the program is over.
    for (auto next = gr1.next(); next; next = next->to->next()) {
    }
}
