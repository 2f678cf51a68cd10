// L3, tasks: asyncio's verbs. Running (run, runner), making tasks (create_task), waiting for
// several (when_all, when_any, gather, wait, as_completed, progress, task_group, staggered_race),
// limits (timeout, wait_for, shield), time (sleep), coroutines that yield (generator,
// async_generator), and threads (to_thread, run_in_executor, wrap_future,
// run_coroutine_threadsafe).
#pragma once

#include <ringio/tasks/as_completed.hpp>
#include <ringio/tasks/as_outcome.hpp>
#include <ringio/tasks/async_generator.hpp>
#include <ringio/tasks/create_task.hpp>
#include <ringio/tasks/current_task.hpp>
#include <ringio/tasks/exception_group.hpp>
#include <ringio/tasks/gather.hpp>
#include <ringio/tasks/generator.hpp>
#include <ringio/tasks/progress.hpp>
#include <ringio/tasks/run.hpp>
#include <ringio/tasks/run_coroutine_threadsafe.hpp>
#include <ringio/tasks/run_in_executor.hpp>
#include <ringio/tasks/runner.hpp>
#include <ringio/tasks/shield.hpp>
#include <ringio/tasks/siblings.hpp>
#include <ringio/tasks/sleep.hpp>
#include <ringio/tasks/staggered_race.hpp>
#include <ringio/tasks/task_group.hpp>
#include <ringio/tasks/timeout.hpp>
#include <ringio/tasks/to_thread.hpp>
#include <ringio/tasks/wait.hpp>
#include <ringio/tasks/wait_for.hpp>
#include <ringio/tasks/when_all.hpp>
#include <ringio/tasks/when_any.hpp>
#include <ringio/tasks/wrap_future.hpp>
