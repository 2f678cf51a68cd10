"""What a suite found: tables, charts and notes for people, data for programs."""

import dataclasses
import pathlib
import sys

from harness.charts import Chart


def number(value: float | None, digits: int = 2) -> str:
    """For a cell: "-" where there is no figure."""
    return "-" if value is None else f"{value:.{digits}f}"


@dataclasses.dataclass
class Table:
    title: str
    columns: list[str]
    rows: list[list]
    # How many columns hold words; the others hold numbers and stand to the right.
    words: int = 1

    def to_markdown(self) -> str:
        rules = ["---" if at < self.words else "---:" for at in range(len(self.columns))]
        lines = [self.columns, rules,
                 *(["-" if cell is None else str(cell) for cell in row] for row in self.rows)]
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"**{self.title}**\n\n{table}" if self.title else table


@dataclasses.dataclass
class Report:
    name: str
    tables: list[Table] = dataclasses.field(default_factory=list)
    charts: list[Chart] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    data: dict | list = dataclasses.field(default_factory=dict)

    def to_markdown(self, chart_folder: str | None = None) -> str:
        """The charts are linked when a folder is given, relative to the page."""
        parts = [f"![{chart.alt}]({chart_folder}/{chart.name}.svg)"
                 for chart in self.charts if chart_folder is not None]
        parts += [table.to_markdown() for table in self.tables]
        parts += self.notes
        return "\n\n".join(parts)

    def save_charts(self, folder: pathlib.Path) -> bool:
        """False when nothing here can draw."""
        folder.mkdir(parents=True, exist_ok=True)
        return all(chart.save(folder / f"{chart.name}.svg") for chart in self.charts)


def write_block(page: pathlib.Path, name: str, markdown: str) -> bool:
    """Replaces what stands between `<!-- run.py NAME -->` and `<!-- end NAME -->`."""
    begin, end = f"<!-- run.py {name} -->", f"<!-- end {name} -->"
    text = page.read_text()
    head, found, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        print(f"{page}: no block {begin} … {end}, nothing written", file=sys.stderr)
        return False
    page.write_text(f"{head}{begin}\n{markdown.strip()}\n{end}{tail}")
    return True
