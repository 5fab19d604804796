"""A report set as one HTML page and as Markdown.

The page carries its style and its plots in itself and asks nobody for anything: a content policy in its head forbids
it. Knows HTML and Markdown. Knows nothing of what is reported.
"""

import base64
import html
import json
from collections.abc import Sequence
from pathlib import Path

from training.evaluate.files import write_text
from training.evaluate.report.contents import Cell, Plot, Report, Table
from training.evaluate.report.plots import svg

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #60646c; --line: #d9dce1; --paper: #fff;
  --wash: #f5f6f8; --warn: #8a4b00; --warn-wash: #fff4e0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a0a6b0; --line: #3a3f47;
  --paper: #16181c; --wash: #1f2227; --warn: #ffc46b; --warn-wash: #33260f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .6rem; }
p.note { color: var(--soft); font-size: .9rem; margin: .4rem 0 0; }
ul.summary { padding-left: 1.2rem; }
.warning { background: var(--warn-wash); color: var(--warn); border-left: 4px solid currentColor;
  border-radius: 4px; padding: .7rem 1rem; margin: .8rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .93rem; }
th, td { text-align: right; padding: .4rem .7rem; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
td { white-space: nowrap; }
td.words { white-space: normal; text-align: left; min-width: 18rem; overflow-wrap: anywhere; }
th:first-child, td:first-child { text-align: left; }
figure { margin: 0; max-width: 46rem; background: #fff; border: 1px solid var(--line); border-radius: 8px; padding: .6rem; }
figure img { width: 100%; height: auto; display: block; }
pre { background: var(--wash); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem;
  overflow-x: auto; font-size: .85rem; line-height: 1.45; }
"""
_LONGEST_FIGURE = 40
"""Characters of the longest cell that is not a sentence."""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_pages(folder: Path, report: Report) -> tuple[Path, Path]:
    """Write `report.html`, `report.md` and, for the latter, `plots/*.svg`. Returns the paths of the first two."""
    drawings = [svg(plot) for plot in report.plots]
    page, markdown = folder / "report.html", folder / "report.md"
    write_text(page, _page(report, drawings))
    names = [f"plots/{index}.svg" for index in range(1, len(drawings) + 1)]
    for name, drawing in zip(names, drawings, strict=True):
        write_text(folder / name, drawing)
    write_text(markdown, _markdown(report, names))
    return page, markdown


def _page(report: Report, drawings: Sequence[str]) -> str:
    parts = [f"<h1>{html.escape(report.title)}</h1>"]
    parts += [f'<p class="warning" role="note">{html.escape(warning)}</p>' for warning in report.warnings]
    if report.summary:
        items = "".join(f"<li>{html.escape(line)}</li>" for line in report.summary)
        parts.append(f'<ul class="summary">{items}</ul>')
    parts += [_html_table(table) for table in report.tables]
    for plot, drawing in zip(report.plots, drawings, strict=True):
        parts.append(_html_plot(plot, drawing))
    if report.failures:
        parts.append(_html_table(_failures(report)))
    parts += [
        "<h2>How it was made</h2>",
        f"<pre>{html.escape(report.command)}</pre>",
        f"<pre>{html.escape(_settings(report))}</pre>",
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{html.escape(report.title)}</title>\n<style>{_STYLE}</style>\n'
        f"</head>\n<body>\n<main>\n{chr(10).join(parts)}\n</main>\n</body>\n</html>\n"
    )


def _html_table(table: Table) -> str:
    head = "".join(f'<th scope="col">{html.escape(column)}</th>' for column in table.columns)
    rows = "".join("<tr>" + "".join(_html_cell(_shown(cell)) for cell in row) + "</tr>" for row in table.rows)
    note = f'<p class="note">{html.escape(table.note)}</p>' if table.note else ""
    return (
        f'<h2>{html.escape(table.title)}</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{note}"
    )


def _html_cell(text: str) -> str:
    """A sentence, such as a reason, is set in lines and from the left; anything shorter as figures are."""
    kind = ' class="words"' if len(text) > _LONGEST_FIGURE else ""
    return f"<td{kind}>{html.escape(text)}</td>"


def _html_plot(plot: Plot, drawing: str) -> str:
    data = base64.b64encode(drawing.encode()).decode("ascii")
    words = html.escape(f"{plot.title}: {plot.y_label} over {plot.x_label}", quote=True)
    note = f'<p class="note">{html.escape(plot.note)}</p>' if plot.note else ""
    return (
        f"<h2>{html.escape(plot.title)}</h2><figure>"
        f'<img alt="{words}" src="data:image/svg+xml;base64,{data}"></figure>{note}'
    )


def _markdown(report: Report, plot_names: Sequence[str]) -> str:
    lines = [f"# {report.title}", ""]
    for warning in report.warnings:
        lines += [f"> **{warning}**", ""]
    lines += [f"- {line}" for line in report.summary]
    tables = [*report.tables, *([_failures(report)] if report.failures else [])]
    for table in tables:
        lines += ["", f"## {table.title}", "", _markdown_row(table.columns)]
        lines.append(_markdown_row(["---", *["---:"] * (len(table.columns) - 1)]))
        lines += [_markdown_row([_shown(cell) for cell in row]) for row in table.rows]
        lines += ["", table.note] if table.note else []
    for plot, name in zip(report.plots, plot_names, strict=True):
        lines += ["", f"## {plot.title}", "", f"![{plot.y_label} over {plot.x_label}]({name})"]
        lines += ["", plot.note] if plot.note else []
    lines += [
        "",
        "## How it was made",
        "",
        "```",
        report.command,
        "```",
        "",
        "```json",
        _settings(report),
        "```",
    ]
    return "\n".join(lines) + "\n"


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _failures(report: Report) -> Table:
    return Table(title="Left out", columns=("video", "why"), rows=report.failures)


def _settings(report: Report) -> str:
    return json.dumps(report.settings, indent=2, ensure_ascii=False)


def _shown(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:.{3 if abs(cell) <= 1 else 2 if abs(cell) < 100 else 1}f}"
    return str(cell)
