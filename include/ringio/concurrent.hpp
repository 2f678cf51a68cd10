// L3, concurrent: threads beside the loop.
#pragma once

#include <ringio/concurrent/future.hpp>
#include <ringio/concurrent/thread_pool_executor.hpp>
