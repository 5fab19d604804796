"""The models of this person: which there are, whether they fit, how far each has come, and what can be done with it.

Knows the state that the page shows, and starts, pauses and ends downloads. Knows no Qt: results are brought to the loop by
`post`, and what waits is done in threads by `aside`.
"""

from __future__ import annotations

import dataclasses
import enum
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from app.errors import RingsideError
from app.models import machine as machines
from app.models.catalogue import CATALOGUE, CatalogueModel, find_model, is_hub_id
from app.models.download import Download, DownloadEvent, Failed, Listed, Progress, Ready, Waiting
from app.models.fetch import Job
from app.models.fit import AUTO, Fit, Verdict, judge, known_device
from app.models.local import in_hub_cache
from app.models.rate import Rate, size_words, time_words
from app.models.store import ModelStore
from app.settings import DEMO
from app.window.state.event import Event

_log = logging.getLogger("ringside.app.models")

Result = TypeVar("Result")


class Aside(Protocol):
    """Does work in a thread and hands what it gives to the loop."""

    def __call__(self, work: Callable[[], Result], then: Callable[[Result], None]) -> None:
        """`then` is called on the loop."""
        ...


class Stage(enum.Enum):
    """How far a model has come."""

    ABSENT = "absent"
    STARTING = "starting"
    DOWNLOADING = "downloading"
    CHECKING = "checking"
    WAITING = "waiting"
    """Something failed; it is tried again by itself."""
    PAUSED = "paused"
    """Some of it is here, and nothing comes."""
    FAILED = "failed"
    HERE = "here"


_AT_WORK = {Stage.STARTING, Stage.DOWNLOADING, Stage.CHECKING, Stage.WAITING}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelRow:
    """One model, as it stands."""

    model: CatalogueModel
    verdict: Verdict
    stage: Stage = Stage.ABSENT
    done_bytes: int = 0
    total_bytes: int = 0
    """0: not known."""
    bytes_per_s: float = 0.0
    eta_s: float | None = None
    problem: str = ""
    """Why it waits or has failed."""
    details: str = ""
    folder: Path | None = None
    """Where it lies, once it is here."""
    is_ours: bool = False
    """It lies in the models folder, so it can be deleted here."""
    is_chosen: bool = False

    @property
    def is_at_work(self) -> bool:
        """Whether a download runs."""
        return self.stage in _AT_WORK

    @property
    def fraction(self) -> float:
        """0-1 of the download."""
        return min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes else 0.0

    @property
    def words(self) -> str:
        """How it stands, in a line."""
        done, total = size_words(self.done_bytes), size_words(self.total_bytes)
        match self.stage:
            case Stage.HERE:
                where = (
                    "in the hub's cache"
                    if self.model.repo != DEMO and not self.is_ours
                    else "on this computer"
                )
                return (
                    "ships with Ringside"
                    if self.model.repo == DEMO
                    else f"{where}, checked"
                    if self.is_ours
                    else where
                )
            case Stage.STARTING:
                return "asking the hub"
            case Stage.DOWNLOADING:
                speed = f"{size_words(self.bytes_per_s)}/s" if self.bytes_per_s else "waiting for data"
                left = f", {time_words(self.eta_s)} left" if self.eta_s is not None else ""
                return f"{done} of {total}, {speed}{left}"
            case Stage.CHECKING:
                return f"{done} of {total}, checking what arrived"
            case Stage.WAITING:
                return f"{done} of {total}, {self.problem}; trying again"
            case Stage.PAUSED:
                return f"paused, {done} of {total} are here"
            case Stage.FAILED:
                return self.problem
            case _:
                size = self.model.download_bytes
                return f"not downloaded, {size_words(size)}" if size else "not downloaded"


