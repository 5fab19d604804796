"""Settings of the page "Keys": which key does what. Knows declarations only."""

import dataclasses

from app.settings.declaration import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class KeySettings:
    """The keys."""

    keys: tuple[str, ...] = setting(
        (),
        page="memory",
        description='Keys that a person chose: "name=key key" for each action whose keys are not the usual ones.',
    )
    are_global_keys_on: bool = setting(
        False,
        page="keys",
        label="Keys everywhere",
        description="Whether some keys also work while another program, such as a game, has the keyboard.",
    )
    global_keys: tuple[str, ...] = setting(
        (),
        page="memory",
        description='The same as "keys", for those that work everywhere.',
    )
