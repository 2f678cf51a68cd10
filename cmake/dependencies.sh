# shellcheck shell=bash disable=SC2034
# Sourced by tests/run, examples/run and .ci/run: installs what is missing (Debian), configures and builds
# presets without flooding the terminal. Sets `root`, the top of the source tree.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit
export DEBIAN_FRONTEND=noninteractive

say() { printf '== %s\n' "$*"; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Whether what a Debian package is wanted for is there, wherever it came from.
is_present() {
    case $1 in
        ninja-build) command -v ninja ;;
        nginx-light) command -v nginx || [[ -x /usr/sbin/nginx ]] ;;
        liburing-dev) pkg-config --exists 'liburing >= 2.3' ;;
        libfmt-dev) pkg-config --exists fmt ;;
        catch2) pkg-config --exists catch2 || pkg-config --exists catch2-with-main ;;
        libssl-dev) pkg-config --exists 'libssl >= 3' ;;
        libcurl4-openssl-dev) pkg-config --exists 'libcurl >= 7.85' ;;
        zlib1g-dev) pkg-config --exists zlib ;;
        nlohmann-json3-dev) [[ -e /usr/include/nlohmann/json.hpp ]] ;;
        libpq-dev) pkg-config --exists libpq ;;
        libhiredis-dev) pkg-config --exists hiredis ;;
        libc-ares-dev) pkg-config --exists libcares ;;
        gnutls-bin) command -v gnutls-cli ;;
        haproxy) command -v haproxy || [[ -x /usr/sbin/haproxy ]] ;;
        squid) command -v squid || [[ -x /usr/sbin/squid ]] ;;
        python3-aiohttp) /usr/bin/python3 -c 'import aiohttp' ;;
        dnsmasq-base) command -v dnsmasq || [[ -x /usr/sbin/dnsmasq ]] ;;
        redis-tools) command -v redis-cli ;;
        postgresql) command -v postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' ;;
        libasio-dev) [[ -e /usr/include/asio.hpp ]] ;;
        libclang-rt-19-dev) compgen -G '/usr/lib/llvm-19/lib/clang/19/lib/linux/*asan*' ;;
        clang-19) command -v clang++-19 ;;
        clang-tools-19) command -v clang-query-19 ;;
        *) command -v "$1" ;;
    esac >/dev/null 2>&1
}

# ensure_packages PACKAGE...: installs those that are missing; touches neither network nor apt otherwise.
ensure_packages() {
    local missing=() package log as_root=()
    for package in "$@"; do
        is_present "$package" || missing+=("$package")
    done
    [[ ${#missing[@]} -eq 0 ]] && return
    command -v apt-get >/dev/null ||
        die "not a Debian system: please install the equivalents of: ${missing[*]}"
    if [[ $(id -u) -ne 0 ]]; then
        command -v sudo >/dev/null ||
            die "neither root nor sudo here; as root run: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing ${missing[*]}"
    log=$(mktemp)
    if ! "${as_root[@]}" apt-get -qq -o Acquire::Retries=3 update </dev/null >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        echo "warning: apt-get update failed; trying with the package lists at hand" >&2
    fi
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Acquire::Retries=3 \
        install --no-install-recommends "${missing[@]}" </dev/null >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "apt-get could not install: ${missing[*]} (is this machine offline?)"
    fi
    rm -f "$log"
    for package in "${missing[@]}"; do
        is_present "$package" || die "$package is installed, but is not of use; it may be too old"
    done
}

# want_packages PACKAGE...: the same, but without them only tests are left out.
want_packages() {
    (ensure_packages "$@") || echo "warning: tests that need them are skipped" >&2
}

# As many jobs as processors, but a compiler wants about 1 GB of memory.
compile_jobs() {
    local by_memory processors
    by_memory=$(awk '/^MemAvailable:/ {print int($2 / 1000000)}' /proc/meminfo)
    ((by_memory < 1)) && by_memory=1
    processors=$(nproc)
    echo "$((by_memory < processors ? by_memory : processors))"
}

# quietly WHAT COMMAND...: shows the end of the output only if the command fails.
quietly() {
    local what=$1 log began=$SECONDS
    shift
    log=$(mktemp)
    say "$what"
    if ! "$@" </dev/null >"$log" 2>&1; then
        { grep -nE '(error|FAILED|fatal)' "$log" || true; } | head -n 20 >&2
        echo "..." >&2
        tail -n 40 "$log" >&2
        die "$what failed; the whole output is in $log"
    fi
    rm -f "$log"
    if ((SECONDS - began > 20)); then
        say "$what: $((SECONDS - began)) s"
    fi
}

# build PRESET: configures the preset and builds it.
build() {
    quietly "configuring $1" cmake --preset "$1"
    quietly "building $1" cmake --build --preset "$1" --parallel "$(compile_jobs)"
}

build_packages=(g++ cmake ninja-build pkg-config liburing-dev libfmt-dev python3 ccache libssl-dev
    libcurl4-openssl-dev zlib1g-dev openssl)
test_packages=(catch2 nlohmann-json3-dev nginx-light valgrind strace socat)
clang_packages=(clang-19 clang-format-19 clang-tools-19 libclang-rt-19-dev lld-19)
# Real peers of TLS and HTTP.
peer_packages=(gnutls-bin curl haproxy stunnel4 squid python3-aiohttp)
# The libraries and servers of examples/recipes. The server of Redis is in redis-tools, too, without a
# service; that of PostgreSQL comes with one, which apt starts only where there is an init system.
recipe_packages=(libpq-dev libhiredis-dev libc-ares-dev dnsmasq-base redis-tools postgresql)
