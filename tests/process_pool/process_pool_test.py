"""process_pool_test.py PROGRAM FORGETFUL PLUGIN: process pools of whole programs, seen from outside."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM, FORGETFUL, PLUGIN = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:4])
DEADLINE = 60
# Of an end that comes by itself: what a signal or the end of a socket starts. A sanitizer is slow.
SOON = 10


def run(*arguments, **options):
    return subprocess.run(arguments, text=True, timeout=DEADLINE, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)  # fmt: skip


def is_running(pid):
    """Whether there is such a process, which is no zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class ProcessPool(unittest.TestCase):
    def assert_gone(self, pids):
        self.assertEqual(len(pids), 2)
        end = time.monotonic() + SOON
        while any(map(is_running, pids)):
            self.assertLess(time.monotonic(), end, f"{pids} run on")

    def tell(self, *arguments, **options):
        """What the program "tells" says."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "result")
            subprocess.run([*arguments, PROGRAM, "tells", path], timeout=DEADLINE, check=False,
                           **options)  # fmt: skip
            return pathlib.Path(path).read_text(encoding="utf-8")

    def test_workers_end_with_a_program_that_is_killed(self):
        with subprocess.Popen([PROGRAM, "killed"], text=True, stdout=subprocess.PIPE) as program:
            pids = [int(program.stdout.readline()) for _ in range(2)]
            self.assertTrue(all(map(is_running, pids)))
            program.send_signal(signal.SIGKILL)
            self.assert_gone(pids)

    def test_workers_are_killed_when_the_program_ends_without_a_wait_for_them(self):
        for name in "exits", "returns":
            with self.subTest(name):
                result = run(PROGRAM, name)
                self.assertEqual(result.returncode, 7, result.stderr)
                self.assertEqual(result.stderr, "")
                self.assert_gone([int(line) for line in result.stdout.splitlines()])

    def test_a_program_ends_after_a_pool_that_it_has_not_waited_for(self):
        for _ in range(5):
            result = run(PROGRAM, "throws_away")
            self.assertEqual((result.returncode, result.stderr), (7, ""))

    def test_a_static_pool_makes_its_calls_after_main(self):
        result = run(PROGRAM, "ends_late")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "apple\n", ""))

    def test_a_function_of_a_plugin_needs_a_worker_that_has_loaded_it(self):
        result = run(PROGRAM, "plugin", PLUGIN)
        self.assertEqual(result.stdout.splitlines(),
                         [f"the function is in '{PLUGIN}', which the worker process has not "
                          "loaded; load it in the pool's initializer", "10", "15"])  # fmt: skip

    def test_main_without_process_worker_is_told_so_and_starts_no_process(self):
        result = run(FORGETFUL)
        self.assertEqual(result.returncode, 1)
        lines = result.stdout.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertEqual(lines[0], "main")
        self.assertIn("process_worker(argc, argv)", lines[1])

    def test_what_main_prints_first_each_worker_prints_and_nothing_else_comes_of_it(self):
        with tempfile.TemporaryDirectory() as folder:
            result = run(PROGRAM, "tells", os.path.join(folder, "result"),
                         env=os.environ | {"PRINT_FIRST": "1"})  # fmt: skip
            self.assertEqual(set(result.stdout.splitlines()), {"hello"})
            self.assertIn(result.stdout.count("hello"), (2, 3))
            text = pathlib.Path(folder, "result").read_text(encoding="utf-8")
            self.assertEqual(text, "42 44")

    def test_a_program_without_standard_streams(self):
        for closed in (0,), (1,), (2,), (0, 1, 2):
            with self.subTest(closed):
                text = self.tell("sh", "-c", 'exec "$@" ' + " ".join(f"{fd}>&-" for fd in closed),
                                 "sh")  # fmt: skip
                self.assertEqual(text, "42 44")

    def test_without_proc_the_error_names_it(self):
        hide = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                'mount -t tmpfs none /proc && exec "$@"', "sh"]  # fmt: skip
        if shutil.which("unshare") is None or run(*hide, "true").returncode != 0:
            self.skipTest("no file system can be hidden here")
        # LeakSanitizer cannot do without it, either.
        text = self.tell(*hide, env=os.environ | {"ASAN_OPTIONS": "detect_leaks=0"})
        self.assertIn("'/proc/self/exe' (is /proc mounted?): No such file or directory", text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
