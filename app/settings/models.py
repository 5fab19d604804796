"""Settings of the page "Models": which model comments, and how. Knows declarations only."""

import dataclasses

from app.settings.declaration import setting
from app.settings.watch import DEMO


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """The model."""

    model: str = setting(
        DEMO, page="memory", description='Which model comments: "demo", a hub id, or a checkpoint\'s folder.'
    )
    precision: str = setting(
        "auto",
        page="models",
        label="Precision",
        description="How exactly a model's numbers are kept on a GPU: fewer bits take less memory and say slightly "
        "other words.",
        choices=(
            ("auto", "The best that fits"),
            ("bf16", "16 bits"),
            ("fp8", "8 bits, floating (newer cards)"),
            ("int8", "8 bits"),
            ("int4", "4 bits"),
        ),
    )
    device: str = setting(
        "auto",
        page="memory",
        description='Where the model runs: "auto", "cpu", or one of several graphics cards, such as "cuda:1".',
    )
    models_folder: str = setting(
        "",
        page="models",
        label="Folder for models",
        description="Where downloaded models are kept, up to 17 GB each; empty for the usual place.",
        kind="folder",
    )
    more_models: tuple[str, ...] = setting(
        (), page="memory", description="Hub ids of models that a person added to the list."
    )
