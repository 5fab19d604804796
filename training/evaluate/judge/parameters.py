"""Parameters of a request that some models do not take, and what is asked instead.

Reasoning models answer 400 to any temperature but their own, some gateways know no seed, and the limit of tokens has two
names. Knows these and how errors name them. Knows nothing of HTTP.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_RENAMED = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_LEFT_OUT = ("temperature", "seed")


def refused_parameters(error: Any, body: Mapping[str, Any]) -> tuple[str, ...]:
    """The parameters of a body that an error is about, of those that can be asked otherwise.

    Args:
        error: the error's parsed JSON, or its text. A "param" in it is believed; else the text tells.
        body: what was sent.
    """
    known = [name for name in (*_LEFT_OUT, *_RENAMED) if name in body]
    inner = error.get("error", error) if isinstance(error, dict) else error
    param = inner.get("param") if isinstance(inner, dict) else None
    if isinstance(param, str) and param:
        return tuple(name for name in known if name == param)
    return tuple(name for name in known if re.search(rf"\b{name}\b", str(error)))


def without(body: Mapping[str, Any], names: Sequence[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A body in which these parameters are left out or called by their other name; and what was done, in words."""
    changed, changes = dict(body), []
    for name in names:
        if name not in changed:
            continue
        value = changed.pop(name)
        if name in _RENAMED:
            changed[_RENAMED[name]] = value
            changes.append(f"{name} sent as {_RENAMED[name]}")
        else:
            changes.append(f"{name} {value} left out")
    return changed, tuple(changes)
