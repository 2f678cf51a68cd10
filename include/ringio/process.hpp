// L4, process: what has to do with the process as a whole, and with those that it starts.
//
//   Signals                   the signals of the process, awaited
//   create_subprocess_exec create_subprocess_shell    start a program: Process
//   run_process               a program from its start to its end
//   Command Stdio             what is run, and what its standard streams are
//   current_environment       os.environ
#pragma once

#include <ringio/process/command.hpp>
#include <ringio/process/environment.hpp>
#include <ringio/process/run_process.hpp>
#include <ringio/process/signals.hpp>
#include <ringio/process/stdio.hpp>
#include <ringio/process/subprocess.hpp>
