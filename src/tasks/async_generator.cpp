#include <ringio/tasks/async_generator.hpp>

#include <ringio/core/loop_books.hpp>
#include <ringio/core/repr.hpp>

namespace ringio::detail {

AsyncGeneratorOwner::AsyncGeneratorOwner(std::coroutine_handle<> coroutine) noexcept
    : coroutine_(coroutine) {
    AsyncGeneratorPromiseBase::of(coroutine_).coroutine = coroutine_;
    register_here();
}

AsyncGeneratorOwner::AsyncGeneratorOwner(AsyncGeneratorOwner&& other) noexcept
    : coroutine_(std::exchange(other.coroutine_, nullptr)) {
    register_here();
}

AsyncGeneratorOwner& AsyncGeneratorOwner::operator=(AsyncGeneratorOwner&& other) noexcept {
    AsyncGeneratorOwner taken(std::move(other));
    std::swap(coroutine_, taken.coroutine_);
    register_here();
    taken.register_here();
    return *this;
}

AsyncGeneratorOwner::~AsyncGeneratorOwner() {
    if (!coroutine_) {
        return;
    }
    AsyncGeneratorPromiseBase& promise = AsyncGeneratorPromiseBase::of(coroutine_);
    promise.owner = nullptr;
    if (promise.state != AsyncGeneratorState::running) {
        coroutine_.destroy();
    }
}

void AsyncGeneratorOwner::register_here() noexcept {
    if (coroutine_) {
        AsyncGeneratorPromiseBase::of(coroutine_).owner = this;
    }
}

std::string AsyncGeneratorOwner::repr() const {
    return coroutine_ ? AsyncGeneratorPromiseBase::of(coroutine_).repr() : "<AsyncGenerator none>";
}

Task<> AsyncGeneratorPromiseBase::Hook::aclose() {
    co_await AsyncGeneratorCall<CloseAwaiter>(promise.coroutine);
}

std::string AsyncGeneratorPromiseBase::Hook::repr() const { return promise.repr(); }

void AsyncGeneratorPromiseBase::unhandled_exception() noexcept {
    if (!closing) {
        exception = std::current_exception();
        return;
    }
    try {
        throw;
    } catch (const GeneratorExit&) {
        // The end that aclose() asked for.
    } catch (...) {
        exception = std::current_exception();
    }
}

std::string AsyncGeneratorPromiseBase::repr() const {
    constexpr const char* states[] = {"not started", "suspended at ", "running at ", "done"};
    const bool somewhere =
        state == AsyncGeneratorState::suspended || state == AsyncGeneratorState::running;
    return "<AsyncGenerator " + function_name(location) + "() " +
           states[static_cast<std::size_t>(state)] +
           (somewhere ? file_and_line(location) : std::string()) + ">";
}

AsyncGeneratorStep::~AsyncGeneratorStep() {
    if (inside_) {
        if (AsyncGeneratorOwner* const owner = promise().owner) {
            owner->coroutine_ = nullptr;
        }
        generator_.destroy();
    }
}

void AsyncGeneratorStep::refuse_if_running(const char* message) const {
    if (generator_ && promise().state == AsyncGeneratorState::running) {
        throw std::runtime_error(message);
    }
}

void AsyncGeneratorStep::enter(std::coroutine_handle<> awaiting) {
    AsyncGeneratorPromiseBase& generator = promise();
    EventLoop& loop = get_running_loop();
    generator.continuation = awaiting;
    inside_ = true;
    if (std::exchange(generator.state, AsyncGeneratorState::running) ==
        AsyncGeneratorState::fresh) {
        loop.machine().books().add_generator(
            loop, generator.hook);  // which may call the exception handler
    }
}

void AsyncGeneratorStep::leave() {
    inside_ = false;
    if (std::exception_ptr exception = std::exchange(promise().exception, nullptr)) {
        std::rethrow_exception(std::move(exception));
    }
}

void AsyncGeneratorStep::destroy_orphan() const noexcept {
    if (promise().owner == nullptr) {
        generator_.destroy();
    }
}

bool CloseAwaiter::await_ready() const noexcept {
    if (!idle()) {
        return true;
    }
    AsyncGeneratorPromiseBase& generator = promise();
    if (generator.state == AsyncGeneratorState::fresh) {
        generator.state = AsyncGeneratorState::done;
        return true;
    }
    generator.closing = true;
    return false;
}

void CloseAwaiter::await_resume() {
    if (!stepped()) {
        refuse_if_running("aclose(): asynchronous generator is already running");
        return;
    }
    const ScopeExit last([this] { destroy_orphan(); });
    leave();
    if (promise().state != AsyncGeneratorState::done) {
        promise().state = AsyncGeneratorState::done;
        promise().hook.unlink();
        throw std::runtime_error("async generator ignored GeneratorExit");
    }
}

}  // namespace ringio::detail
