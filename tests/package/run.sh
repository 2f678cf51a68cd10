#!/usr/bin/env bash
# run.sh BUILD_DIR [COMPILER]: installs the build into a scratch prefix, moves the prefix (a package must
# not remember where it was installed), then builds and runs hello.cpp in three ways.
set -euo pipefail

build=${1:?usage: run.sh BUILD_DIR [COMPILER]}
compiler=${2:-g++}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
expected="hello from the installed package"

quietly() {
    "$@" >"$scratch/log" 2>&1 || {
        cat "$scratch/log"
        echo "package: failed: $*"
        exit 1
    }
}

check() { # check WAY PROGRAM
    local output
    output=$("$2")
    if [[ $output != "$expected" ]]; then
        echo "package: $1: printed '$output' instead of '$expected'"
        exit 1
    fi
    echo "package: $1: right"
}

consume() { # consume WAY [CMAKE_ARGUMENT...]
    local way=$1
    shift
    quietly cmake -G Ninja -S "$here/$way" -B "$scratch/$way" -DCMAKE_CXX_COMPILER="$compiler" "$@"
    quietly cmake --build "$scratch/$way" --parallel 2
    check "$way" "$scratch/$way/hello"
}

quietly cmake --install "$build" --prefix "$scratch/installed"
mv "$scratch/installed" "$scratch/prefix"

consume find_package -DCMAKE_PREFIX_PATH="$scratch/prefix"

launcher=()
if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
consume add_subdirectory -DCMAKE_BUILD_TYPE=Debug "${launcher[@]}"

pc=$(find "$scratch/prefix" -name ringio.pc)
export PKG_CONFIG_PATH=${pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
read -ra flags < <(pkg-config --cflags --libs ringio)
quietly "$compiler" -std=c++20 "$here/hello.cpp" -o "$scratch/hello" "${flags[@]}"
check pkg-config "$scratch/hello"
