#!/usr/bin/env python3
"""Runs a program of this machine under another Linux, or under several in turn.

    in_vm.py --kernel IMAGE [--kernel IMAGE ...] [OPTION ...] PROGRAM [ARGUMENT ...]

For each kernel a virtual machine boots with an initial file system that holds the program, the
libraries that it needs and busybox; it runs the program as root and prints what it prints. There is
no disk, and the network is the loopback device. The status is that of the first run that failed.

    apt-get install qemu-system-x86 busybox-static cpio linux-image-amd64
    tests/kernels/in_vm.py --kernel /boot/vmlinuz-6.1* build/release/tests/ringio_ring_tests

The processor is emulated, for that works everywhere: all is about ten times slower, and the
variable RINGIO_EMULATED tells a test so that measures time. The kernel of another release of Debian
is a package, of which `dpkg-deb -x` takes out the image.
"""
import argparse
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /var/tmp /run /root
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mkdir -p /dev/shm /dev/pts
/bin/busybox mount -t devpts devpts /dev/pts
/bin/busybox mount -t tmpfs tmpfs /dev/shm
/bin/busybox --install -s /bin
ip link set lo up
hostname vm
ulimit -n 20000
cd /tmp
echo "in_vm: begin"
env RINGIO_EMULATED=1 {environment} {command} </dev/null
echo "in_vm: status $?"
poweroff -f
"""
CONFIGURATION = ("hosts", "services", "protocols", "passwd", "group", "nsswitch.conf", "host.conf")
ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|c)")


def copy(path: str, root: pathlib.Path) -> None:
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, target)


def copy_program(path: str, root: pathlib.Path) -> None:
    copy(path, root)
    said = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"(/\S+) \(0x", said):
        copy(library, root)


def initial_file_system(root: pathlib.Path, programs: list[str], init: str) -> bytes:
    for folder in ("bin", "sbin", "etc", "usr/bin", "usr/sbin"):
        (root / folder).mkdir(parents=True)
    shutil.copy2("/bin/busybox", root / "bin/busybox")
    for program in programs:
        copy_program(program, root)
    for name in CONFIGURATION:
        if os.path.exists(f"/etc/{name}"):
            copy(f"/etc/{name}", root)
    (root / "init").write_text(init)
    (root / "init").chmod(0o755)
    names = subprocess.run(["find", "."], cwd=root, capture_output=True, check=True).stdout
    pack = ["cpio", "-o", "-H", "newc", "--quiet"]
    return subprocess.run(pack, cwd=root, input=names, capture_output=True, check=True).stdout


def run_in_vm(kernel: str, image: pathlib.Path, memory: str, seconds: int) -> int:
    """Boots, prints what the program prints, and returns its status, or 255 when it did not end."""
    command = ["timeout", str(seconds), "qemu-system-x86_64", "-cpu", "max", "-smp", "2",
               "-m", memory, "-kernel", kernel, "-initrd", str(image), "-nographic", "-no-reboot",
               "-append", "console=ttyS0 quiet panic=-1 mitigations=off"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    status, begun = 255, False
    assert process.stdout is not None
    for line in process.stdout:
        text = ESCAPES.sub("", line.decode(errors="replace")).rstrip("\r\n")
        if found := re.search(r"in_vm: status (\d+)", text):
            status, begun = int(found[1]), False
        if begun or "Kernel panic" in text:
            print(text, flush=True)
        begun = begun or text.endswith("in_vm: begin")
    process.wait()
    return status


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", action="append", required=True, help="the image to boot")
    parser.add_argument("--memory", default="2G")
    parser.add_argument("--timeout", type=int, default=1800, metavar="SECONDS",
                        help="for each kernel")
    parser.add_argument("--with", dest="others", action="append", default=[], metavar="PROGRAM",
                        help="another program that this one starts")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("which program?")
    command = [os.path.abspath(arguments.command[0]), *arguments.command[1:]]
    programs = [command[0], *(os.path.abspath(other) for other in arguments.others)]
    init = INIT.format(command=shlex.join(command), environment=shlex.join(arguments.env))
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        image = pathlib.Path(folder) / "initrd"
        image.write_bytes(initial_file_system(pathlib.Path(folder) / "root", programs, init))
        for kernel in arguments.kernel:
            name = os.path.basename(kernel).removeprefix("vmlinuz-")
            begin = time.monotonic()
            status = run_in_vm(kernel, image, arguments.memory, arguments.timeout)
            seconds = time.monotonic() - begin
            print(f"in_vm: {name}: status {status} after {seconds:.0f} s", flush=True)
            failed = failed or status
    return failed


if __name__ == "__main__":
    sys.exit(main())
