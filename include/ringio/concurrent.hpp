// L3, concurrent: threads beside the loop.
#pragma once

#include <ringio/concurrent/as_completed.hpp>
#include <ringio/concurrent/broken_executor.hpp>
#include <ringio/concurrent/future.hpp>
#include <ringio/concurrent/initializer.hpp>
#include <ringio/concurrent/map.hpp>
#include <ringio/concurrent/next_range.hpp>
#include <ringio/concurrent/thread_pool_executor.hpp>
#include <ringio/concurrent/wait.hpp>
