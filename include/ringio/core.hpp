// L2, core: the event loop, futures, tasks and awaited kernel requests. Read in this order:
// context, handle, timers, machine, event_loop, future, promise, task, op.
#pragma once

#include <ringio/core/awaitable.hpp>
#include <ringio/core/callable.hpp>
#include <ringio/core/cancel_source.hpp>
#include <ringio/core/context.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/exceptions.hpp>
#include <ringio/core/format.hpp>
#include <ringio/core/future.hpp>
#include <ringio/core/handle.hpp>
#include <ringio/core/op.hpp>
#include <ringio/core/promise.hpp>
#include <ringio/core/run_until_complete.hpp>
#include <ringio/core/signal_set.hpp>
#include <ringio/core/task.hpp>
#include <ringio/core/timers.hpp>
