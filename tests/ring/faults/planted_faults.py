"""planted_faults.py BINARY: each incident's test fails on a kernel with that fault.

An incident is what went wrong in somebody's event loop; tests/ring has a test that is named after
it. Here the fault is planted, by RINGIO_PLANTED_FAULT, and the test has to find it: an assertion
fails, in time. A crash is no finding, nor is a hang that only the time limit here ends. Then the
same tests pass on the kernels as they are, and on one that is wrapped in the same way with nothing
wrong.
"""

import concurrent.futures
import os
import re
import subprocess
import sys
import time

TIME_LIMIT = 20  # seconds, for each run; what hangs for ever would take this long

# Incident, the faults that were planted for it, the name of the test that finds them. The faults
# are in this folder: those of a choice in choice_faults.cpp, each other in the file of its kind.
PLANTED = [
    ("1", "semgrep#11836", ["not_supported_is_no_refusal"], "kernel choice: whichever call*"),
    ("2", "dragonfly#7810", ["not_permitted_is_no_refusal"], "kernel choice: whichever call*"),
    ("3", "go-microvm#76", ["asks_first"], "kernel source: RINGIO_KERNEL=epoll makes no call*"),
    ("4", "libuv#4010", ["asks_first"], "uring refusal: on Android nobody asks*"),
    ("5", "swoole-src#6114", ["refusal_ends_the_program"], "kernel choice: a program whose*"),
    ("6", "compio#458", ["believes_a_smaller_ring"], "kernel choice: what counts is the set-up*"),
    ("7", "compio#504", ["needs_all"], "kernel choice: what is only for speed may be refused"),
    ("7", "compio#504", ["believes_the_set_up"], "kernel choice: where io_uring does not tell*"),
    ("8", "neon#7116", ["believes_the_set_up"], "kernel choice: a refusal that only use*"),
    ("9", "monoio#359", ["says_no_name"], "kernel choice: the kernel says its name*"),
    ("10", "tgoskits#1061", ["believes_the_set_up"], "kernel choice: an io_uring that does nothing*"),
    ("11", "io-event#59", ["needs_pwait2"], "epoll kernel: where epoll_pwait2 is refused*"),
    ("12", "zio#500", ["sleeps_in_milliseconds"], "kernel incident 12*"),
    ("13", "compio#345", ["cancel_waits_for_an_event"], "kernel incident 13*"),
    ("14", "compio#66", ["forgets_a_receive"], "kernel incident 14*"),
    ("15", "compio#636", ["completes_twice"], "kernel incident 15*"),
    ("16", "kaappi#1462", ["forgets_the_writer"], "kernel incident 16*"),
    ("17", "compio#229", ["acts_on_a_stranger"], "kernel incident 17*"),
    ("18", "io-event#71", ["number_is_old_acquaintance"], "*a number used again is no old acquaintance"),
    ("18", "io-event#71", ["number_is_old_acquaintance"], "*a number used again while its old file lives on"),
    ("19", "re#266", ["old_event_hits_the_new"], "kernel incident 19*"),
    ("20", "libuv#4323", ["closed_stays_registered"], "kernel incident 20*"),
    ("21", "libuv#1099", ["closed_stays_registered"], "kernel incident 21*"),
    ("22", "libxev#230", ["cancel_hits_the_next"], "kernel incident 22*"),
    ("23", "libxev#231", ["cancelled_keeps_a_copy"], "kernel incident 23*"),
    ("24", "libxev#234", ["event_finds_the_cancelled"], "kernel incident 24*"),
    ("25", "zio#510", ["registers_each_time"], "kernel incident 25*"),
    ("26", "h2o#603", ["hangup_stays_registered"], "kernel incidents 26 and 27*"),
    ("27", "seastar#65", ["data_stays_registered"], "kernel incidents 26 and 27*"),
    ("26", "h2o#603", ["hangup_stays_registered"], "kernel incidents 26 to 32*"),
    ("28", "bun#37928", ["hangup_stays_registered"], "kernel incident 28*"),
    ("29", "pjproject#3188", ["data_stays_registered"], "kernel incident 29*"),
    ("30", "netty#7788", ["waits_for_more_after_a_full_read"], "kernel incident 30*"),
    ("31", "netty#4317", ["drops_the_last_bytes"], "kernel incident 31*"),
    ("32", "netty#4082", ["half_close_stays_registered"], "kernel incident 32*"),
    ("33", "ponyc#5722", ["accept_blocks"], "kernel incident 33*"),
    ("34", "mio#1560", ["full_backlog_is_connected"], "kernel incident 34*"),
    (
        "35",
        "php-src#23669",
        ["full_backlog_is_an_error", "connect_holds_up_time"],
        "kernel incident 35*",
    ),
    ("36", "netty#2342", ["refused_is_connected"], "kernel incident 36*"),
    ("37", "bun#33827", ["makes_non_blocking"], "kernel incident 37*"),
    ("38", "libmtev#682", ["refuses_files"], "kernel incident 38*"),
    ("39", "compio#232", ["does_files_itself"], "*an open that waits keeps nobody else waiting"),
    ("39", "compio#232", ["does_files_itself"], "*a file's request keeps nobody else waiting"),
    ("40", "go#34392", ["loses_what_it_cannot_register"], "kernel incident 40*"),
    ("41", "compio#315", ["cancelled_accept_is_lost"], "kernel incident 41*"),
    (
        "42",
        "cpython#127529",
        ["failed_accept_is_the_last", "failed_accept_spins"],
        "*no descriptor left for an accept",
    ),
    ("42", "cpython#127529", ["needs_a_descriptor_each"], "*no descriptor left for any other request"),
    ("43", "libuv#5227", ["cancel_is_always_found"], "*who cannot stop a file's request*"),
    ("44", "compio#1035", ["full_queue_blocks"], "kernel incident 44*"),
    ("45", "io-event#68", ["wakes_once"], "kernel incident 45*"),
    ("46", "helio#624", ["cancel_takes_neighbours"], "kernel incident 46*"),
]
INCIDENTS = 46


