// L4, process: what has to do with the process as a whole, and with those that it starts.
//
//   Signals                   the signals of the process, awaited
//   create_subprocess_exec create_subprocess_shell    start a program: Process
//   run_process               a program from its start to its end
//   Command Stdio             what is run, and what its standard streams are
//   current_environment       os.environ
//   ProcessPoolExecutor       processes for calls that keep a processor busy; process_worker
//   ArchiveIn ArchiveOut      what travels to them, and back
#pragma once

#include <ringio/process/aggregate_members.hpp>
#include <ringio/process/archive.hpp>
#include <ringio/process/archive_kinds.hpp>
#include <ringio/process/chunked_map.hpp>
#include <ringio/process/command.hpp>
#include <ringio/process/environment.hpp>
#include <ringio/process/process_pool_executor.hpp>
#include <ringio/process/process_worker.hpp>
#include <ringio/process/remote_call.hpp>
#include <ringio/process/remote_error.hpp>
#include <ringio/process/run_process.hpp>
#include <ringio/process/signals.hpp>
#include <ringio/process/stdio.hpp>
#include <ringio/process/subprocess.hpp>
#include <ringio/process/worker_initializer.hpp>
