// The bottom layer: plain C++20 that knows neither coroutines nor the kernel. From here everything
// above takes its containers, its owners and its words for "maybe" and "how long".
//
//   IntrusiveQueue  IntrusiveList  IntrusiveHeap   containers whose links live in the elements
//   UniqueFd  IntrusivePtr  UniqueFunction         owners
//   ScopeExit                                      an action at the end of a scope
//   Outcome                                        a value or an exception
//   ByteRange                                      contiguous memory of bytes of any type
//   Delay                                          a length of time that cannot overflow
//   SystemCalls                                    what is called beside the kernel
//   RINGIO_ASSERT                                  an invariant that is checked in every build
#pragma once

#include <ringio/base/assert.hpp>
#include <ringio/base/byte_range.hpp>
#include <ringio/base/config.hpp>
#include <ringio/base/delay.hpp>
#include <ringio/base/intrusive_heap.hpp>
#include <ringio/base/intrusive_list.hpp>
#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/base/intrusive_queue.hpp>
#include <ringio/base/outcome.hpp>
#include <ringio/base/scope_exit.hpp>
#include <ringio/base/system_calls.hpp>
#include <ringio/base/unique_fd.hpp>
#include <ringio/base/unique_function.hpp>
