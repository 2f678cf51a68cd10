"""What the coroutine layer costs, beside the minimal loop."""

import json
import subprocess

from harness import bursts, machine
from harness.charts import bars
from harness.report import Report, Table, number

NAMES = {"micro": "costs of the coroutine layer"}
REFERENCE = "minimal"
PROGRAMS = {"minimal": "micro_minimal", "ringio": "micro_ringio"}

# test: what ringio aims at, as a ratio to the minimal loop
TARGETS = {
    "await_ready": 1.5,
    "recursion": 1.0,
    "spawn_join": None,
    "spawn_join_all": 1.1,
    "gather": 1.5,
    "yield": 1.25,
    "future_ping_pong": 1.7,
    "timer_arm_cancel": 1.2,
    "timer_fire": 1.5,
}


def once(program, test, quick):
    command = machine.pinned("0", [program, "--only", test, *(["--quick"] if quick else [])])
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise bursts.BurstFailed(f"{test}: exit {done.returncode} {done.stderr[:200]}")
    return json.loads(done.stdout)


def run(name, options, build):
    programs = {who: machine.find_program(build, file) for who, file in PROGRAMS.items()}
    if programs[REFERENCE] is None:
        raise RuntimeError(f"{build}: no micro_minimal")
    names = [who for who in programs if programs[who] is not None and who != REFERENCE]
    found = {}
    for test in TARGETS:
        measure = lambda who: {"ns": once(programs[who], test, options.quick)["ns_per_op"]}
        found[test] = bursts.alternate(names, REFERENCE, measure, options.rounds)
    rows = [[test, number(series["minimal"].median("ns"), 1),
             number(series["ringio"].median("ns"), 1), number(series["ringio"].ratio("ns")),
             number(TARGETS[test])] for test, series in found.items()]
    table = Table("", ["test", "minimal, ns", "ringio, ns", "ratio", "target"], rows)
    chart = bars("micro", "Coroutine costs against the minimal loop", list(found),
                 {who: [series[who].ratio("ns") for series in found.values()] for who in names},
                 ylabel="ratio to minimal", log=True, reference=1.0, targets=list(TARGETS.values()))
    return Report(name, [table], [chart],
                  data={test: {who: one.data() for who, one in series.items()}
                        for test, series in found.items()})
