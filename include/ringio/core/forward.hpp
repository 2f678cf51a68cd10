// The names of what stands on the event loop, before their own headers.
#pragma once

namespace ringio {

class EventLoop;
template <class T>
class Future;
template <class T>
class Promise;
template <class T>
class Task;
template <class T>
class TaskHandle;
class AnyTask;
struct TaskOptions;
class Resolver;
class SocketAddress;
struct AddressHints;
struct AddressInfo;

namespace concurrent {
class ProcessPoolExecutor;
class ThreadPoolExecutor;
}  // namespace concurrent

namespace detail {
template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<Task<T>> = true;

class AsyncGeneratorHook;
class FutureStateBase;
class TaskStateBase;
struct LoopAnchor;
struct LoopBooks;
class Machine;
class Mailbox;
class StepObserver;
}  // namespace detail

}  // namespace ringio
