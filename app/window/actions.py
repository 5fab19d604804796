"""Actions: everything a person can do by one key, declared once with the words that explain it.

Knows names, words, which keys belong to which action, how keys are changed and kept, and when two actions want the same
key. Knows no Qt: `hotkeys` makes them work in the window, and `global_keys` outside of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from app.errors import RingsideError
from app.window.state.event import Event

Group = Literal["Watch", "Say", "Show", "Speak", "Files", "Window"]
"""Under which heading an action is listed."""

_MODIFIERS = ("Meta", "Ctrl", "Alt", "Shift")
"""In the order in which Qt writes them."""
_SAME = {
    "escape": "Esc",
    "control": "Ctrl",
    "command": "Ctrl",
    "super": "Meta",
    "win": "Meta",
    "enter": "Return",
}


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something a person can do at any time."""

    name: str
    """Unique, never shown, kept with the keys: "start-or-stop"."""
    label: str
    """Two or three words: "Start or stop"."""
    description: str
    """One sentence for screen readers, the list of shortcuts and its search."""
    default_keys: tuple[str, ...] = ()
    """As Qt writes them: "Ctrl+Shift+D", "Space", "F1"; () for none."""
    act: Callable[[], object]
    """Called on the window's thread; must not wait."""
    group: Group = "Window"
    default_global_keys: tuple[str, ...] = ()
    """Keys that work while another program has the keyboard, once a person switches those on."""


@dataclass(frozen=True)
class Conflict:
    """A key that more than one action wants."""

    key: str
    labels: tuple[str, ...]
    """Of the actions; the first one has it."""

    @property
    def sentence(self) -> str:
        """In words."""
        return f"{self.key} belongs to “{self.labels[0]}”, and {_listed(self.labels[1:])} would like it too."


class KeyTakenError(RingsideError):
    """The key already does something else."""

    def __init__(self, key: str, label: str) -> None:
        super().__init__(f"{key} already does “{label}”.", hint="Choose another key, or take it from there.")
        self.key = key
        self.label = label


class KeyUnknownError(RingsideError):
    """The text names no key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key!r} is not a key.", hint="Write it like Ctrl+Shift+D, F5 or Space.")
        self.key = key


def normal(key: str) -> str:
    """A key's one spelling: "shift+ctrl+d" is "Ctrl+Shift+D". Raises KeyUnknownError."""
    text = key.strip()
    # In "Ctrl++" the last sign is the key, not a separator.
    head, last = (text[:-1], "+") if text.endswith("+") else text.rpartition("+")[::2]
    wanted = [
        _SAME.get(part.strip().lower(), part.strip().title()) for part in head.split("+") if part.strip()
    ]
    last = last.strip()
    last = _SAME.get(last.lower(), last.title() if len(last) > 1 else last.upper())
    if not last or last in _MODIFIERS or not set(wanted) <= set(_MODIFIERS):
        raise KeyUnknownError(key)
    return "+".join([modifier for modifier in _MODIFIERS if modifier in wanted] + [last])


class Actions:
    """All actions of a window, and their keys."""

    def __init__(
        self,
        kept: Callable[[], Sequence[str]] = tuple,
        keep: Callable[[tuple[str, ...]], None] | None = None,
    ) -> None:
        """`kept` gives what `keep` was last given: "name=key key", one for each action whose keys were changed."""
        self.changed: Event[()] = Event()
        """An action is new, or keys are."""
        self._actions: dict[str, Action] = {}
        self._kept = kept
        self._keep = keep

    def __iter__(self) -> Iterator[Action]:
        return iter(tuple(self._actions.values()))

    def __contains__(self, name: str) -> bool:
        return name in self._actions

    def __getitem__(self, name: str) -> Action:
        """Raises KeyError if there is no such action."""
        return self._actions[name]

    def add(self, *actions: Action) -> None:
        """Register actions. Of two that want the same key by default, the earlier one has it."""
        for action in actions:
            assert action.name not in self._actions, action.name
            self._actions[action.name] = action
        self.changed.emit()

    def trigger(self, name: str) -> None:
        """Do it. Raises KeyError if there is no such action."""
        self._actions[name].act()

    def keys(self, name: str) -> tuple[str, ...]:
        """The keys that do this: those a person chose, else those it came with and nobody else has."""
        return tuple(key for key in self._wanted(name) if self._holder(key) == name)

    def for_key(self, key: str) -> Action | None:
        """What a key does, if anything. Raises KeyUnknownError."""
        name = self._holder(normal(key))
        return self._actions[name] if name is not None else None

    def is_changed(self, name: str) -> bool:
        """Whether a person chose this action's keys."""
        return name in self._chosen()

    def change(self, name: str, keys: Iterable[str], *, takes: bool = False) -> None:
        """Have these keys do it, and no others; () for none. With `takes` they are taken from what they did before.

        Raises KeyUnknownError, and without `takes` KeyTakenError; then nothing has changed.
        """
        wanted = tuple(dict.fromkeys(normal(key) for key in keys))
        chosen = self._chosen()
        for key in wanted:
            for other in self._actions.values():
                if other.name == name or key not in self._wanted(other.name):
                    continue
                if not takes and self._holder(key) == other.name:
                    raise KeyTakenError(key, other.label)
                chosen[other.name] = tuple(
                    k for k in chosen.get(other.name, self._wanted(other.name)) if k != key
                )
        chosen[name] = wanted
        self._write(chosen)

    def reset(self, name: str) -> None:
        """Give an action the keys it came with. Raises KeyTakenError if one of them does something else by now."""
        self.change(name, self._actions[name].default_keys)

    def reset_all(self) -> None:
        """Give every action the keys it came with."""
        self._write({})

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Keys that more than one action wants."""
        wanting: dict[str, list[str]] = {}
        for action in self._in_order():
            for key in self._wanted(action.name):
                wanting.setdefault(key, []).append(action.label)
        return tuple(Conflict(key, tuple(labels)) for key, labels in wanting.items() if len(labels) > 1)

    def _in_order(self) -> list[Action]:
        """Those whose keys a person chose come before those that only came with theirs."""
        chosen = self._chosen()
        return sorted(self._actions.values(), key=lambda action: action.name not in chosen)

    def _holder(self, key: str) -> str | None:
        return next((a.name for a in self._in_order() if key in self._wanted(a.name)), None)

    def _wanted(self, name: str) -> tuple[str, ...]:
        chosen = self._chosen()
        if name in chosen:
            return chosen[name]
        return tuple(normal(key) for key in self._actions[name].default_keys)

    def _chosen(self) -> dict[str, tuple[str, ...]]:
        chosen = {}
        for entry in self._kept():
            name, _, keys = entry.partition("=")
            # Those of actions that are not there (yet) are kept as they are.
            chosen[name] = tuple(keys.split())
        return chosen

    def _write(self, chosen: dict[str, tuple[str, ...]]) -> None:
        entries = {}
        for name, keys in chosen.items():
            action = self._actions.get(name)
            if action is None or keys != tuple(normal(key) for key in action.default_keys):
                entries[name] = keys
        if self._keep is not None:
            self._keep(tuple(f"{name}={' '.join(keys)}" for name, keys in entries.items()))
        self.changed.emit()


def _listed(labels: Sequence[str]) -> str:
    return " and ".join(f"“{label}”" for label in labels)
