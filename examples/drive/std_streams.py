"""Runs std_streams with pipes, with files, and with a terminal as its standard streams."""

import os
import pty
import subprocess
import sys
import tempfile

program = sys.argv[1]
wanted = b"1 one\n2 two\n3 three\nend\n"


def require(ok, what, got):
    if not ok:
        sys.exit(f"std_streams: {what}: {got!r}")


done = subprocess.run([program], input=b"one\ntwo\nthree\n", capture_output=True, timeout=60)
require(done.stdout == wanted and done.returncode == 0, "with pipes", done)

with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
    source.write(b"one\ntwo\nthree\n")
    source.seek(0)
    done = subprocess.run([program], stdin=source, stdout=target, timeout=60)
    target.seek(0)
    require(target.read() == wanted and done.returncode == 0, "with files", done)

master, slave = pty.openpty()
child = subprocess.Popen([program], stdin=slave, stdout=slave)
os.close(slave)
os.write(master, b"one\n\x04")  # a line, and the end of the input
screen = b""
try:
    while part := os.read(master, 4096):
        screen += part
except OSError:  # the other side is closed
    pass
require(child.wait(60) == 0, "with a terminal: exit status", child.returncode)
require(screen.endswith(b"1 one\r\nend\r\n"), "with a terminal", screen)
print("3 kinds of standard streams")
