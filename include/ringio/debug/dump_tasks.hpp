// dump_tasks: every task of a loop, what it waits for and where; the first thing to look at when a
// program hangs.
#pragma once

#include <ringio/core/event_loop.hpp>

#include <cstdio>
#include <string>

namespace ringio::debug {

/// Returns a tree of the tasks of `loop` that are not done: for each, what it waits for, who made
/// it, and the awaits it is suspended in, oldest first. Below a task stand those it waits for.
///
/// A task for which several wait stands in full below the first of them. On the loop's thread.
/// *Python*: `python -m asyncio pstree`.
std::string format_tasks(const EventLoop& loop);

/// The same for the running loop. *Errors*: std::runtime_error when no loop runs.
std::string format_tasks();

/// Prints what format_tasks() returns.
void dump_tasks(const EventLoop& loop, std::FILE* file = stderr);
void dump_tasks(std::FILE* file = stderr);

}  // namespace ringio::debug
