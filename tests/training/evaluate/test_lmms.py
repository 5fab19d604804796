"""Our engine as a model of the real lmms-eval: found by its registry, run by its command, scored by its own metrics.

lmms-eval 0.7 wants another PyAV than Ringside pins (av < 16), so it lives in an environment of its own; there these
tests run, with `pip install --no-deps -e .` beside it. What needs no lmms-eval is tested in test_offline.py.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine import load_model
from tests.engine.conftest import load_oracle
from tests.training.evaluate.test_offline import DEMO, generated
from training.evaluate.video import length_s, spread_frames

pytest.importorskip("lmms_eval", reason="lmms-eval is an optional extra that wants another PyAV")

UTILS = """
def doc_to_visual(doc):
    return [doc["video"]]

def doc_to_text(doc, lmms_eval_specific_kwargs=None):
    return doc["question"]
"""
TASK = """
task: toy
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
test_split: test
output_type: generate_until
doc_to_visual: !function utils.doc_to_visual
doc_to_text: !function utils.doc_to_text
doc_to_target: answer
generation_kwargs:
  max_new_tokens: 16
  temperature: 0
  do_sample: false
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
metadata:
  - version: 0.0
"""


def test_the_registry_finds_us() -> None:
    from lmms_eval.models import get_model

    from training.evaluate.lmms_model import Ringside

    assert get_model("ringside") is Ringside


def test_lmms_eval_runs_us_and_scores_what_transformers_would_say(tmp_path: Path, videos: Path) -> None:
    demo, oracle = load_model(DEMO, device="cpu"), load_oracle(DEMO)
    docs, said = [], []
    for number, question in enumerate(("Who has the ball?", "Which team attacks?", "What is the score?")):
        path = videos / f"game{number}.mp4"
        frames, fps = spread_frames(path, start_s=0.0, end_s=length_s(path), fps=2.0, max_frames=8)
        right = generated(oracle, demo, frames, fps, question, 16)
        said.append(right)
        # lmms-eval strips answers before it compares them.
        answer = right.strip() if number else "something else"
        docs.append({"video": str(path), "question": question, "answer": answer})
    data = tmp_path / "docs.jsonl"
    data.write_text("".join(json.dumps(doc) + "\n" for doc in docs))
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "toy.yaml").write_text(TASK.format(data=data))
    (tmp_path / "toy" / "utils.py").write_text(UTILS)
    subprocess.run(
        [
            *(sys.executable, "-m", "lmms_eval", "--model", "ringside"),
            *("--model_args", f"pretrained={DEMO},device=cpu,max_frames=8", "--tasks", "toy"),
            *("--include_path", str(tmp_path / "toy"), "--output_path", str(tmp_path / "out")),
            *("--log_samples", "--batch_size", "1"),
        ],
        check=True,
        timeout=300,
        cwd=tmp_path,
    )
    (samples,) = (tmp_path / "out").rglob("*samples_toy.jsonl")
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    rows.sort(key=lambda row: row["doc_id"])
    assert all(text in json.dumps(row["resps"]) for text, row in zip(said, rows, strict=True))
    assert [row["exact_match"] for row in rows] == [0.0, 1.0, 1.0]
