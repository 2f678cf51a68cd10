// Descriptors that somebody else reads: inotify tells of new files, and a library's callback reads
// a pipe. The loop only says when there is something.
#include <fmt/core.h>
#include <ringio.hpp>

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

using namespace std::chrono_literals;

namespace {

// A folder of this program's own.
struct Folder {
    Folder() {
        if (::mkdtemp(path.data()) == nullptr) {
            throw std::system_error(errno, std::system_category(), "mkdtemp");
        }
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path); }

    std::string path = "/tmp/ringio_example_XXXXXX";
};

// [watch]
ringio::Task<> tell_new_files(int inotify, int count) {
    ringio::Watch watch(inotify, POLLIN);
    while (count > 0) {
        co_await watch.next();
        alignas(inotify_event) char buffer[4096];
        const ssize_t size = ::read(inotify, buffer, sizeof buffer);
        for (ssize_t at = 0; at < size; --count) {
            const auto& event = *reinterpret_cast<const inotify_event*>(buffer + at);
            fmt::print("new: {}\n", static_cast<const char*>(event.name));
            at += static_cast<ssize_t>(sizeof event + event.len);
        }
    }
}
// [/watch]

ringio::Task<> make_files(const std::string& path) {
    for (const char* const name : {"one", "two", "three"}) {
        std::ofstream(path + '/' + name);
        co_await ringio::sleep(ringio::Delay());
    }
}

// [reader]
ringio::Task<> call_back_when_readable(int fd) {
    ringio::EventLoop& loop = ringio::get_running_loop();
    ringio::Event heard;
    loop.add_reader(fd, [&] {
        char buffer[64];
        const ssize_t size = ::read(fd, buffer, sizeof buffer);
        fmt::print("heard: {}\n", std::string(buffer, static_cast<std::size_t>(size)));
        loop.remove_reader(fd);
        heard.set();
    });
    co_await heard.wait();
}
// [/reader]

ringio::Task<> main_coroutine() {
    const Folder folder;
    const ringio::UniqueFd inotify(::inotify_init1(IN_CLOEXEC));
    ::inotify_add_watch(inotify.get(), folder.path.c_str(), IN_CREATE);
    co_await ringio::gather(tell_new_files(inotify.get(), 3), make_files(folder.path));

    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        throw std::system_error(errno, std::system_category(), "pipe2");
    }
    const ringio::UniqueFd out(ends[0]);
    const ringio::UniqueFd in(ends[1]);
    if (::write(in.get(), "hello", 5) != 5) {
        throw std::system_error(errno, std::system_category(), "write");
    }
    co_await call_back_when_readable(out.get());

    // [once]
    try {
        co_await ringio::wait_for(ringio::wait_readable(out.get()), 10ms);
    } catch (const ringio::TimeoutError&) {
        fmt::print("nothing more\n");
    }
    // [/once]
}

}  // namespace

int main() { ringio::run(main_coroutine()); }
