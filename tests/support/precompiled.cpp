// Gives birth to the precompiled header that all test binaries share; see tests/CMakeLists.txt.
