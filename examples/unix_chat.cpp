// A chat over a Unix socket: what one says, all others hear. Three people, one room, one program.
#include <fmt/core.h>
#include <ringio.hpp>

#include <unistd.h>

#include <algorithm>
#include <list>
#include <string>

namespace {

// [room]
// Everybody who is in it. One thread: nothing needs a lock.
class Room {
public:
    ringio::Task<> serve(ringio::StreamReader reader, ringio::StreamWriter writer) {
        const auto place = people_.insert(people_.end(), writer);
        const ringio::ScopeExit leave([&] { people_.erase(place); });
        for (;;) {
            const std::string line = co_await reader.readline();
            if (line.empty()) {
                break;
            }
            for (ringio::StreamWriter other : people_) {
                other.write(line);  // who does not read is found by drain(), elsewhere
            }
        }
        writer.close();
    }

private:
    std::list<ringio::StreamWriter> people_;
};
// [/room]

// [client]
class Person {
public:
    static ringio::Task<Person> come_in(std::string name, std::string path) {
        ringio::Connection connection = co_await ringio::open_unix_connection(std::move(path));
        co_return Person(std::move(name), std::move(connection));
    }

    ringio::Task<> say(std::string words) {
        connection_.writer.write(name_ + ": " + words + "\n");
        co_await connection_.writer.drain();
    }
    ringio::Task<> hear() {
        const std::string line = co_await connection_.reader.readline();
        fmt::print("{} hears {}", name_, line);
    }

private:
    Person(std::string name, ringio::Connection connection)
        : name_(std::move(name)), connection_(std::move(connection)) {}

    std::string name_;
    ringio::Connection connection_;
};
// [/client]

ringio::Task<> main_coroutine() {
    const std::string path = "/tmp/ringio_chat_" + std::to_string(::getpid());
    Room room;
    // [server]
    auto enter = [&room](ringio::StreamReader reader, ringio::StreamWriter writer) {
        return room.serve(std::move(reader), std::move(writer));
    };
    ringio::Server server = co_await ringio::start_unix_server(enter, path, {.mode = 0600U});
    // [/server]
    {
        Person ada = co_await Person::come_in("Ada", path);
        co_await ada.say("is anybody here?");
        co_await ada.hear();
        Person grace = co_await Person::come_in("Grace", path);
        co_await grace.say("I am");
        co_await ada.hear();
        co_await grace.hear();
        co_await ada.say("good");
        co_await grace.hear();
    }
    server.close();
    co_await server.wait_closed();
    fmt::print("the socket is {}\n", ::access(path.c_str(), F_OK) == 0 ? "left" : "gone");
}

}  // namespace

int main() { ringio::run(main_coroutine()); }
