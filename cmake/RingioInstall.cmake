# Install rules: library, headers, CMake package, pkg-config file, license. All of it is relocatable.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/ringio")

install(
    TARGETS ringio
    EXPORT ringioTargets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT ringioTargets NAMESPACE ringio:: DESTINATION "${package_dir}")

# The components that were built, each with the targets that it brings.
set(RINGIO_COMPONENTS "")
foreach(component IN ITEMS tls http)
    if(TARGET ringio_${component})
        list(APPEND RINGIO_COMPONENTS ${component})
        install(
            TARGETS ringio_${component}
            EXPORT ringio_${component}Targets
            ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
            LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
            FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
        install(EXPORT ringio_${component}Targets NAMESPACE ringio:: DESTINATION "${package_dir}")
    endif()
endforeach()

# A shared ringio brings liburing along; a static one leaves it to whoever links.
get_target_property(type ringio TYPE)
set(pc_requires "fmt")
set(RINGIO_NEEDS_LIBURING OFF)
if(type STREQUAL "STATIC_LIBRARY")
    set(RINGIO_NEEDS_LIBURING ON)
    set(pc_requires "liburing >= 2.3 fmt")
endif()

configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/ringioConfig.cmake.in" "${PROJECT_BINARY_DIR}/ringioConfig.cmake"
    INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file(
    "${PROJECT_BINARY_DIR}/ringioConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(
    FILES "${PROJECT_BINARY_DIR}/ringioConfig.cmake"
          "${PROJECT_BINARY_DIR}/ringioConfigVersion.cmake"
          "${PROJECT_SOURCE_DIR}/cmake/Findliburing.cmake"
    DESTINATION "${package_dir}")

# The .pc file finds its prefix from where it lies, unless the directories are absolute.
set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
    string(REGEX REPLACE "/$" "" up "${up}")
    set(pc_prefix "\${pcfiledir}/${up}")
endif()
set(pc_dir_of_lib "${CMAKE_INSTALL_LIBDIR}")
set(pc_dir_of_include "${CMAKE_INSTALL_INCLUDEDIR}")
foreach(dir IN ITEMS lib include)
    if(NOT IS_ABSOLUTE "${pc_dir_of_${dir}}")
        string(PREPEND pc_dir_of_${dir} "\${prefix}/")
    endif()
endforeach()
list(JOIN RINGIO_SANITIZE_FLAGS " " pc_sanitize)
set(pc_compiler "")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    set(pc_compiler "-fno-tree-slp-vectorize") # as the target ringio; clang knows it, too
endif()
set(pc_shared "")
if(BUILD_SHARED_LIBS)
    set(pc_shared "-DRINGIO_SHARED")
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/ringio.pc.in" "${PROJECT_BINARY_DIR}/ringio.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/ringio.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
set(pc_requires_of_tls "libssl libcrypto")
set(pc_requires_of_http "ringio-tls = ${PROJECT_VERSION} libcurl")
if(RINGIO_HTTP_HAS_ZLIB)
    string(APPEND pc_requires_of_http " zlib")
endif()
foreach(pc_component IN LISTS RINGIO_COMPONENTS)
    set(pc_requires "${pc_requires_of_${pc_component}}")
    set(pc_file "${PROJECT_BINARY_DIR}/ringio-${pc_component}.pc")
    configure_file("${PROJECT_SOURCE_DIR}/cmake/ringio-component.pc.in" "${pc_file}" @ONLY)
    install(FILES "${pc_file}" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach()

install(PROGRAMS "${PROJECT_SOURCE_DIR}/tools/ringio-lint" DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
