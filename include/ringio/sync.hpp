// L3, sync: what tasks of one loop agree by. Read wait_queue first; the others are made of it.
#pragma once

#include <ringio/sync/barrier.hpp>
#include <ringio/sync/capacity_limiter.hpp>
#include <ringio/sync/channel.hpp>
#include <ringio/sync/channel_state.hpp>
#include <ringio/sync/condition.hpp>
#include <ringio/sync/event.hpp>
#include <ringio/sync/lock.hpp>
#include <ringio/sync/queue.hpp>
#include <ringio/sync/semaphore.hpp>
#include <ringio/sync/wait_queue.hpp>
