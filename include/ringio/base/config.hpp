// What the compiler and the build say, in one place: sanitizers, bugs, attributes.
// The only header that defines RINGIO_* macros besides assert.hpp.
#pragma once

// ringio needs exceptions and run-time types. These lines end the compilation with their one
// sentence; after an #error it would go on to hundreds.
#if !defined(__cpp_exceptions)
#include "ringio needs exceptions: compile without -fno-exceptions"
#elif !defined(__cpp_rtti)
#include "ringio needs run-time type information: compile without -fno-rtti"
#endif

// On what must be one and the same in the program and in a shared ringio, also for those who
// compile with -fvisibility=hidden: variables that headers define, and what is thrown.
#define RINGIO_API __attribute__((visibility("default")))

// A variable of the process, or of a thread: RINGIO_VARIABLE(thread_local int count, = 0);
// A static ringio has each file define it, so that the compiler knows its place. A shared one
// (RINGIO_SHARED, which its package says) defines it itself, in src/variables.cpp: only g++
// sees to it that the files of several shared objects mean the same one.
#if !defined(RINGIO_SHARED)
#define RINGIO_VARIABLE(declaration, ...) RINGIO_API inline constinit declaration __VA_ARGS__
#elif defined(RINGIO_DEFINES_VARIABLES)
#define RINGIO_VARIABLE(declaration, ...) RINGIO_API constinit declaration __VA_ARGS__
#else
#define RINGIO_VARIABLE(declaration, ...) RINGIO_API extern constinit declaration
#endif

// 1 when the translation unit is built with AddressSanitizer.
#if defined(__SANITIZE_ADDRESS__)
#define RINGIO_SANITIZE_ADDRESS 1
#elif defined(__clang__)
#if __has_feature(address_sanitizer)
#define RINGIO_SANITIZE_ADDRESS 1
#endif
#endif
#ifndef RINGIO_SANITIZE_ADDRESS
#define RINGIO_SANITIZE_ADDRESS 0
#endif

// 1 on the compilers that destroy some temporaries of a co_await operand twice.
// GCC 12: PR99576, PR100611; right since g++ 13.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#define RINGIO_AWAIT_DESTROYS_TEMPORARIES_TWICE 1
#else
#define RINGIO_AWAIT_DESTROYS_TEMPORARIES_TWICE 0
#endif

// Keeps a slow path out of its caller.
#define RINGIO_NOINLINE __attribute__((noinline, cold))

// Puts a function into its callers, however many they are.
#define RINGIO_INLINE [[gnu::always_inline]] inline

// Puts what a hot function calls into it, save what is kept out.
#define RINGIO_FLATTEN __attribute__((flatten))
