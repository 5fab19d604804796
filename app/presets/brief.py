"""What a person has told about what is watched. Knows three lines of text, and nothing of how they are used."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Brief:
    """Under "What is this?"."""

    title: str = ""
    """What it is; for the demo match, its whole line-up."""
    teams: str = ""
    people: str = ""

    @property
    def values(self) -> dict[str, str]:
        """By the names that a preset's form uses."""
        return {"title": self.title, "teams": self.teams, "people": self.people}

    @property
    def line(self) -> str:
        """All of it as it stands, for a model that knows one form only."""
        return " ".join(part.strip() for part in (self.title, self.teams, self.people) if part.strip())
