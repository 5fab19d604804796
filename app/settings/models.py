"""Settings of the page "Models": which model comments, and how. Knows declarations only."""

import dataclasses

from app.settings.declaration import setting
from app.settings.watch import DEMO


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """The model."""

    model: str = setting(
        DEMO, page="memory", description='Which model comments: "demo" or a checkpoint\'s folder.'
    )
