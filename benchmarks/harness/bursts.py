"""Candidates in turns. Machines drift by a factor of two while one measures, so absolute figures of
two minutes do not compare. Each burst is short and stands between two bursts of the reference; its
ratio is taken against the geometric mean of these two, and what is shown is a median of ratios."""

import math
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable

Figures = dict[str, float]


class BurstFailed(RuntimeError):
    """One burst gave no figures; the others go on."""


class Series:
    """All bursts of one candidate."""

    def __init__(self) -> None:
        self.bursts: list[Figures] = []
        self.ratios: list[Figures] = []
        self.failures: list[str] = []

    def figures(self, figure: str) -> list[float]:
        return [burst[figure] for burst in self.bursts if burst.get(figure) is not None]

    def median(self, figure: str) -> float | None:
        values = self.figures(figure)
        return statistics.median(values) if values else None

    def ratio(self, figure: str) -> float | None:
        """The median of the ratios to the reference beside each burst."""
        values = self._ratios(figure)
        return statistics.median(values) if values else None

    def spread(self, figure: str) -> tuple[float, float] | None:
        """The least and the largest of these ratios."""
        values = self._ratios(figure)
        return (min(values), max(values)) if values else None

    def data(self) -> dict:
        """For the JSON file: every figure's median, every ratio's median and spread."""
        names = sorted({name for burst in self.bursts for name in burst})
        return {
            "bursts": len(self.bursts),
            "median": {name: self.median(name) for name in names},
            "ratio": {name: self.ratio(name) for name in names if self._ratios(name)},
            "spread": {name: self.spread(name) for name in names if self._ratios(name)},
            "failures": self.failures,
        }

    def _ratios(self, figure: str) -> list[float]:
        return [ratios[figure] for ratios in self.ratios if figure in ratios]


def alternate(names: Iterable[str], reference: str, measure: Callable[[str], Figures],
              rounds: int) -> dict[str, Series]:
    """Runs every candidate once a round, in random order, with the reference before and after each.

    The reference may itself be among the names: how far its ratios are from 1 is the noise. A
    candidate may fail (BurstFailed, subprocess.TimeoutExpired) and has fewer bursts then.
    """
    names = list(names)
    series = {name: Series() for name in [reference, *names]}

    def burst(name: str) -> Figures | None:
        try:
            figures = measure(name)
        except (BurstFailed, subprocess.TimeoutExpired) as error:
            series[name].failures.append(str(error))
            print(f"failed: {name}: {error}", file=sys.stderr)
            return None
        series[name].bursts.append(figures)
        return figures

    for _ in range(rounds):
        before = burst(reference)
        for name in random.sample(names, len(names)):
            figures = burst(name)
            after = burst(reference)
            if figures is not None and before is not None and after is not None:
                series[name].ratios.append(_ratios_between(figures, before, after))
            before = after
    return series


def geometric_mean(values: Iterable[float]) -> float:
    return math.exp(statistics.fmean(math.log(value) for value in values))


def _ratios_between(figures: Figures, before: Figures, after: Figures) -> Figures:
    ratios = {}
    for name, value in figures.items():
        first, second = before.get(name), after.get(name)
        if value is not None and first and second and first * second > 0:
            ratios[name] = value / math.sqrt(first * second)
    return ratios
