"""The experiments: which variants of streaming there are, and which rows make up which of the paper's tables.

Knows names, settings and the order of importance. Loads nothing, runs nothing.

A *row* is one model streamed in one way. The same row may stand in several tables; it is run once for each seed and
length. Rows of the table "sft" bring their own models, which `sft_rows` trains; all others run on the model that is
asked for.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Literal

from engine import StreamSettings
from training.reproduce.errors import UnknownRowError

Rope = Literal["contiguous", "native"]

CHUNK_S = 24.0
"""Length of a short run: that of the chunks a model is trained on."""
NAMES_FROM_S = 180.0
"""Names are also scored from here on: without a sink the title has left by then (each result says when it had)."""
SEEDS = (9101, 9102, 9103)
"""Matches that no training has seen: training plays its own, drawn from other seeds."""
MEASURES = ("event_f1", "team_accuracy", "score_accuracy", "name_accuracy", "silence_agreement")
"""What is reported of the league's scores."""
SFT_SEEDS = (1, 2, 3)
SFT_KINDS = ("overlap", "no-overlap", "overlap-anneal", "no-overlap-anneal")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """How a match is streamed, where that differs from the model's own settings."""

    rope: Rope = "contiguous"
    """"contiguous": positions of the present context, renumbered after each eviction. "native": every token keeps the
    position it was given, and positions grow with the stream."""
    restart_s: float | None = None
    """Begin a new stream, which knows the title only, every so many seconds."""
    recomputes: bool = False
    """Compute keys and values of the whole window, pictures included, anew in every second."""
    evicts: bool = True
    """False: full attention over everything since the start, until the model's positions are used up."""
    vision_window_s: float | None = None
    """Seconds of video in the context, the present second included; None: the model's own."""
    has_sink: bool = True
    """Whether the first tokens of "previous text" always stay."""
    has_text_window: bool = True
    """Whether the last tokens of "previous text" stay."""
    is_blind: bool = False
    """Every picture is an even grey."""
    leans: bool = False
    """Lean towards the title's names as much as the model's own settings do. Everything else does not, to show what the
    context itself keeps."""

    def settings(self, base: StreamSettings) -> StreamSettings:
        """The model's own settings, changed as this variant asks. Full attention is up to whoever knows the length."""
        window = base.window
        window = dataclasses.replace(
            window,
            vision_window_s=self.vision_window_s or window.vision_window_s,
            text_sink=window.text_sink if self.has_sink else 0,
            text_window=window.text_window if self.has_text_window else 0,
        )
        sampling = base.sampling if self.leans else dataclasses.replace(base.sampling, name_bias=0.0)
        return dataclasses.replace(base, window=window, sampling=sampling)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model streamed in one way."""

    name: str
    label: str
    """What the tables call it."""
    variant: Variant = field(default_factory=Variant)
    trained: tuple[str, int] | None = None
    """Kind and seed of the fine-tuned model it runs on; None: the model that is asked for."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of the paper."""

    name: str
    title: str
    minutes: float
    """Minutes of match to each row, where nothing else is asked for."""
    rows: tuple[str, ...]
    """Rows in their order."""
    seeds: tuple[int, ...] = SEEDS


def _rows() -> dict[str, Row]:
    rows = [
        Row(name="ours", label="ours: contiguous RoPE, sink and windows"),
        Row(name="shipped", label="ours, leaning towards the title's names", variant=Variant(leans=True)),
        Row(name="native", label="native RoPE, endless", variant=Variant(rope="native")),
        Row(name="no-sink", label="no sink", variant=Variant(has_sink=False)),
        Row(name="no-window", label="no text window", variant=Variant(has_text_window=False)),
        Row(name="full", label="full attention", variant=Variant(evicts=False)),
        Row(name="chunks", label="windows without overlap", variant=Variant(restart_s=CHUNK_S)),
        Row(
            name="native-chunks",
            label="native RoPE, 24 s runs",
            variant=Variant(rope="native", restart_s=CHUNK_S),
        ),
        Row(name="recomputed", label="windows with overlap, recomputed", variant=Variant(recomputes=True)),
        # The engine's window counts the present second, so that nothing is less than one: at 0 s nothing is seen.
        Row(name="vision-0", label="0 s", variant=Variant(vision_window_s=1.0, is_blind=True)),
        *(
            Row(
                name=f"vision-{seconds}",
                label=f"{seconds} s",
                variant=Variant(vision_window_s=float(seconds)),
            )
            for seconds in (1, 4, 8, 16)
        ),
        *(
            Row(name=f"sft-{kind}-{seed}", label=f"{kind}, seed {seed}", trained=(kind, seed))
            for kind in SFT_KINDS
            for seed in SFT_SEEDS
        ),
    ]
    return {row.name: row for row in rows}


ROWS = _rows()
TABLES = {
    table.name: table
    for table in (
        Table(
            name="rope",
            title="Contiguous against native RoPE",
            minutes=20,
            rows=("ours", "native", "chunks", "native-chunks"),
        ),
        Table(name="memory", title="Sink and text window", minutes=20, rows=("ours", "no-sink", "no-window")),
        Table(
            name="attention",
            title="Full attention, windows and ours",
            minutes=20,
            rows=("full", "chunks", "recomputed", "ours"),
        ),
        Table(
            name="vision",
            title="Vision window",
            minutes=20,
            rows=("vision-0", "vision-1", "vision-4", "vision-8", "ours", "vision-16"),
        ),
        Table(
            name="stability",
            title="Five fifths of three hours",
            minutes=180,
            rows=("ours", "native", "shipped"),
        ),
        Table(
            name="sft",
            title="Overlapped chunks and annealing",
            minutes=10,
            rows=tuple(name for name in ROWS if name.startswith("sft-")),
            # The spread that counts here is that of training.
            seeds=SEEDS[:1],
        ),
    )
}


@dataclass(frozen=True, kw_only=True, order=True)
class Piece:
    """What is run at a time: a row on one match."""

    row: str
    minutes: float
    seed: int

    @property
    def name(self) -> str:
        """Name of its result file, without what follows the dot at the end."""
        return f"{self.row}.{self.minutes:g}min.{self.seed}"


def pieces(
    names: tuple[str, ...] = (), *, minutes: float | None = None, seeds: tuple[int, ...] = ()
) -> list[Piece]:
    """The pieces of some rows or tables, each once, the most important first; of all tables where none is named.

    First seeds come first, so that a run that is stopped early has something of everything.

    Args:
        names: rows or tables. A row on its own takes the length and seeds of the first table that it stands in.
        minutes: length of every match, in place of the tables'.
        seeds: matches, in place of the tables'.

    Raises:
        UnknownRowError: a name is neither a row's nor a table's.
    """
    chosen: list[tuple[str, Table]] = []
    for name in names or tuple(TABLES):
        if name in TABLES:
            chosen += [(row, TABLES[name]) for row in TABLES[name].rows]
        elif name in ROWS:
            chosen.append((name, next(table for table in TABLES.values() if name in table.rows)))
        else:
            raise UnknownRowError(name, [*TABLES, *ROWS])
    longest = max((len(seeds or table.seeds) for _, table in chosen), default=0)
    found = [
        Piece(row=row, minutes=minutes or table.minutes, seed=(seeds or table.seeds)[index])
        for index in range(longest)
        for row, table in chosen
        if index < len(seeds or table.seeds)
    ]
    return list(dict.fromkeys(found))
