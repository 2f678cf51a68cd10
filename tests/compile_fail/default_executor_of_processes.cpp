// expect: ringio: the default executor must be a ThreadPoolExecutor
#include <ringio.hpp>

void use(ringio::EventLoop& loop) {
    loop.set_default_executor(std::make_shared<ringio::concurrent::ProcessPoolExecutor>(2));
}
