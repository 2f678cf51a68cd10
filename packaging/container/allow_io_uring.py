#!/usr/bin/env python3
"""allow_io_uring.py [--flat] [--arch NAME] PROFILE: a container's seccomp profile, with io_uring.

Prints the profile with io_uring_setup, io_uring_enter and io_uring_register allowed, and nothing
else changed. PROFILE is that of Docker or of Podman, as README.md beside this file says.

--flat decides what the profile leaves to Docker and Podman to decide (by capabilities and
architecture) for a container that has no further capabilities. containerd, and with it most
Kubernetes nodes, needs that: it passes over the conditions, and would take every rule for good.
"""

import argparse
import json
import platform
import sys

IO_URING = ["io_uring_setup", "io_uring_enter", "io_uring_register"]
CONDITIONS = {"caps", "arches", "minKernel"}

# What uname says -> what profiles call it, in their conditions and in their lists.
ARCHITECTURES = {
    "x86_64": ("amd64", "SCMP_ARCH_X86_64"),
    "aarch64": ("arm64", "SCMP_ARCH_AARCH64"),
    "riscv64": ("riscv64", "SCMP_ARCH_RISCV64"),
    "s390x": ("s390x", "SCMP_ARCH_S390X"),
    "ppc64le": ("ppc64le", "SCMP_ARCH_PPC64LE"),
}


def allow_io_uring(profile: dict) -> dict:
    """Takes the three calls out of every rule there is for them, and allows them."""
    rules = []
    for rule in profile["syscalls"]:
        names = [name for name in rule["names"] if name not in IO_URING]
        if names:
            rules.append({**rule, "names": names})
    rules.append({"names": IO_URING, "action": "SCMP_ACT_ALLOW"})
    return {**profile, "syscalls": rules}


def holds(rule: dict, architecture: str) -> bool:
    """Tells whether a rule is one for a container without further capabilities."""
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    if unknown := (includes.keys() | excludes.keys()) - CONDITIONS:
        raise ValueError(f"a condition that is not known here: {', '.join(sorted(unknown))}")
    # Every kernel with io_uring that ringio can use is newer than any minKernel.
    return not (
        includes.get("caps")
        or (includes.get("arches") and architecture not in includes["arches"])
        or architecture in (excludes.get("arches") or [])
        or excludes.get("minKernel")
    )


def flat(profile: dict, machine: str) -> dict:
    """The profile in the form of the OCI's runtime specification, without conditions."""
    architecture, name = ARCHITECTURES[machine]
    rules = [
        {key: value for key, value in rule.items() if key not in ("includes", "excludes", "comment")}
        for rule in profile["syscalls"]
        if holds(rule, architecture)
    ]
    names = profile.get("architectures", [])
    for entry in profile.get("archMap") or []:
        if entry["architecture"] == name:
            names = [name, *(entry.get("subArchitectures") or [])]
    rest = {key: value for key, value in profile.items() if key not in ("archMap", "syscalls")}
    return {**rest, "architectures": names, "syscalls": rules}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flat", action="store_true", help="without conditions, for containerd")
    parser.add_argument(
        "--arch", choices=ARCHITECTURES, default=platform.machine(), help="for --flat"
    )
    parser.add_argument("profile", metavar="PROFILE")
    arguments = parser.parse_args()
    try:
        with open(arguments.profile, encoding="utf-8") as file:
            profile = json.load(file)
        profile = flat(profile, arguments.arch) if arguments.flat else profile
        profile = allow_io_uring(profile)
    except KeyError as error:
        print(f"{arguments.profile}: no profile of this form: {error} is missing", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"{arguments.profile}: {error}", file=sys.stderr)
        return 1
    json.dump(profile, sys.stdout, indent="\t")
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
