"""Keys: what they do, how they are changed, and what is said when two actions want the same one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.window.actions import Action, Actions, KeyTakenError, KeyUnknownError, normal


def an_action(name: str, *keys: str, act: Callable[[], object] = lambda: None) -> Action:
    return Action(name=name, label=name.title(), description=f"Does {name}.", default_keys=keys, act=act)


class Kept:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.keys: tuple[str, ...] = ()

    def keep(self, keys: tuple[str, ...]) -> None:
        self.keys = keys

    def actions(self) -> Actions:
        actions = Actions(lambda: self.keys, self.keep)
        actions.add(an_action("pause", "P"), an_action("speech", "S"), an_action("overlay", "Ctrl+Shift+O"))
        return actions


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("shift+ctrl+d", "Ctrl+Shift+D"),
        ("Ctrl++", "Ctrl++"),
        ("+", "+"),
        ("escape", "Esc"),
        ("f12", "F12"),
        (" space ", "Space"),
        ("Meta+Alt+1", "Meta+Alt+1"),
    ],
)
def test_a_key_has_one_spelling(written: str, key: str) -> None:
    assert normal(written) == key


@pytest.mark.parametrize("written", ["", "Ctrl", "Ctrl+Shift", "Hyper+A", "  "])
def test_what_is_no_key_is_said(written: str) -> None:
    with pytest.raises(KeyUnknownError, match="is not a key"):
        normal(written)


def test_keys_that_were_changed_are_there_next_time_and_can_be_reset() -> None:
    kept = Kept()
    actions = kept.actions()
    assert actions.for_key("p") is actions["pause"]
    actions.change("pause", ["F8", "ctrl+p"])
    assert actions.keys("pause") == ("F8", "Ctrl+P")
    assert actions.for_key("P") is None
    again = kept.actions()
    assert again.keys("pause") == ("F8", "Ctrl+P")
    assert again.is_changed("pause")
    again.reset("pause")
    assert again.keys("pause") == ("P",)
    assert kept.keys == ()


def test_a_key_that_is_taken_stays_where_it_is_unless_it_is_taken_from_there() -> None:
    kept = Kept()
    actions = kept.actions()
    with pytest.raises(KeyTakenError) as refused:
        actions.change("pause", ["S"])
    assert refused.value.line == "S already does “Speech”. Choose another key, or take it from there."
    assert actions.keys("pause") == ("P",)
    actions.change("pause", ["S"], takes=True)
    assert actions.keys("pause") == ("S",)
    assert actions.keys("speech") == ()
    actions.reset_all()
    assert (actions.keys("pause"), actions.keys("speech")) == (("P",), ("S",))


def test_two_that_come_with_the_same_key_are_said_and_the_first_has_it() -> None:
    kept = Kept()
    actions = kept.actions()
    actions.add(an_action("describe", "P"))
    assert [conflict.sentence for conflict in actions.conflicts] == [
        "P belongs to “Pause”, and “Describe” would like it too."
    ]
    assert actions.keys("describe") == ()
    actions.change("describe", ["D"])
    assert actions.conflicts == ()
    # A chosen key wins over one that an action merely came with.
    actions.add(an_action("digest", "D"))
    assert (actions.keys("describe"), actions.keys("digest")) == (("D",), ())


def test_whoever_listens_is_told_and_actions_act() -> None:
    kept, told, done = Kept(), [], []
    actions = kept.actions()
    actions.changed.subscribe(lambda: told.append(True))
    actions.add(an_action("shout", act=lambda: done.append("shout")))
    actions.change("shout", ["F5"])
    actions.trigger("shout")
    assert (len(told), done) == (2, ["shout"])
    assert actions.keys("shout") == ("F5",)
