// What headers declare with RINGIO_VARIABLE, for a shared ringio.
#define RINGIO_DEFINES_VARIABLES
#include <ringio.hpp>
