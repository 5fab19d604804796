"""The catalogue: models that Ringside knows, what each is good for, and how large it is.

Knows what their makers publish: sizes, licences, languages, and the revision that was tried. Does not know this machine,
or what was downloaded.
"""

from __future__ import annotations

import dataclasses
import re

from app.settings import DEMO

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")

_QWEN_LANGUAGES = (
    "English",
    "Chinese",
    "German",
    "French",
    "Spanish",
    "Portuguese",
    "Italian",
    "Dutch",
    "Polish",
    "Russian",
    "Japanese",
    "Korean",
    "Arabic",
    "Vietnamese",
)
"""Those that the makers of Qwen2.5-VL name, and European ones of its language model; how well differs."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelSizes:
    """What decides how much memory a model takes."""

    num_parameters: int
    num_layers: int
    """Of the language model."""
    num_kv_heads: int
    head_dim: int


SIZES_3B = ModelSizes(num_parameters=3_754_622_976, num_layers=36, num_kv_heads=2, head_dim=128)
SIZES_7B = ModelSizes(num_parameters=8_292_166_656, num_layers=28, num_kv_heads=4, head_dim=128)
SIZES_DEMO = ModelSizes(num_parameters=17_600_000, num_layers=8, num_kv_heads=2, head_dim=64)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CatalogueModel:
    """A model that can be chosen."""

    repo: str
    """Its id on the hub, or "demo"."""
    name: str
    sentence: str
    """What it is good for."""
    download_bytes: int
    """About; the hub tells exactly. 0 for what need not be downloaded or is not known."""
    sizes: ModelSizes | None
    """None: not known before it is here."""
    revision: str | None = None
    """The commit that was tried; None: the one that is current at the first download, and no other from then on."""
    licence: str = ""
    languages: tuple[str, ...] = ("English",)
    """Those in which it can comment, the best first."""
    follows_requests: bool = True
    """Whether a query and a language change what it says; False: it knows one kind of thing and says that."""


CATALOGUE: tuple[CatalogueModel, ...] = (
    CatalogueModel(
        repo=DEMO,
        name="Demo model",
        sentence="Football matches of the demo league, in English, and nothing else. Runs on any computer.",
        download_bytes=0,
        sizes=SIZES_DEMO,
        licence="MIT",
        follows_requests=False,
    ),
    CatalogueModel(
        repo="mit-han-lab/StreamingVLM",
        name="StreamingVLM 7B",
        sentence="Live commentary, second by second; taught on sports in English. The one that Ringside is made for.",
        download_bytes=16_600_000_000,
        sizes=SIZES_7B,
        licence="as its makers say on the hub",
    ),
    CatalogueModel(
        repo="Qwen/Qwen2.5-VL-3B-Instruct",
        name="Qwen2.5-VL 3B",
        sentence="A general model for smaller cards, in many languages. Not taught to comment live.",
        download_bytes=7_520_919_614,
        sizes=SIZES_3B,
        revision="66285546d2b821cf421d4f5eb2576359d3770cd3",
        licence="Qwen Research (no commercial use)",
        languages=_QWEN_LANGUAGES,
    ),
    CatalogueModel(
        repo="Qwen/Qwen2.5-VL-7B-Instruct",
        name="Qwen2.5-VL 7B",
        sentence="A general model in many languages. Not taught to comment live.",
        download_bytes=16_600_000_000,
        sizes=SIZES_7B,
        revision="cc594898137f460bfe9f0759e9844b3ce807cfb5",
        licence="Apache 2.0",
        languages=_QWEN_LANGUAGES,
    ),
)


def is_hub_id(text: str) -> bool:
    """Whether this can be a model's name on the hub."""
    return _HUB_ID.fullmatch(text) is not None


def find_model(repo: str) -> CatalogueModel:
    """The catalogue's entry, or what can be said of a model that is not in it: a folder, or another hub id."""
    for model in CATALOGUE:
        if model.repo == repo:
            return model
    name = repo.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or repo
    return CatalogueModel(
        repo=repo,
        name=name,
        sentence="A model of your own choice.",
        download_bytes=0,
        sizes=None,
        licence="as its makers say",
        languages=_QWEN_LANGUAGES,
    )
