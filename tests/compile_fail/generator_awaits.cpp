// expect: ringio: a Generator cannot co_await, it runs outside the event loop
#include <ringio/tasks/generator.hpp>
#include <ringio/tasks/sleep.hpp>

ringio::Generator<int> numbers() {
    co_await ringio::sleep(std::chrono::seconds(1));
    co_yield 1;
}
