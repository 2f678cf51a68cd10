# benchmarks/<group>/*.cpp: each file is a program <build>/benchmarks/<group>/<name>. A file called
# asio* measures Asio instead of ringio; it is built when Asio's headers are found. A file in C is the
# load or the limit to compare with, on bare liburing.
# A benchmarks/CMakeLists.txt, if there is one, takes precedence.
if(EXISTS "${PROJECT_SOURCE_DIR}/benchmarks/CMakeLists.txt")
    add_subdirectory("${PROJECT_SOURCE_DIR}/benchmarks")
    return()
endif()

find_path(RINGIO_ASIO_INCLUDE_DIR asio.hpp)
mark_as_advanced(RINGIO_ASIO_INCLUDE_DIR)

file(GLOB_RECURSE benchmarks CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/benchmarks"
     "${PROJECT_SOURCE_DIR}/benchmarks/*.cpp")
foreach(file IN LISTS benchmarks)
    cmake_path(GET file PARENT_PATH group)
    cmake_path(GET file STEM name)
    string(MAKE_C_IDENTIFIER "ringio_benchmark_${group}_${name}" target)
    if(file MATCHES "(^|/)asio")
        if(NOT RINGIO_ASIO_INCLUDE_DIR)
            continue()
        endif()
        add_executable(${target} "${PROJECT_SOURCE_DIR}/benchmarks/${file}")
        target_compile_features(${target} PRIVATE cxx_std_20)
        target_include_directories(${target} SYSTEM PRIVATE "${RINGIO_ASIO_INCLUDE_DIR}")
        target_link_libraries(${target} PRIVATE Threads::Threads fmt::fmt)
        ringio_own_target(${target})
    else()
        ringio_add_program(${target} ${name} "${PROJECT_SOURCE_DIR}/benchmarks/${file}")
        target_link_libraries(${target} PRIVATE liburing::liburing)
    endif()
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/benchmarks")
    set_target_properties(
        ${target} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY
                             "${PROJECT_BINARY_DIR}/benchmarks/${group}")
endforeach()

file(GLOB_RECURSE benchmarks CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/benchmarks"
     "${PROJECT_SOURCE_DIR}/benchmarks/*.c")
if(benchmarks)
    enable_language(C)
endif()
foreach(file IN LISTS benchmarks)
    cmake_path(GET file PARENT_PATH group)
    cmake_path(GET file STEM name)
    string(MAKE_C_IDENTIFIER "ringio_benchmark_${group}_${name}" target)
    add_executable(${target} "${PROJECT_SOURCE_DIR}/benchmarks/${file}")
    target_link_libraries(${target} PRIVATE liburing::liburing Threads::Threads)
    target_compile_options(${target} PRIVATE -Wall -Wextra)
    set_target_properties(
        ${target} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY
                             "${PROJECT_BINARY_DIR}/benchmarks/${group}")
endforeach()
