// L5, debug: to look into a program that runs. Where a task stands and who waits for it
// (call_graph), and all tasks of a loop (dump_tasks).
#pragma once

#include <ringio/debug/call_graph.hpp>
#include <ringio/debug/dump_tasks.hpp>
