"""RESULTS.md: every table beside the paper's, the bars, the plots, and what was not run.

Knows how results become text. Knows nothing of how they were made. What needs judgement (where ours differs from the
paper, and why) is written by hand in `remarks.md` beside the results, one heading for each table, and taken over.
"""

import json
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.reproduce.catalogue import MEASURES, NAMES_FROM_S, ROWS, SFT_KINDS, TABLES, Table, pieces
from training.reproduce.paper import LATENCIES, WIN_RATES
from training.reproduce.plots import draw
from training.reproduce.results import TIME_WAS_UP, Results

Result = Mapping[str, Any]
Groups = Mapping[str, Mapping[float, Sequence[Result]]]
"""Results by row and by minutes."""

_HEADS = ("overall", "event F1", "team", "score", "names", "silence")
_FLAT_OVER, _FLAT_MS_SHARE, _NAMES_FALL, _NAMES_HOLD, _CLEARLY = 0.02, 0.05, 0.3, 0.05, 0.1
_WARM_PARTS = 2
"""Parts at the start of a stream in which windows still fill."""


def write_report(out: Path, to: Path) -> list[Path]:
    """Write TO/RESULTS.md, TO/results/*.png and TO/results/results.json from what is in OUT. Returns their places.

    Raises:
        ResultFileError: a result can't be read.
        OSError: a file can't be written.
    """
    results = Results(out)
    found = results.all()
    groups = grouped(found)
    place = to / "results"
    place.mkdir(parents=True, exist_ok=True)
    plots = draw({table.name: of_table(table, groups) for table in TABLES.values()}, place)
    remarks = _remarks(place / "remarks.md")
    text = "\n".join(_lines(groups, results, plots, remarks)) + "\n"
    (to / "RESULTS.md").write_text(text, encoding="utf-8")
    kept = [{name: value for name, value in result.items() if name != "captions"} for result in found]
    lines = ",\n".join(json.dumps(result, ensure_ascii=False) for result in kept)
    (place / "results.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    return [to / "RESULTS.md", place / "results.json", *plots]


def grouped(found: Sequence[Result]) -> dict[str, dict[float, list[Result]]]:
    """Results by row and minutes."""
    groups: dict[str, dict[float, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in found:
        groups[result["row"]][float(result["minutes"])].append(result)
    return {row: dict(by_minutes) for row, by_minutes in groups.items()}


def of_table(table: Table, groups: Groups) -> dict[str, Sequence[Result]]:
    """The results that a table shows, by row: all of one length where that is possible.

    The length that most rows have, the longer one where two are as common; of three hours' stability the longest. A row
    that lacks it is shown at its own longest.
    """
    rows = [row for row in table.rows if row in groups]
    lengths = sorted({minutes for row in rows for minutes in groups[row]})
    if not lengths:
        return {}
    if table.name == "stability":
        common = lengths[-1]
    else:
        common = max(lengths, key=lambda minutes: (sum(minutes in groups[row] for row in rows), minutes))
    if table.name == "stability":
        rows = [row for row in rows if common in groups[row]]
    return {row: groups[row].get(common) or groups[row][max(groups[row])] for row in rows}


def spread(values: Sequence[float | None], digits: int = 3) -> str:
    """Mean and standard deviation of what there is; a dash where there is nothing."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    mean = f"{statistics.fmean(known):.{digits}f}"
    return mean if len(known) == 1 else f"{mean} ± {statistics.stdev(known):.{digits}f}"


def _lines(groups: Groups, results: Results, plots: Sequence[Path], remarks: Mapping[str, str]) -> list[str]:
    model = results.folder / "model.json"
    digest = json.loads(model.read_text(encoding="utf-8"))["weights"] if model.is_file() else "none"
    lines = [
        "# Results: the paper's experiments in miniature",
        "",
        "Written by `python -m training.reproduce report`; what is judged is written by hand in `results/remarks.md`.",
        "Everything runs in our engine on matches of the demo league that no training has seen, greedily, from frames as",
        "the renderer draws them. `python -m training.reproduce list` names the rows; "
        f"weights {digest} unless a row brings its own.",
        "",
        "Paper: arXiv 2510.09608, win rate in percent against GPT-4o mini, 7B. Ours: shares of what is said that is right",
        "(`training/demo_league/score.py`); *overall* is the mean of the five others, one that nothing was said for being",
        "0. Mean ± standard deviation over matches, in the last table over training seeds. The scales differ; what can be",
        "compared is the order of rows.",
        "",
        *(["*" + remarks["all"] + "*", ""] if "all" in remarks else []),
        "## Bars",
        "",
        *_bars(groups),
        "",
    ]
    for table in TABLES.values():
        shown = of_table(table, groups)
        lines += [f"## {table.title}", ""]
        lines += (
            _sft_table(shown, results)
            if table.name == "sft"
            else _fifths_table(shown)
            if table.name == "stability"
            else _table(table, shown)
        )
        lines += [""]
        if table.name in remarks:
            lines += [remarks[table.name], ""]
        lines += [f"![{plot.stem}](results/{plot.name})\n" for plot in plots if plot.stem == table.name]
    return [*lines, "## What was not run", "", *_not_run(results, groups)]


def _table(table: Table, shown: Mapping[str, Sequence[Result]]) -> list[str]:
    has_latency = table.name == "attention"
    heads = ["row", "paper", *_HEADS, f"names after {NAMES_FROM_S / 60:g} min", "ms a token", "streamed"]
    if has_latency:
        heads.insert(2, "paper, ms a token")
    lines = _head(heads)
    for name in table.rows:
        of_row = shown.get(name)
        cells = [f"`{name}` {_label(table, name, of_row)}", WIN_RATES.get(table.name, {}).get(name, "")]
        if has_latency:
            cells.append(LATENCIES.get(name, ""))
        if not of_row:
            lines.append(_line([*cells, *["not run"], *[""] * (len(heads) - len(cells) - 1)]))
            continue
        late = [result["late"] and result["late"]["name_accuracy"] for result in of_row]
        lines.append(
            _line([*cells, *_scores(of_row), spread(late), _ms(of_row, has_latency), _streamed(of_row)])
        )
    left = [result["title_left_s"] for result in shown.get("no-sink", ()) if table.name == "memory"]
    if left and None not in left:
        lines += ["", f"Without a sink the title had left after {', '.join(f'{s:.0f}' for s in left)} s."]
    return lines


def _fifths_table(shown: Mapping[str, Sequence[Result]]) -> list[str]:
    lines = _head(
        ["row", "measure", *[f"fifth {number}" for number in range(1, 6)], "last - first", "streamed"]
    )
    for name in TABLES["stability"].rows:
        of_row = shown.get(name)
        if not of_row:
            lines.append(_line([f"`{name}`", "not run", *[""] * 7]))
            continue
        for measure in ("overall", "event_f1", "name_accuracy"):
            fifths = [[result["fifths"][at][measure] for result in of_row] for at in range(5)]
            ends = [_mean(fifths[0]), _mean(fifths[4])]
            change = "–" if None in ends else f"{(ends[1] or 0) - (ends[0] or 0):+.3f}"
            cells = [f"`{name}`", measure.replace("_", " "), *[spread(fifth) for fifth in fifths], change]
            lines.append(_line([*cells, _streamed(of_row)]))
    return lines


def _sft_table(shown: Mapping[str, Sequence[Result]], results: Results) -> list[str]:
    lines = _head(["fine-tuning", "paper", *_HEADS, "seeds", "streamed"])
    for kind in SFT_KINDS:
        by_seed = [list(of_row) for name, of_row in shown.items() if (ROWS[name].trained or ("",))[0] == kind]
        of_kind = [result for of_row in by_seed for result in of_row]
        if not of_kind:
            lines.append(_line([kind, "", "not run", *[""] * (len(_HEADS) + 1)]))
            continue
        lines.append(_line([kind, "", *_scores(of_kind), str(len(by_seed)), _streamed(of_kind)]))
    notes = [
        results.trained_folder(*trained) / "run.json"
        for name in shown
        if (trained := ROWS[name].trained) is not None
    ]
    starts = {json.loads(note.read_text(encoding="utf-8"))["start"] for note in notes if note.is_file()}
    if starts:
        lines += [
            "",
            f"All rows were trained on from: {', '.join(f'`{start}`' for start in sorted(starts))}.",
        ]
    return lines


def _scores(of_row: Sequence[Result]) -> list[str]:
    return [spread([result["scores"][name] for result in of_row]) for name in ("overall", *MEASURES)]


def _ms(of_row: Sequence[Result], in_full: bool) -> str:
    times = spread([result["ms_per_token"] for result in of_row], digits=1)
    if in_full:
        first, last = (spread([_early_late(r)[at] for r in of_row if _early_late(r)], 1) for at in (0, 1))
        times += f" (first third {first}, last third {last})"
    num_jobs = max(result["num_jobs"] for result in of_row)
    return times if num_jobs == 1 else f"{times}, {num_jobs} streams sharing the device"


def _early_late(result: Result, time: str = "ms_per_token") -> tuple[float, ...]:
    """Milliseconds a token, or another time, over the first and the last third of a stream whose windows are full."""
    times = [part[time] for part in result["parts"][_WARM_PARTS:]]
    third = len(times) // 3
    return (statistics.fmean(times[:third]), statistics.fmean(times[-third:])) if third else ()


def _streamed(of_row: Sequence[Result]) -> str:
    minutes = sorted({round(result["streamed_s"] / 60, 1) for result in of_row})
    length = f"{minutes[0]:g}" if len(minutes) == 1 else f"{minutes[0]:g} to {minutes[-1]:g}"
    ended = sorted({result["ended"] for result in of_row} - {""})
    why = f"; ended: {', '.join(ended)}" if ended else ""
    return f"{len(of_row)} x {length} min, {of_row[0]['device']}{why}"


def _label(table: Table, name: str, of_row: Sequence[Result] | None) -> str:
    if not of_row or name != "ours" or table.name not in ("memory", "vision"):
        return ROWS[name].label
    window = of_row[0]["window"]
    if table.name == "memory":
        return f"sink {window['text_sink']}, text window {window['text_window']}"
    return f"{window['vision_window_s']:g} s (the model's own)"


# Bars


def _bars(groups: Groups) -> list[str]:
    lines = _head(["bar", "at least", "found", "met"])
    stability = of_table(TABLES["stability"], groups)
    ours = stability.get("ours", ())
    if ours:
        length = f"{ours[0]['minutes']:g} min"
        change = _last_minus_first(ours)
        lines.append(
            _line(
                [
                    f"contiguous RoPE flat over {length}",
                    f"last fifth within {_FLAT_OVER} of the first",
                    f"{change:+.3f}",
                    _met(abs(change) <= _FLAT_OVER, ours, is_long_enough=ours[0]["minutes"] >= 180),
                ]
            )
        )
    demo = stability.get("shipped", ours)
    if demo:
        scores = [_mean([result["scores"][name] for result in demo]) for name in MEASURES]
        wanted = (0.92, 0.97, 0.97, 0.95, 0.9)
        said = ", ".join(f"{score or 0:.3f}" for score in scores)
        is_met = all((score or 0) >= bar for score, bar in zip(scores, wanted, strict=True))
        lines.append(
            _line(
                [
                    f"demo model (`{demo[0]['row']}`) over {len(demo)} matches of {demo[0]['minutes']:g} min",
                    "event F1 0.92, team 0.97, score 0.97, names 0.95, silence 0.9",
                    said,
                    _met(is_met, demo, is_long_enough=sum(r["streamed_s"] for r in demo) >= 3 * 3600),
                ]
            )
        )
    native = stability.get("native", ())
    if ours and native:
        ends = [_mean([result["fifths"][4]["overall"] for result in rows]) or 0.0 for rows in (ours, native)]
        lines.append(
            _line(
                [
                    f"native RoPE at the end of {native[0]['minutes']:g} min",
                    f"below contiguous by {_CLEARLY} or more",
                    f"{ends[1]:.3f} against {ends[0]:.3f}",
                    _met(ends[1] < ends[0] - _CLEARLY, native, is_long_enough=native[0]["minutes"] >= 180),
                ]
            )
        )
    memory = of_table(TABLES["memory"], groups)
    names = [
        _mean([result["late"]["name_accuracy"] for result in memory.get(row, ()) if result["late"]])
        for row in ("ours", "no-sink")
    ]
    whole = _mean([result["scores"]["name_accuracy"] for result in memory.get("ours", ())])
    if names[0] is not None and names[1] is not None and whole is not None:
        lines.append(
            _line(
                [
                    "names after the title has left",
                    f"without a sink lower by {_NAMES_FALL}; with it as in the whole stream, within {_NAMES_HOLD}",
                    f"{names[1]:.3f} against {names[0]:.3f}, in the whole stream {whole:.3f}",
                    _met(
                        names[0] - names[1] >= _NAMES_FALL and names[0] >= whole - _NAMES_HOLD,
                        memory["no-sink"],
                    ),
                ]
            )
        )
    flat = f"flat within {_FLAT_MS_SHARE:.0%}"
    for rows, bar in ((("full",), "grow with the stream"), (("ours", "shipped"), flat)):
        # Of the longest streams: a minute's times are moved by whatever else the machine does.
        lengths = [groups.get(row, {}) for row in rows]
        longest = max((minutes for of_length in lengths for minutes in of_length), default=0.0)
        found = [result for of_length in lengths for result in of_length.get(longest, ())]
        of_row = [result for result in found if _early_late(result)]
        if of_row:
            # Streams that had the device to themselves, where there are any: what others do there moves times.
            timed = [result for result in of_row if result["num_jobs"] == 1] or of_row
            # Each stream by itself: one that grows and one that gets faster are not two flat ones.
            growths, of_steps = (
                [_growth(result, time) for result in timed] for time in ("ms_per_token", "step_ms_p50")
            )
            is_met = all(
                abs(growth) <= _FLAT_MS_SHARE if bar == flat else growth > 2 * _FLAT_MS_SHARE
                for growth in growths
            )
            names_of = ", ".join(f"`{row}`" for row in sorted({result["row"] for result in of_row}))
            lines.append(
                _line(
                    [
                        f"milliseconds a token, {names_of}, over {of_row[0]['streamed_s'] / 60:.3g} min",
                        bar,
                        f"last third {_percent(growths)} against the first (median step {_percent(of_steps)})",
                        _met(is_met, timed, is_time=True),
                    ]
                )
            )
    return lines if len(lines) > 2 else ["No row has run yet that a bar could be read from."]


def _growth(result: Result, time: str) -> float:
    """By how much of the first third's time the last third's is longer."""
    first, last = _early_late(result, time)
    return last / first - 1


def _percent(shares: Sequence[float]) -> str:
    return ", ".join(f"{share:+.1%}" for share in shares)


def _last_minus_first(of_row: Sequence[Result]) -> float:
    ends = [_mean([result["fifths"][at]["overall"] for result in of_row]) or 0.0 for at in (0, 4)]
    return ends[1] - ends[0]


def _met(
    is_met: bool, of_row: Sequence[Result], *, is_long_enough: bool = True, is_time: bool = False
) -> str:
    if is_time and any(result["num_jobs"] > 1 for result in of_row):
        return "not measured so: streams shared the device"
    if any(result["ended"] == TIME_WAS_UP for result in of_row) or not is_long_enough:
        return f"{'yes' if is_met else 'no'}, on a shorter stream than the bar asks for"
    return "yes" if is_met else "no"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


# What is missing


def _not_run(results: Results, groups: Groups) -> list[str]:
    """Rows that were not run, and rows of which less was run than their table asks for."""
    lines: list[str] = []
    for table in TABLES.values():
        shown = of_table(table, groups)
        absent = [f"`{name}`" for name in table.rows if name not in shown]
        if absent:
            lines.append(f"- {table.title}: not run: {', '.join(absent)}")
        less: dict[str, list[str]] = defaultdict(list)
        for name, of_row in shown.items():
            wanted = [piece for piece in pieces((table.name,)) if piece.row == name]
            if all(results.is_done(piece) for piece in wanted):
                continue
            cut = sum(result["ended"] == TIME_WAS_UP for result in of_row)
            had = f"{len(of_row)} of {len(wanted)} matches of {of_row[0]['minutes']:g} minutes"
            less[had + (f", {cut} of them stopped before their end" if cut else "")].append(f"`{name}`")
        lines += [
            f"- {table.title}: of {len(table.seeds)} matches of {table.minutes:g} minutes each: "
            f"{', '.join(names)} on {had}"
            for had, names in less.items()
        ]
    return lines or ["Every row of every table was run at its full length on every match."]


def _remarks(path: Path) -> dict[str, str]:
    """Hand-written text by table: what stands under a heading of the table's name ("all" for the introduction)."""
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    for section in path.read_text(encoding="utf-8").split("\n## ")[1:]:
        name, _, text = section.partition("\n")
        found[name.strip()] = text.strip()
    return found


def _head(heads: Sequence[str]) -> list[str]:
    return [_line(heads), "|" + "---|" * len(heads)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
