"""The benchmark's rows as a table for people. Knows what a row holds. Knows nothing of how it was measured."""

from typing import Any

_COLUMNS = (
    "row",
    "GPU-s/chunk",
    "at 512",
    "chunks/s",
    "tokens/s",
    "% ceiling",
    "scaling",
    "peak GB",
    "recomputed",
)
_PHASES = ("vision", "forward", "backward", "optimizer", "waiting")


def with_scaling(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with "scaling": chunks a second for each GPU against those of the same row on one GPU."""
    alone = {
        _kind(row): row["chunks_per_s"] for row in rows if row["case"]["gpus"] == 1 and "chunks_per_s" in row
    }
    return [
        row | {"scaling": round(row["chunks_per_s"] / row["case"]["gpus"] / alone[_kind(row)], 4)}
        if "chunks_per_s" in row and _kind(row) in alone
        else row
        for row in rows
    ]


def as_table(rows: list[dict[str, Any]]) -> str:
    """A line for every row; below it where a chunk's time goes."""
    lines = [f"{_COLUMNS[0]:<28}" + "".join(f"{name:>12}" for name in _COLUMNS[1:])]
    for row in rows:
        name = name_of(row["case"])
        lines += [f"{'':<4}did not fit, {tried}" for tried in row.get("tried", ())]
        if "chunk_gpu_s" not in row:
            why = f"not run: {row['not_run']}" if "not_run" in row else f"failed: {row['failed']}"
            lines.append(f"{name:<28}  {why}")
            continue
        values = (
            f"{row['chunk_gpu_s']:.3f}",
            f"{row['chunk_gpu_s_batch_512']:.3f}",
            f"{row['chunks_per_s']:.3f}",
            f"{row['tokens_per_s']:.0f}",
            f"{100 * row['share_of_ceiling']:.1f}",
            f"{row['scaling']:.3f}" if "scaling" in row else "",
            f"{row['peak_gb']:.1f}",
            row["recomputed"],
        )
        lines.append(f"{name:<28}" + "".join(f"{value:>12}" for value in values))
        phases = row["chunk_phases_s"]
        where = ", ".join(f"{phase} {phases[phase]:.3f}" for phase in _PHASES)
        decode = (
            "not decoded" if row["decode_s"] is None else f"{row['decode_s']:.2f} s to decode in one worker"
        )
        lines.append(f"{'':<4}seconds a chunk: {where}; {row['chunk_tokens']} tokens, {decode}")
    return "\n".join(lines)


def name_of(case: dict[str, Any]) -> str:
    """What a row is called: "7b full, 2 GPUs, packed"."""
    gpus = f"{case['gpus']} GPU" + ("s" if case["gpus"] > 1 else "")
    more = ", compiled" if case["compile_layers"] else ""
    return f"{case['size']} {case['method']}, {gpus}" + ("" if case["pack"] else ", padded") + more


def _kind(row: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((name, value) for name, value in row["case"].items() if name != "gpus"))
