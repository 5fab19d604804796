"""The table of asks names tests that exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_ask_has_a_test_that_exists() -> None:
    rows = re.findall(
        r"^\| (\d+) \|.*$", table := (ROOT / "app/ASKS.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert rows == [str(number) for number in range(1, 21)]
    for line in table.splitlines():
        if re.match(r"\| \d+ \|", line):
            named = re.findall(r"`(tests/\S+?\.py)::(\w+)`", line)
            assert named, line
            for file, name in named:
                tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
                functions = {
                    node.name
                    for node in ast.walk(tree)
                    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
                }
                assert name in functions, f"{file}::{name}"
