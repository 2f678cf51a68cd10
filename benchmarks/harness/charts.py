"""Charts as SVG, through matplotlib. A chart is a plain description first; where this interpreter
has no matplotlib, another one that has it (Debian's) draws it: `charts.py FILE < description`.

The output is the same bytes for the same figures, so a repeated run changes only what changed."""

import dataclasses
import json
import pathlib
import subprocess
import sys

# One colour per candidate on every chart; what is not named here takes the next spare one.
COLOURS = {
    "ringio": "#c0392b", "ringio streams": "#e67e22", "ringio readline": "#e6b422",
    "minimal": "#2c3e50", "limit": "#2c3e50", "liburing": "#2c3e50", "epoll": "#7f8c8d",
    "asio": "#2980b9", "libuv": "#16a085", "go": "#00add8", "asyncio": "#8e44ad",
    "uvloop": "#27ae60",
}
SPARE_COLOURS = ("#d35400", "#1abc9c", "#9b59b6", "#34495e", "#95a5a6", "#f39c12")

_warned = False


@dataclasses.dataclass
class Chart:
    """`name` is the file's, without its ending; `alt` says in words what is to be seen."""
    name: str
    alt: str
    description: dict

    def save(self, path: pathlib.Path) -> bool:
        """Draws it; False, and one note for all charts, when there is no matplotlib."""
        try:
            draw(self.description, path)
            return True
        except ImportError:
            return self._save_elsewhere(path)

    def _save_elsewhere(self, path: pathlib.Path) -> bool:
        from harness.machine import find_python
        global _warned
        interpreter = find_python("matplotlib")
        if interpreter is None:
            if not _warned:
                print("no charts: matplotlib is missing (Debian: python3-matplotlib)",
                      file=sys.stderr)
            _warned = True
            return False
        subprocess.run([interpreter, __file__, str(path)], input=json.dumps(self.description),
                       text=True, check=True, timeout=120)
        return True


def bars(name: str, title: str, groups: list[str], series: dict[str, list[float | None]], *,
         ylabel: str, log: bool = False, reference: float | None = None,
         targets: list[float | None] | None = None, alt: str = "") -> Chart:
    """Grouped bars: series[candidate][i] stands over groups[i], None leaves a gap. `reference`
    draws a line across, `targets` a mark over each group."""
    return Chart(name, alt or title, {
        "kind": "bars", "title": title, "groups": groups, "series": series, "ylabel": ylabel,
        "log": log, "reference": reference, "targets": targets})


def lines(name: str, title: str, x: list[float], series: dict[str, list[float | None]], *,
          xlabel: str, ylabel: str, log_x: bool = True, log_y: bool = False, alt: str = "") -> Chart:
    """One line per candidate over common x values; None leaves a gap."""
    return Chart(name, alt or title, {
        "kind": "lines", "title": title, "x": x, "series": series, "xlabel": xlabel,
        "ylabel": ylabel, "log_x": log_x, "log_y": log_y})


def draw(description: dict, path: pathlib.Path) -> None:
    import matplotlib
    matplotlib.use("svg")
    import matplotlib.pyplot as plot
    matplotlib.rcParams.update({
        "svg.hashsalt": "ringio", "svg.fonttype": "none", "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans", "Arial", "sans-serif"], "font.size": 9,
        "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True})
    wide = description["kind"] == "bars"
    groups = len(description["groups"]) if wide else 0
    figure, axes = plot.subplots(figsize=(max(7.0, 0.75 * groups), 4.2))
    {"bars": _draw_bars, "lines": _draw_lines}[description["kind"]](axes, description)
    axes.set_title(description["title"], fontsize=10, loc="left")
    axes.set_ylabel(description["ylabel"])
    axes.grid(axis="y", linewidth=0.4, color="#cccccc")
    axes.legend(fontsize=8, frameon=False, ncol=4, loc="upper center", bbox_to_anchor=(0.5, -0.22))
    figure.patch.set_facecolor("white")
    figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None})
    plot.close(figure)


def _colours(names):
    spare = iter(SPARE_COLOURS * 4)
    return {name: COLOURS.get(name) or next(spare) for name in names}


def _draw_bars(axes, description) -> None:
    series, groups = description["series"], description["groups"]
    colours = _colours(series)
    width = 0.84 / max(1, len(series))
    # On a logarithmic scale bars have no zero to stand on: they rise and hang from the reference.
    floor = (description["reference"] or 1.0) if description["log"] else 0.0
    for at, (name, values) in enumerate(series.items()):
        shown = [(place, value) for place, value in enumerate(values) if value is not None]
        axes.bar([place - 0.42 + (at + 0.5) * width for place, _ in shown],
                 [value - floor for _, value in shown], width, bottom=floor, label=name,
                 color=colours[name])
    if description["reference"] is not None:
        axes.axhline(description["reference"], color="#2c3e50", linewidth=0.8)
    for place, target in enumerate(description["targets"] or []):
        if target is not None:
            axes.plot([place - 0.45, place + 0.45], [target, target], color="black",
                      linewidth=1.2, linestyle=(0, (2, 1)),
                      label=None if place else "target")
    if description["log"]:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_plain_numbers())
    axes.margins(x=0.01)
    axes.set_xticks(range(len(groups)))
    axes.set_xticklabels(groups, rotation=35, ha="right")


def _draw_lines(axes, description) -> None:
    colours = _colours(description["series"])
    for name, values in description["series"].items():
        shown = [(x, y) for x, y in zip(description["x"], values) if y is not None]
        axes.plot([x for x, _ in shown], [y for _, y in shown], marker="o", markersize=3,
                  linewidth=1.4, label=name, color=colours[name])
    if description["log_x"]:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(_plain_numbers())
    if description["log_y"]:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_plain_numbers())
    axes.set_xlabel(description["xlabel"])


def _plain_numbers():
    from matplotlib.ticker import FuncFormatter
    return FuncFormatter(lambda value, _: f"{value:,.10g}")


if __name__ == "__main__":
    draw(json.load(sys.stdin), pathlib.Path(sys.argv[1]))
