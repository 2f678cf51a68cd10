# Finds liburing and makes liburing::liburing. Installed beside ringioConfig.cmake, which needs it too.
# Sets liburing_FOUND and liburing_VERSION.
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
    pkg_check_modules(PC_liburing QUIET liburing)
endif()

find_path(liburing_INCLUDE_DIR liburing.h HINTS ${PC_liburing_INCLUDE_DIRS})
find_library(liburing_LIBRARY NAMES uring HINTS ${PC_liburing_LIBRARY_DIRS})
mark_as_advanced(liburing_INCLUDE_DIR liburing_LIBRARY)
set(liburing_VERSION "${PC_liburing_VERSION}")

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
    liburing
    REQUIRED_VARS liburing_LIBRARY liburing_INCLUDE_DIR
    VERSION_VAR liburing_VERSION
    REASON_FAILURE_MESSAGE "(Debian: apt install liburing-dev pkg-config)")

if(liburing_FOUND AND NOT TARGET liburing::liburing)
    add_library(liburing::liburing UNKNOWN IMPORTED)
    set_target_properties(
        liburing::liburing
        PROPERTIES IMPORTED_LOCATION "${liburing_LIBRARY}"
                   INTERFACE_INCLUDE_DIRECTORIES "${liburing_INCLUDE_DIR}")
endif()
