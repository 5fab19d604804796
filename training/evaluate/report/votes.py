"""How votes are told: a table of the contest, a plot by fifths, sentences, and the warnings that belong to them.

Knows what shares.py counts. Knows nothing of models.
"""

from collections.abc import Mapping
from typing import Any

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
            f"{votes['num_unanswered']} clips have no vote in both orders and are not counted; run the same command again "
            "to ask for them."
        )
    return found


def percent(share: float | None) -> float | None:
    """A share in percent, rounded to two places."""
    return None if share is None else round(100 * share, 2)
