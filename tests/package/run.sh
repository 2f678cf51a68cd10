#!/usr/bin/env bash
# run.sh BUILD_DIR [COMPILER]: installs the build into a scratch prefix, moves the prefix (a package must
# not remember where it was installed), then builds and runs strangers' programs against it in three ways, and
# against a shared ringio.
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

die() {
    echo "package: $*"
    exit 1
}

check() { # check WAY PROGRAM [ARGUMENT...]
    local way=$1 output
    shift
    output=$("$@") || true
    [[ $output == "$expected" ]] || die "$way: printed '$output' instead of '$expected'"
    echo "package: $way: right"
}

configure() { # configure WAY FOLDER [CMAKE_ARGUMENT...]
    local way=$1 folder=$2
    shift 2
    quietly cmake -G Ninja -S "$here/$way" -B "$scratch/$folder" -DCMAKE_CXX_COMPILER="$compiler" "$@"
}

# The programs of find_package/, against the package in a prefix.
consume_package() { # consume_package FOLDER PREFIX
    local folder=$scratch/$1
    configure find_package "$1" -DCMAKE_PREFIX_PATH="$2"
    if "$compiler" --version | grep -qi '^g++.* 12\.' && [[ $1 == static ]]; then
        grep -q 'ringio: g++ 12.* clang++-19' "$scratch/log" || die "no notice about g++ 12"
        configure find_package "$1" --fresh -DCMAKE_PREFIX_PATH="$2" -DRINGIO_ACCEPT_GCC12=ON
        ! grep -q 'ringio: g++ 12' "$scratch/log" || die "RINGIO_ACCEPT_GCC12 does not end the notice"
    fi
    quietly cmake --build "$folder" --parallel 2
    check "find_package, $1" "$folder/hello"
    check "C++23 and _GLIBCXX_ASSERTIONS, $1" "$folder/strict"
    [[ ! -x $folder/secure ]] || check "the components tls and http, $1" "$folder/secure"
    cp "$folder/plugin.so" "$folder/copy.so"
    check "a plugin, $1" "$folder/host" "$folder/plugin.so" "$folder/copy.so"
}

quietly cmake --install "$build" --prefix "$scratch/installed"
mv "$scratch/installed" "$scratch/prefix"
consume_package static "$scratch/prefix"
[[ -x $scratch/prefix/bin/ringio-lint ]] || die "ringio-lint is not installed"

# As a guest, and shared; what it installs is a package as well.
launcher=()
if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
configure add_subdirectory guest -DCMAKE_BUILD_TYPE=Debug -DBUILD_SHARED_LIBS=ON -DRINGIO_INSTALL=ON \
    -DRINGIO_UNITY_BUILD=ON \
    "${launcher[@]}"
quietly cmake --build "$scratch/guest" --parallel 2
check add_subdirectory "$scratch/guest/hello"
quietly cmake --install "$scratch/guest" --prefix "$scratch/shared-prefix"
library=$(find "$scratch/shared-prefix" -name 'libringio.so')
[[ $(readelf -d "$library") == *'Library soname: [libringio.so.0.1]'* ]] || die "the soname has no version"
strangers=$(nm -DC --defined-only "$library" | grep -vE ' A RINGIO_|ringio::' || true)
[[ -z $strangers ]] || die "the shared library shows what is not ringio's: $(head -n 3 <<<"$strangers")"
consume_package shared "$scratch/shared-prefix"

pc=$(find "$scratch/prefix" -name ringio.pc)
export PKG_CONFIG_PATH=${pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
if [[ -e ${pc%/*}/ringio-http.pc ]]; then
    read -ra flags < <(pkg-config --cflags --libs ringio-http)
    quietly "$compiler" -std=c++20 "$here/secure.cpp" -o "$scratch/secure" "${flags[@]}"
    check "pkg-config, the components" "$scratch/secure"
fi
read -ra flags < <(pkg-config --cflags --libs ringio)
quietly "$compiler" -std=c++20 "$here/hello.cpp" -o "$scratch/hello" "${flags[@]}"
check pkg-config "$scratch/hello"

# What ringio cannot do without is said in one sentence.
for flag in -fno-exceptions -fno-rtti; do
    if "$compiler" -std=c++20 "$flag" -fsyntax-only "$here/hello.cpp" "${flags[@]}" 2>"$scratch/log"; then
        die "compiles with $flag"
    fi
    [[ $(grep -c 'error:' "$scratch/log") == 1 && $(<"$scratch/log") == *"compile without $flag"* ]] ||
        die "$flag: $(head -n 5 "$scratch/log")"
    echo "package: $flag: one sentence"
done
