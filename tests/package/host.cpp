// A program that knows nothing of ringio. host PLUGIN COPY: loads the plugin twice, then a copy of
// it beside it.
#include <dlfcn.h>

#include <cstdio>
#include <thread>

namespace {

bool check(void* plugin) {
    if (plugin == nullptr) {
        std::puts(dlerror());
        return false;
    }
    const auto function = reinterpret_cast<int (*)()>(dlsym(plugin, "check_plugin"));
    bool right = function != nullptr && function() == 0;
    std::thread other([&] { right = right && function() == 0; });
    other.join();
    return right;
}

}  // namespace

int main(int, char** arguments) {
    for (int round = 0; round < 2; ++round) {
        void* const plugin = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
        if (!check(plugin)) {
            return 1;
        }
        dlclose(plugin);
    }
    void* const plugin = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    void* const copy = dlopen(arguments[2], RTLD_NOW | RTLD_LOCAL);
    if (!check(plugin) || !check(copy) || !check(plugin)) {
        return 1;
    }
    std::puts("hello from the installed package");
    return 0;
}
