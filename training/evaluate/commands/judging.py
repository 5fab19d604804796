"""The hearing that several commands hold: pairs, a judge behind an API, and what is recorded of it.

Knows the judge's options. Knows nothing of any one benchmark.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from training.evaluate.commands.options import courier, judge_form, prices
from training.evaluate.judge.pairs import Pair, Verdict
from training.evaluate.judge.panel import ApiJudge, hear
from training.evaluate.progress import Progress
from training.evaluate.report.contents import Table
from training.evaluate.report.votes import bill_table, changes_warning, lacking_table


@dataclass(frozen=True, kw_only=True)
class Hearing:
    """What a judge made of some pairs."""

    verdicts: list[Verdict]
    record: dict[str, Any]
    """Who was asked what, and what it cost, as plain values."""
    warnings: tuple[str, ...]
    tables: tuple[Table, ...]


async def hold(args: argparse.Namespace, pairs: Sequence[Pair]) -> Hearing:
    """Have the pairs judged. Raises EvaluationError; JudgeRefusedError if the judge takes none of them."""
    form = judge_form(args)
    async with courier(args) as api:
        judge = ApiJudge(api, args.judge_model, form, args.judge_body)
        verdicts = await hear(pairs, judge, Progress("pairs judged", len(pairs)))
        api.check()
    bill = api.bill.row(*prices(args))
    record = {
        "model": args.judge_model,
        "url": args.api_url,
        "extra": args.judge_body,
        "form": form.name,
        **{name: value for name, value in vars(form).items() if name not in ("name", "read")},
        "changes": sorted(api.changes),
        "bill": bill,
    }
    return Hearing(
        verdicts=verdicts,
        record=record,
        warnings=tuple(changes_warning(args.judge_model, api.changes)),
        tables=(*lacking_table(verdicts), bill_table(bill, "the judge", "--price-in and --price-out")),
    )
