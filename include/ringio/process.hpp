// L4, process: what has to do with the process as a whole. Its signals, awaited.
#pragma once

#include <ringio/process/signals.hpp>