class Run:
    """The tests of these names, with a fault or without one."""

    def __init__(self, binary: str, names: list[str], fault: str):
        ours = ("RINGIO_KERNEL", "RINGIO_PLANTED_FAULT")
        variables = {key: value for key, value in os.environ.items() if key not in ours}
        if fault:
            variables["RINGIO_PLANTED_FAULT"] = fault
        begin = time.monotonic()
        try:
            done = subprocess.run(
                [binary, ",".join(names)],
                env=variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=TIME_LIMIT,
            )
            self.status, self.text = done.returncode, done.stdout.decode(errors="replace")
        except subprocess.TimeoutExpired as late:
            self.status, self.text = None, (late.stdout or b"").decode(errors="replace")
        self.seconds = time.monotonic() - begin

    def passes(self) -> bool:
        return self.status == 0 and "All tests passed" in self.text

    def finding(self) -> str:
        """The first assertion that failed, or "" when the fault was not found."""
        if self.status is None or self.status <= 0 or "fatal error condition" in self.text:
            return ""
        # One that fails ends the expression around it by an exception, which is told, too.
        failed = re.search(r"FAILED:\n(?:explicitly .*\n)?\s*(.*)\n(?!due to)", self.text)
        return failed[1] if failed else ""

    def what_else(self) -> str:
        if self.status is None:
            return f"it had to be killed after {TIME_LIMIT} s"
        if self.status == 0:
            return "the test passes, or there is none"
        return f"no assertion, but exit status {self.status}"


def main(binary: str) -> int:
    wrong = 0
    runs = [
        (incident, project, fault, name)
        for incident, project, faults, name in PLANTED
        for fault in faults
    ]
    # Several at a time, for most of the time one waits for what does not come.
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = pool.map(lambda run: Run(binary, [run[3]], run[2]), runs)
        for (incident, project, fault, _), run in zip(runs, done):
            found = run.finding()
            verdict = f"found: {found}" if found else f"NOT FOUND: {run.what_else()}"
            print(f"{incident:>2} {project:16} {fault:34} {run.seconds:4.1f} s  {verdict}")
            if not found:
                wrong += 1
                print(run.text)
    # The tests themselves are right, and so is the kernel in between when no fault is planted.
    names = sorted({name for _, _, _, name in runs})
    for fault in ("", "none"):
        run = Run(binary, names, fault)
        print(f"{'without a fault' if fault else 'as they are':54} {run.seconds:4.1f} s")
        if not run.passes():
            wrong += 1
            print(f"FAILS: {run.what_else()}\n{run.text}")
    covered = {incident for incident, *_ in runs}
    missing = [str(number) for number in range(1, INCIDENTS + 1) if str(number) not in covered]
    print(f"{len(runs)} faults planted for {len(covered)} of {INCIDENTS} incidents", end="")
    print(f"; none for {', '.join(missing)}" if missing else "", end="")
    print(f"; {wrong} wrong" if wrong else "; each was found")
    return 1 if wrong or missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
