// ringio: asyncio for C++20 on io_uring. Everything public.
#pragma once

#include <ringio/base/config.hpp>

#include <ringio/base.hpp>
#include <ringio/concurrent.hpp>
#include <ringio/core.hpp>
#include <ringio/debug.hpp>
#include <ringio/files.hpp>
#include <ringio/io.hpp>
#include <ringio/process.hpp>
#include <ringio/ring.hpp>
#include <ringio/streams.hpp>
#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include <ringio/testing.hpp>
