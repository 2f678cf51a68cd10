// L5, testing: for tests of programs that use the library, and of the library itself.
#pragma once

#include <ringio/testing/balance.hpp>
#include <ringio/testing/event_log.hpp>
#include <ringio/testing/run_virtual.hpp>
