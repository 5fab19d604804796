"""The catalogue: models that Ringside knows, what each is good for, and how large it is.

Knows what their makers publish: sizes, licences, languages, and the revision that was tried. Does not know this machine,
or what was downloaded.
"""

from __future__ import annotations

import dataclasses
import re

from app.settings import DEMO
from engine.config import ModelConfig, TextConfig, VisionConfig

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


_QWEN_VISION = VisionConfig(
    num_layers=32,
    hidden_size=1280,
    intermediate_size=3420,
    num_heads=16,
    output_size=3584,
    in_channels=3,
    patch_size=14,
    temporal_patch_size=2,
    merge_size=2,
    window_size=112,
    full_attention_layers=frozenset({7, 15, 23, 31}),
    tokens_per_second=2.0,
    rope_theta=10_000.0,
)

CONFIG_7B = ModelConfig(
    text=TextConfig(
        num_layers=28,
        hidden_size=3584,
        intermediate_size=18944,
        num_heads=28,
        num_kv_heads=4,
        vocab_size=152064,
        norm_eps=1e-6,
        rope_theta=1e6,
        mrope_section=(16, 24, 24),
        max_positions=128_000,
        tied_embeddings=False,
    ),
    vision=_QWEN_VISION,
    stop_ids=frozenset(),
)

CONFIG_3B = ModelConfig(
    text=dataclasses.replace(
        CONFIG_7B.text,
        num_layers=36,
        hidden_size=2048,
        intermediate_size=11008,
        num_heads=16,
        num_kv_heads=2,
        vocab_size=151936,
        tied_embeddings=True,
    ),
    vision=dataclasses.replace(_QWEN_VISION, output_size=2048),
    stop_ids=frozenset(),
)

CONFIG_DEMO = ModelConfig(
    text=TextConfig(
        num_layers=8,
        hidden_size=384,
        intermediate_size=1024,
        num_heads=6,
        num_kv_heads=2,
        vocab_size=3072,
        norm_eps=1e-6,
        rope_theta=1e5,
        mrope_section=(8, 12, 12),
        max_positions=32768,
        tied_embeddings=True,
    ),
    vision=dataclasses.replace(
        _QWEN_VISION,
        num_layers=6,
        hidden_size=192,
        intermediate_size=512,
        num_heads=3,
        output_size=384,
        full_attention_layers=frozenset(range(6)),
    ),
    stop_ids=frozenset(),
)


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
    config: ModelConfig | None
    """None: not known before it is here."""
    revision: str | None = None
    """The commit that was tried. None where none can be vouched for, as with StreamingVLM: then it is the one that is
    current at the first download, which is kept with it (in the name of its folder; `ringside doctor` says it), and no
    other from then on."""
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
        config=CONFIG_DEMO,
        licence="MIT",
        follows_requests=False,
    ),
    CatalogueModel(
        repo="mit-han-lab/StreamingVLM",
        name="StreamingVLM 7B",
        sentence="Live commentary, second by second; taught on sports in English. The one that Ringside is made for.",
        download_bytes=16_600_000_000,
        config=CONFIG_7B,
        licence="as its makers say on the hub",
    ),
    CatalogueModel(
        repo="Qwen/Qwen2.5-VL-3B-Instruct",
        name="Qwen2.5-VL 3B",
        sentence="A general model for smaller cards, in many languages. Not taught to comment live.",
        download_bytes=7_520_919_614,
        config=CONFIG_3B,
        revision="66285546d2b821cf421d4f5eb2576359d3770cd3",
        licence="Qwen Research (no commercial use)",
        languages=_QWEN_LANGUAGES,
    ),
    CatalogueModel(
        repo="Qwen/Qwen2.5-VL-7B-Instruct",
        name="Qwen2.5-VL 7B",
        sentence="A general model in many languages. Not taught to comment live.",
        download_bytes=16_600_000_000,
        config=CONFIG_7B,
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
        config=None,
        licence="as its makers say",
        languages=_QWEN_LANGUAGES,
    )
