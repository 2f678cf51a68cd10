// L5, testing: for tests of programs that use the library, and of the library itself.
// Not here: testing/failing_new.hpp, which replaces operator new, for one source file of a program.
#pragma once

#include <ringio/testing/allocation_faults.hpp>
#include <ringio/testing/allocation_sweep.hpp>
#include <ringio/testing/balance.hpp>
#include <ringio/testing/cancel_sweep.hpp>
#include <ringio/testing/event_log.hpp>
#include <ringio/testing/memory_stream.hpp>
#include <ringio/testing/run_virtual.hpp>
#include <ringio/testing/sweep.hpp>
