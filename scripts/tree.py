"""Writes the tree of the README, a line a file, from the modules' own docstrings.

Knows where the tree stands and how a docstring becomes a line. Knows no module: `python scripts/tree.py` writes,
`python scripts/tree.py --check` says whether the README is behind.
"""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "```text\n", "```\n"
HEADING = "## The tree\n"
FIRST_FOLDERS = ("engine", "app", "training", "scripts")
_NAME_WIDTH, _LINE_WIDTH = 22, 118


def tree() -> str:
    """Every Python file that git knows or would take, by folder, with the first sentence of its docstring."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    folders: dict[Path, list[str]] = {}
    for name in sorted(listed.stdout.split()):
        path = Path(name)
        if path.parts[0] in FIRST_FOLDERS and path.name != "__init__.py" and (ROOT / path).exists():
            folders.setdefault(path.parent, []).append(_line(path))
    order = sorted(folders, key=lambda folder: (FIRST_FOLDERS.index(folder.parts[0]), folder.parts))
    return "".join(f"{folder}/\n" + "".join(folders[folder]) for folder in order)


def _line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8"))) or ""
    words = " ".join(docstring.split("\n\n")[0].split())
    sentence = words.split(". ")[0].rstrip(".")
    if not sentence[1:2].isupper():
        sentence = sentence[:1].lower() + sentence[1:]
    line = f"  {path.name:<{_NAME_WIDTH}} {sentence}".rstrip()
    return (line if len(line) <= _LINE_WIDTH else line[: _LINE_WIDTH - 2].rsplit(" ", 1)[0] + " …") + "\n"


def main() -> int:
    """0 if the README is, or now is, as the files say."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, heading, rest = text.partition(HEADING)
    old, end, after = rest.partition(BEGIN)[2].partition(END)
    if not (heading and end):
        sys.stderr.write(f"README.md has no {HEADING.strip()!r} with a text block.\n")
        return 1
    new = tree()
    if "--check" in sys.argv[1:]:
        if new != old:
            sys.stderr.write("README.md's tree is behind the files. Run: make tree\n")
        return int(new != old)
    intro = rest.partition(BEGIN)[0]
    readme.write_text(before + heading + intro + BEGIN + new + END + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
