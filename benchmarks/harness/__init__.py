"""What all suites share: where programs run, how bursts alternate, how results are shown.

A suite is a module benchmarks/<folder>/suite.py with

    NAMES = {"echo": "one line of help", ...}       what may be given to run.py
    def add_arguments(parser): ...                  optional: what is the suite's own
    SECONDS = 0.25                                  optional: its own default of --seconds
    def run(name, options, build) -> Report         build: the tree with the programs, a Path

`options` has rounds, seconds, quick, only (a list of candidates, or None) and the suite's own.
"""
