# What ringio's own targets share. Flags are private to each target; a host project sees none of them.

if(RINGIO_SANITIZE)
    set(RINGIO_SANITIZE_FLAGS -fsanitize=${RINGIO_SANITIZE} -fno-omit-frame-pointer)
    if(RINGIO_SANITIZE MATCHES "undefined")
        list(APPEND RINGIO_SANITIZE_FLAGS -fno-sanitize-recover=undefined)
    endif()
endif()

if(PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
    find_program(RINGIO_CCACHE ccache)
    mark_as_advanced(RINGIO_CCACHE)
    if(RINGIO_CCACHE)
        # Without this sloppiness ccache passes by every file that uses a precompiled header.
        set(CMAKE_CXX_COMPILER_LAUNCHER
            "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros
            "${RINGIO_CCACHE}")
    endif()
endif()

# Warnings (only when ringio is the top-level project), strict C++ and, if asked for, -Werror.
function(ringio_own_target target)
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
    if(PROJECT_IS_TOP_LEVEL)
        target_compile_options(
            ${target}
            PRIVATE -Wall
                    -Wextra
                    -Wpedantic
                    -Wconversion
                    -Wsign-conversion
                    -Wshadow
                    -Wnon-virtual-dtor
                    -Woverloaded-virtual)
    endif()
    if(RINGIO_WERROR)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
endfunction()

# Compiles the files of a target together, `batch` at a time, where RINGIO_UNITY_BUILD asks for it: half
# the time from scratch, for the headers are read and the templates made once a batch.
function(ringio_compile_together target batch)
    if(NOT RINGIO_UNITY_BUILD)
        return()
    endif()
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${batch})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # GCC: it takes what is local to an included file for part of a header.
        target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
    endif()
endfunction()

# A program built from files of this project; `target` is prefixed, the file on disk is `output`.
function(ringio_add_program target output)
    add_executable(${target} ${ARGN})
    target_link_libraries(${target} PRIVATE ringio::ringio)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${output})
    ringio_own_target(${target})
endfunction()