class ModelManager:
    """All models of a person. Everything is called on the loop's thread."""

    def __init__(
        self,
        *,
        folder: Callable[[], Path],
        chosen: Callable[[], str],
        more: Callable[[], tuple[str, ...]],
        keep_more: Callable[[tuple[str, ...]], None],
        post: Callable[..., None],
        aside: Aside,
        look: Callable[[], machines.Machine] = machines.look,
        job: Callable[[Job], Job] = lambda job: job,
        device: Callable[[], str] = lambda: AUTO,
    ) -> None:
        """`folder` is the models folder, `chosen` the model that comments, `more` hub ids that a person added.

        `device` is where the model is to run, which is what verdicts are about.
        `look` asks the machine; `job` may alter a download before it starts.
        """
        self.changed: Event[str] = Event()
        """The row of this repo is another; "" for all of them."""
        self.ended: Event[ModelRow] = Event()
        """A download has come to its end: the model is here, or `problem` says why not."""
        self.machine: machines.Machine | None = None
        """None until it was asked."""
        self.free_disk_bytes: int | None = None
        self._folder, self._chosen, self._more, self._keep_more = folder, chosen, more, keep_more
        self._post, self._aside, self._look, self._job = post, aside, look, job
        self._device = device
        self._rows: dict[str, ModelRow] = {}
        self._downloads: dict[str, Download] = {}
        self._rates: dict[str, Rate] = {}
        self._is_closed = False

    @property
    def store(self) -> ModelStore:
        """The models folder."""
        return ModelStore(self._folder())

    @property
    def rows(self) -> tuple[ModelRow, ...]:
        """Every model: the catalogue's, those that a person added, and the folder in use."""
        repos = [model.repo for model in CATALOGUE]
        chosen = self._chosen()
        repos += [repo for repo in (*self._more(), chosen) if repo not in repos]
        return tuple(self.row(repo) for repo in dict.fromkeys(repos))

    def row(self, repo: str) -> ModelRow:
        """One model as it stands."""
        found = self._rows.get(repo)
        if found is None:
            here = repo == DEMO or not is_hub_id(repo)
            found = ModelRow(
                model=find_model(repo),
                verdict=self._judge(find_model(repo)),
                stage=Stage.HERE if here else Stage.ABSENT,
                folder=Path(repo) if here and repo != DEMO else None,
            )
            self._rows[repo] = found
        return dataclasses.replace(found, is_chosen=repo == self._chosen())

    def refresh(self) -> None:
        """Look at machine, folder and disk again; the rows change as answers come."""
        store, repos = self.store, [row.model.repo for row in self.rows if is_hub_id(row.model.repo)]
        self._aside(self._look, self._take_machine)
        self._aside(store.free_bytes, self._take_free)
        self._aside(lambda: {repo: _look_for(repo, store) for repo in repos}, self._take_found)

    def download(self, repo: str) -> None:
        """Begin or go on. Does nothing for a model that is here or on its way."""
        row = self.row(repo)
        if row.is_at_work or row.stage is Stage.HERE or not is_hub_id(repo):
            return
        known = self.store.find(repo)
        # What was begun is finished as it was begun: a newer revision is another model.
        revision = known.commit if known is not None else row.model.revision
        job = self._job(Job(repo=repo, revision=revision, root=str(self._folder())))
        self._rates[repo] = Rate()
        self._set(repo, stage=Stage.STARTING, problem="", details="", bytes_per_s=0.0, eta_s=None)
        try:
            download = Download(job, lambda event: self._post(self._on_event, repo, event))
        except OSError as error:
            self._set(repo, stage=Stage.FAILED, problem=f"The download cannot be started: {error}.")
            return
        self._downloads[repo] = download

    def pause(self, repo: str) -> None:
        """Stop at once and keep what is here."""
        self._stop(repo, lambda: self._take_found({repo: _look_for(repo, self.store)}))

    def cancel(self, repo: str) -> None:
        """Stop at once and delete what is here."""
        self._stop(repo, lambda: self.delete(repo))

    def delete(self, repo: str) -> None:
        """Delete what is here of a model. The one that comments is not deleted: choose another before."""
        if self.row(repo).is_chosen and self.row(repo).stage is Stage.HERE:
            self._set(repo, problem="It comments just now; choose another model first.")
            return
        store = self.store

        def work() -> str:
            try:
                store.delete(repo)
            except RingsideError as error:
                return error.line
            return ""

        def then(problem: str) -> None:
            self._rows.pop(repo, None)
            if problem:
                self._set(repo, stage=Stage.FAILED, problem=problem)
            self.changed.emit("")
            self.refresh()

        self._aside(work, then)

    def add(self, repo: str) -> bool:
        """List another model of the hub; False if that cannot be a name."""
        repo = repo.strip().removeprefix("https://huggingface.co/").strip("/")
        if not is_hub_id(repo):
            return False
        if repo not in [row.model.repo for row in self.rows]:
            self._keep_more((*self._more(), repo))
            self.changed.emit("")
            self.refresh()
        return True

    def forget(self, repo: str) -> None:
        """Take a model that a person added off the list."""
        self._keep_more(tuple(known for known in self._more() if known != repo))
        self.changed.emit("")

    def can_forget(self, repo: str) -> bool:
        """Whether a person added it and nothing of it is here."""
        return repo in self._more() and self.row(repo).stage in (Stage.ABSENT, Stage.FAILED)

    def chosen_changed(self) -> None:
        """Another model comments now."""
        self.changed.emit("")

    def close(self) -> None:
        """End all downloads; what has arrived stays. Waits for their processes; not on the loop."""
        self._is_closed = True
        for download in tuple(self._downloads.values()):
            download.stop()

    def _stop(self, repo: str, then: Callable[[], None]) -> None:
        download = self._downloads.pop(repo, None)
        if download is None:
            then()
        else:
            self._aside(download.stop, lambda _: then())

    def _on_event(self, repo: str, event: DownloadEvent) -> None:
        if repo not in self._downloads or self._is_closed:
            return  # late news of a download that was stopped
        match event:
            case Listed():
                self._set(repo, total_bytes=event.total_bytes, done_bytes=event.present_bytes)
            case Progress():
                self._take_progress(repo, event)
            case Waiting():
                self._set(repo, stage=Stage.WAITING, problem=event.reason, bytes_per_s=0.0, eta_s=None)
            case Ready():
                self._downloads.pop(repo)
                total = self.row(repo).total_bytes
                self._set(
                    repo,
                    stage=Stage.HERE,
                    folder=event.folder,
                    is_ours=True,
                    done_bytes=total,
                    problem="",
                    details="",
                )
                self.ended.emit(self.row(repo))
                self.refresh()
            case Failed():
                self._downloads.pop(repo)
                line = f"{event.message} {event.hint}".strip()
                _log.warning("the download of %s has failed (%s)", repo, event.kind)
                self._set(repo, stage=Stage.FAILED, problem=line, details=event.details)
                self.ended.emit(self.row(repo))

    def _take_progress(self, repo: str, event: Progress) -> None:
        now_s, rate = time.monotonic(), self._rates[repo]
        rate.push(now_s, event.done_bytes)
        missing = self.row(repo).total_bytes - event.done_bytes
        self._set(
            repo,
            stage=Stage.CHECKING if event.is_checking else Stage.DOWNLOADING,
            done_bytes=event.done_bytes,
            bytes_per_s=rate.bytes_per_s(now_s),
            eta_s=rate.eta_s(now_s, missing),
            problem="",
        )

    def _take_machine(self, machine: machines.Machine) -> None:
        self.machine = machine
        for repo, row in self._rows.items():
            self._rows[repo] = dataclasses.replace(row, verdict=self._judge(row.model))
        self.changed.emit("")

    def _take_free(self, free_bytes: int | None) -> None:
        self.free_disk_bytes = free_bytes
        self.changed.emit("")

    def _take_found(self, found: dict[str, _Found]) -> None:
        for repo, what in found.items():
            if repo in self._downloads:
                continue
            row = self.row(repo)
            stage = what.stage
            if stage is not Stage.HERE and row.stage is Stage.FAILED:
                stage = Stage.FAILED  # why it failed is worth more than how much of it is here
            self._set(
                repo,
                stage=stage,
                done_bytes=what.done_bytes,
                total_bytes=what.total_bytes,
                folder=what.folder,
                is_ours=what.is_ours,
            )

    def _judge(self, model: CatalogueModel) -> Verdict:
        if self.machine is None:
            return Verdict(fit=Fit.UNKNOWN, words="looking", sentence="The machine is being looked at.")
        return judge(model, self.machine, known_device(self.machine, self._device()))

    def _set(self, repo: str, **changes: object) -> None:
        new = dataclasses.replace(self.row(repo), **changes)  # type: ignore[arg-type] # checked by the dataclass's fields
        if new != self._rows.get(repo):
            self._rows[repo] = new
            self.changed.emit(repo)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Found:
    """What there is of a model on this computer."""

    stage: Stage
    done_bytes: int = 0
    total_bytes: int = 0
    folder: Path | None = None
    is_ours: bool = False


def _look_for(repo: str, store: ModelStore) -> _Found:
    model = store.find(repo)
    if model is not None and model.is_whole:
        size = model.total_bytes
        return _Found(stage=Stage.HERE, done_bytes=size, total_bytes=size, folder=model.folder, is_ours=True)
    cached = in_hub_cache(repo)
    if cached is not None:
        return _Found(stage=Stage.HERE, folder=cached)
    if model is not None:
        return _Found(stage=Stage.PAUSED, done_bytes=model.present_bytes, total_bytes=model.total_bytes)
    return _Found(stage=Stage.ABSENT)
