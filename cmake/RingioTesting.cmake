# Tests that must hold whichever kernel answers.
set(RINGIO_TEST_EPOLL
    all
    CACHE STRING "Labels of the tests that also run on epoll; all, or none of them")
option(RINGIO_TEST_FALLBACK "Run all of them once more where io_uring is refused, and nothing said" OFF)
mark_as_advanced(RINGIO_TEST_EPOLL RINGIO_TEST_FALLBACK)

# Adds the test `name` with `label`, which runs the command ARGN, and the same on hosts that forbid
# io_uring: `name`.epoll, where RINGIO_KERNEL says epoll and a call of io_uring kills; `name`.fallback,
# where such calls are refused and a loop finds out by itself. ONCE: neither of them, for nothing in it
# is up to the kernel.
function(ringio_add_test_on_kernels name label)
    cmake_parse_arguments(PARSE_ARGV 2 arg "ONCE" "WORKING_DIRECTORY" "COMMAND;NOT_WITHOUT_IO_URING;PROPERTIES")
    if(NOT arg_WORKING_DIRECTORY)
        set(arg_WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
    endif()
    add_test(NAME ${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY "${arg_WORKING_DIRECTORY}")
    set(variants ${name})

    set(without ${arg_COMMAND} ${arg_NOT_WITHOUT_IO_URING})
    # A module of CMake is no command that another program could run.
    list(TRANSFORM without REPLACE "^Python3::Interpreter$" "${Python3_EXECUTABLE}")
    if(RINGIO_BUILD_TESTS AND NOT arg_ONCE
       AND (RINGIO_TEST_EPOLL STREQUAL "all" OR label IN_LIST RINGIO_TEST_EPOLL))
        add_test(
            NAME ${name}.epoll
            COMMAND ringio_without_io_uring kill ${without}
            WORKING_DIRECTORY "${arg_WORKING_DIRECTORY}")
        list(APPEND variants ${name}.epoll)
    endif()
    if(RINGIO_BUILD_TESTS AND NOT arg_ONCE AND RINGIO_TEST_FALLBACK)
        add_test(
            NAME ${name}.fallback
            COMMAND ringio_without_io_uring refuse ${without}
            WORKING_DIRECTORY "${arg_WORKING_DIRECTORY}")
        list(APPEND variants ${name}.fallback)
    endif()
    set_tests_properties(${variants} PROPERTIES LABELS ${label} TIMEOUT 300 ${arg_PROPERTIES})
    foreach(variant IN LISTS variants)
        set_property(
            TEST ${variant}
            APPEND
            PROPERTY ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1")
        if(variant MATCHES "\\.epoll$")
            set_property(
                TEST ${variant}
                APPEND
                PROPERTY ENVIRONMENT "RINGIO_KERNEL=epoll")
        endif()
    endforeach()
endfunction()
