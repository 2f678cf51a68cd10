// Callbacks for descriptors: loop.add_reader(), add_writer() and their removal.
#include <ringio/io.hpp>
#include <ringio/tasks.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <system_error>

#include "net.hpp"

namespace ringio::conformance {
namespace {

EventLoop& this_loop() { return get_running_loop(); }

struct Ends {
    Ends() {
        int both[2] = {-1, -1};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, both) != 0) {
            throw std::runtime_error("socketpair");
        }
        near_end.reset(both[0]);
        far_end.reset(both[1]);
    }

    int near() const { return near_end.get(); }
    void send(std::string_view text) const {
        static_cast<void>(::send(far_end.get(), text.data(), text.size(), 0));
    }
    std::string receive() const {
        char buffer[64];
        const ssize_t size = ::recv(near(), buffer, sizeof buffer, 0);
        return {buffer, size > 0 ? static_cast<std::size_t>(size) : 0};
    }
    void fill() const {
        const std::string block(4096, 'x');
        while (::send(near(), block.data(), block.size(), 0) > 0) {
        }
    }
    void drain() const {
        std::string block(65536, ' ');
        while (::recv(far_end.get(), block.data(), block.size(), 0) > 0) {
        }
    }

    UniqueFd near_end;
    UniqueFd far_end;
};

template <class Call>
std::string refusal_of(Call call) {
    try {
        call();
    } catch (const std::invalid_argument&) {
        return "invalid argument";
    } catch (const std::system_error& error) {
        return error.code().value() == EPERM ? "not permitted" : "OSError";
    }
    return "nothing";
}

}  // namespace

CONFORMS("descriptors.reader_callback") {
    const Ends ends;
    this_loop().add_reader(ends.near(), [&] { log("heard", ends.receive()); });
    co_await turns(3);
    log("nothing yet");
    ends.send("one");
    co_await turns(5);
    ends.send("two");
    co_await turns(5);
    log(this_loop().remove_reader(ends.near()));
    ends.send("three");
    co_await turns(5);
    log(this_loop().remove_reader(ends.near()));
}

CONFORMS("descriptors.reader_level") {
    const Ends ends;
    int calls = 0;
    this_loop().add_reader(ends.near(), [&] {
        if (++calls == 3) {
            log("third time", ends.receive());
        }
    });
    ends.send("x");
    co_await turns(12);
    log(calls);
    this_loop().remove_reader(ends.near());
}

CONFORMS("descriptors.reader_existing") {
    const Ends ends;
    this_loop().add_reader(ends.near(), [] { log("first"); });
    co_await turns(2);
    this_loop().add_reader(
        ends.near(), [&](const char* text) { log(text, ends.receive()); }, "second");
    ends.send("x");
    co_await turns(5);
    log(this_loop().remove_reader(ends.near()));
}

CONFORMS("descriptors.reader_and_writer") {
    const Ends ends;
    ends.fill();
    this_loop().add_writer(ends.near(), [&] {
        log("writable");
        log(this_loop().remove_writer(ends.near()));
    });
    this_loop().add_reader(ends.near(), [&] { log("heard", ends.receive()); });
    co_await turns(4);
    ends.send("x");
    co_await turns(4);
    ends.drain();
    co_await turns(5);
    const bool writer = this_loop().remove_writer(ends.near());
    const bool reader = this_loop().remove_reader(ends.near());
    log(writer, reader);
}

CONFORMS("descriptors.removed_by_another") {
    const Ends first;
    const Ends second;
    const auto heard = [&] {
        log("one of them");
        this_loop().remove_reader(first.near());
        this_loop().remove_reader(second.near());
    };
    this_loop().add_reader(first.near(), heard);
    this_loop().add_reader(second.near(), heard);
    co_await turns(2);
    first.send("x");
    second.send("x");
    co_await turns(5);
}

CONFORMS("descriptors.reader_end") {
    Ends ends;
    this_loop().add_reader(ends.near(), [&] {
        log(ends.receive().empty() ? "end" : "data");
        this_loop().remove_reader(ends.near());
    });
    co_await turns(2);
    ends.far_end.reset();
    co_await turns(5);
}

CONFORMS("descriptors.reader_throws") {
    const Ends ends;
    this_loop().set_exception_handler([](EventLoop&, const ExceptionContext& context) {
        try {
            std::rethrow_exception(context.exception);
        } catch (const std::exception& error) {
            log("reported", error.what());
        }
    });
    this_loop().add_reader(ends.near(), [&] {
        ends.receive();
        throw std::runtime_error("boom");
    });
    for (int round = 0; round < 2; ++round) {
        ends.send("x");
        co_await turns(4);
    }
    log(this_loop().remove_reader(ends.near()));
    this_loop().set_exception_handler({});
}

CONFORMS("descriptors.remove_unknown") {
    const Ends ends;
    const bool reader = this_loop().remove_reader(ends.near());
    const bool writer = this_loop().remove_writer(ends.near());
    log(reader, writer);
    this_loop().add_reader(ends.near(), [] {});
    log(this_loop().remove_writer(ends.near()));
    log(this_loop().remove_reader(ends.near()));
    co_return;
}

CONFORMS("descriptors.invalid") {
    log(refusal_of([] { this_loop().add_reader(-1, [] {}); }));
    const Ends ends;
    log(refusal_of([&] { this_loop().remove_reader(ends.near()); }));
    const UniqueFd device(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    log(refusal_of([&] { this_loop().add_reader(device.get(), [] {}); }) != "");
    log(refusal_of([&] { this_loop().add_reader(file.get(), [] {}); }));
    this_loop().remove_reader(device.get());
    co_return;
}

}  // namespace ringio::conformance
