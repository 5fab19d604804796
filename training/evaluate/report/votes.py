"""How votes are told: a table of the contest, a plot by fifths, sentences, and the warnings that belong to them.

Knows what shares.py counts and what courier.py bills. Knows nothing of models.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from training.evaluate.judge.pairs import Verdict
from training.evaluate.report.contents import Plot, Series, Table


def contest_table(votes: Mapping[str, Any], a: str, b: str) -> Table:
    """The contest in one row."""
    interval = votes["interval"]
    return Table(
        title=f"{a} against {b}",
        columns=(
            "judge",
            "games",
            "clips",
            "share of votes, %",
            "95% interval",
            "won",
            "equal",
            "lost",
            "orders agree, %",
            "votes for first place, %",
        ),
        rows=(
            (
                votes["judge"],
                votes["num_games"],
                votes["num_clips"],
                percent(votes["share"]),
                None if interval is None else f"{100 * interval[0]:.2f} – {100 * interval[1]:.2f}",
                votes["clips"]["won"],
                votes["clips"]["equal"],
                votes["clips"]["lost"],
                percent(votes["agreement"]),
                percent(votes["place"]["share_first"]),
            ),
        ),
        note="Every clip is judged in both orders; a tie is half a vote for each. The interval is a bootstrap over games.",
    )


def games_table(votes: Mapping[str, Any]) -> Table:
    """The share of each game."""
    return Table(
        title="By game",
        columns=("game", "clips", "share of votes, %"),
        rows=tuple(
            (video, game["num_clips"], percent(game["share"])) for video, game in votes["by_game"].items()
        ),
    )


def fifths_plot(votes: Mapping[str, Any], a: str) -> Plot:
    """Stability: the share over the five fifths of the games."""
    fifths = votes["by_fifth"]
    return Plot(
        title="Stability",
        kind="lines",
        x_label="fifth of the game",
        y_label="share of votes, %",
        series=(
            Series(
                name=a,
                x=tuple(range(1, len(fifths) + 1)),
                y=tuple(percent(fifth["share"]) for fifth in fifths),
                low=tuple(percent(fifth["interval"][0]) if fifth["interval"] else None for fifth in fifths),
                high=tuple(percent(fifth["interval"][1]) if fifth["interval"] else None for fifth in fifths),
            ),
        ),
    )


def sentences(votes: Mapping[str, Any], a: str, b: str) -> list[str]:
    """What came out."""
    if votes["share"] is None:
        return [f"{a} against {b}: no clip has a vote in both orders."]
    interval = votes["interval"]
    sure = (
        "one game alone gives no interval"
        if interval is None
        else f"95% interval {100 * interval[0]:.2f} – {100 * interval[1]:.2f}"
    )
    return [
        f"{a} gets {percent(votes['share'])}% of the votes against {b} ({sure}), on {votes['num_clips']} clips of "
        f"{votes['num_games']} games.",
        f"The two orders agree on {percent(votes['agreement'])}% of the clips.",
    ]


def warnings(votes: Mapping[str, Any]) -> list[str]:
    """What a reader must know about these votes."""
    found: list[str] = []
    place = votes["place"]
    if place["is_flagged"]:
        favoured = "first" if (place["share_first"] or 0) > 0.5 else "second"
        found.append(
            f"This judge favours what it is shown {favoured}: {place['num_first_both_times']} pairs went to the first "
            f"place in both orders and {place['num_second_both_times']} to the second (p = {place['p_value']:.2g}). Both "
            "orders are counted, so the share is not shifted, but it says less than it seems."
        )
    if votes["num_unanswered"]:
        found.append(
            f"{votes['num_unanswered']} clips have no vote in both orders and are not counted: "
            + "; ".join(f"{number} {_LACKING[kind]}" for kind, number in votes["lacking"].items() if number)
            + "."
        )
    return found


_LACKING = {
    "unreadable": "because the answers can't be read (they are kept; --ask-again asks once more)",
    "refused": "because the judge does not take them",
    "unanswered": "because the judge gave no answer (the same command asks again)",
}


def changes_warning(model: str, changes: Collection[str]) -> list[str]:
    """That a model was asked otherwise than was set."""
    if not changes:
        return []
    return [
        f"{model} does not take every parameter of a request, and was asked otherwise: {', '.join(sorted(changes))}."
    ]


def lacking_table(verdicts: Sequence[Verdict]) -> list[Table]:
    """Clips without a vote in both orders, with the reason."""
    rows = [
        (
            verdict.pair.name or f"{verdict.pair.video} [{verdict.pair.start_s:g}, {verdict.pair.end_s:g}]",
            order,
            ballot.reason,
        )
        for verdict in verdicts
        for order, ballot in (("A first", verdict.ab), ("B first", verdict.ba))
        if ballot.place is None
    ]
    return (
        [Table(title="Clips without votes", columns=("clip", "order", "why"), rows=tuple(rows))]
        if rows
        else []
    )


def bill_table(bill: Mapping[str, Any], who: str, prices: str) -> Table:
    """What an API cost."""
    return Table(
        title=f"What {who} cost",
        columns=("", "this run", "all answers used"),
        rows=(
            ("answers", bill["num_paid"], bill["num_paid"] + bill["num_cached"]),
            ("tokens sent", bill["num_tokens_in"], bill["num_tokens_in_all"]),
            ("tokens answered", bill["num_tokens_out"], bill["num_tokens_out_all"]),
            ("cost", bill["cost"], bill["cost_all"]),
        ),
        note=f"Cost at the prices given with {prices}, a million tokens each.",
    )


def percent(share: float | None) -> float | None:
    """A share in percent, rounded to two places."""
    return None if share is None else round(100 * share, 2)
