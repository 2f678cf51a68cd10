// What the forms of forms.txt are made of: objects that count themselves, a task, and a log of what
// happens.
#pragma once

#include <array>
#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

inline std::string events;
inline void log(std::string_view event) { events.append(event).append(" "); }

inline std::set<const void*> alive;
inline void born(const void* object) {
    if (!alive.insert(object).second) {
        log("!born-twice");
    }
}
inline void died(const void* object) {
    if (alive.erase(object) == 0) {
        log("!destroyed-twice");
    }
}

// Owns something, and has constructors of its own.
struct Name {
    std::string s;
    Name(const char* text = "nobody") : s(text) { born(this); }
    Name(const Name& other) : s(other.s) { born(this); }
    Name(Name&& other) noexcept : s(std::move(other.s)) { born(this); }
    Name& operator=(const Name&) = default;
    ~Name() { died(this); }
};

inline std::vector<std::coroutine_handle<>> waiting;
struct Turn {
    Turn() {}
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) { waiting.push_back(coroutine); }
    void await_resume() noexcept {}
};

struct PromiseBase {
    std::coroutine_handle<> parent;
    std::exception_ptr error;
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Back {
        bool await_ready() noexcept { return false; }
        template <class P>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<P> coroutine) noexcept {
            const auto parent = coroutine.promise().parent;
            return parent ? parent : std::noop_coroutine();
        }
        void await_resume() noexcept {}
    };
    Back final_suspend() noexcept { return {}; }
    void unhandled_exception() { error = std::current_exception(); }
};

template <class T>
struct Result : PromiseBase {
    std::optional<T> value;
    template <class U = T>
    void return_value(U&& given) {
        value.emplace(std::forward<U>(given));
    }
    T take() { return std::move(*value); }
};
template <>
struct Result<void> : PromiseBase {
    void return_void() {}
    void take() {}
};

template <class T = void>
struct [[nodiscard]] Task {
    struct promise_type : Result<T> {
        Task get_return_object() {
            return Task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
    };
    using Handle = std::coroutine_handle<promise_type>;
    Handle handle;
    explicit Task(Handle coroutine) : handle(coroutine) {}
    Task(Task&& other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
    ~Task() {
        if (handle) {
            handle.destroy();
        }
    }
    struct Awaiter {
        Handle handle;
        explicit Awaiter(Handle coroutine) : handle(coroutine) {}
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) noexcept {
            handle.promise().parent = parent;
            return handle;
        }
        T await_resume() {
            if (handle.promise().error) {
                std::rethrow_exception(handle.promise().error);
            }
            return handle.promise().take();
        }
    };
    Awaiter operator co_await() && { return Awaiter(handle); }
};

template <class T>
struct Generator {
    struct promise_type {
        std::optional<T> value;
        Generator get_return_object() {
            return Generator(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void unhandled_exception() { throw; }
        void return_void() {}
        template <class U = T>
        std::suspend_always yield_value(U&& given) {
            value.emplace(std::forward<U>(given));
            return {};
        }
    };
    std::coroutine_handle<promise_type> handle;
    explicit Generator(std::coroutine_handle<promise_type> coroutine) : handle(coroutine) {}
    Generator(const Generator&) = delete;
    ~Generator() { handle.destroy(); }
    T& first() {
        handle.resume();
        return *handle.promise().value;
    }
};

struct Job {
    int id;
    Name name;
};
struct Outer {
    Job job;
    int number = 0;
};
struct Derived : Job {
    int number;
};
struct Pair {
    int a, b;
};
struct Text {
    int number;
    std::string text = "by default, and long enough for the heap";
};
struct OnlyDestructor {
    int* calls;
    ~OnlyDestructor() { ++*calls; }
};
class Hidden {
public:
    int number = 0;

private:
    Name name_;
};
struct Constructed {
    Constructed(int) {}
    Name name;
};
struct Wrapped {
    Wrapped(Job given) : job(std::move(given)) {}
    Job job;
};
struct BareAwaiter {
    Name name;
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) { waiting.push_back(coroutine); }
    void await_resume() noexcept { log(name.s); }
};
struct Stream {
    Stream& operator<<(std::string_view text) {
        log(text);
        return *this;
    }
};

inline Task<> take(Job job) {
    co_await Turn();
    log(job.name.s);
}
inline Task<> look(const Job& job) {
    co_await Turn();
    log(job.name.s);
}
inline Task<> by_default(int, Job job = Job{1, "default"}) {
    co_await Turn();
    log(job.name.s);
}
inline Task<> name(Name given) {
    co_await Turn();
    log(given.s);
}
inline Task<> name_ref(const Name& given) {
    co_await Turn();
    log(given.s);
}
template <class T>
Task<> any(T) {
    co_await Turn();
    log("any");
}
inline Task<> call(std::function<void()> function) {
    co_await Turn();
    function();
}
inline Task<Name> make(const char* text) {
    co_await Turn();
    log(text);
    co_return Name(text);
}
inline Task<int> number(int n) {
    co_await Turn();
    log("number");
    co_return n;
}
inline Task<bool> yes(bool answer) {
    co_await Turn();
    log("asked");
    co_return answer;
}
inline Task<> nop(const char* text) {
    co_await Turn();
    log(text);
}
inline Task<> show(int n) {
    co_await Turn();
    log(std::to_string(n));
}
inline Job make_job(const char* text) { return Job{3, text}; }
inline BareAwaiter make_awaiter() { return {Name("made")}; }
inline int length(const Name& given) { return static_cast<int>(given.s.size()); }
inline int id_of(const Job& job) { return job.id; }
inline void use(const Job& job, int) { log(job.name.s); }
inline void use(const Name& a, const Name& b) { log(a.s + b.s); }
inline void use(const Name& given, int n) { log(given.s + std::to_string(n)); }

// What B is in a form: each runs with both.
inline bool flag_value;
inline bool flag() { return flag_value; }
