"""The page Models in a real window: from a name to a model that comments, over a hub that breaks off once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from app.models.machine import Gpu, Machine
from app.models.manager import Stage
from app.window.model_row import ModelRowView
from app.window.models_panel import ModelsPanel
from app.window.state.session import Phase
from tests.app.models.hub_server import Fault, HubServer
from tests.app.window.conftest import Desk

REPO = "lions/Tiny-VL"


@pytest.fixture
def hub(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """Has the tiny model; the download's own process finds it as it would find another mirror."""
    files = {file.name: file.read_bytes() for file in tiny_model.iterdir() if file.is_file()}
    with HubServer(REPO, files) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


async def open_panel(desk: Desk, folder: Path) -> ModelsPanel:
    desk.controller.remember(models_folder=str(folder))
    await desk.open()
    desk.state.page_wanted.emit("models")
    page = desk.window.settings_page.window
    assert page is not None
    await desk.until(lambda: page.findChild(ModelsPanel) is not None)
    panel = page.findChild(ModelsPanel)
    assert isinstance(panel, ModelsPanel)
    await desk.until(lambda: desk.controller.models.machine is not None and panel.isVisible())
    return panel


def press(button: QPushButton) -> None:
    assert button.isVisible(), button.accessibleName()
    QTest.keyClick(button, Qt.Key.Key_Space)


def shown(view: ModelRowView) -> list[str]:
    return [button.text() for button in view.buttons if button.isVisibleTo(view)]


def test_a_model_of_the_hub_is_added_downloaded_used_and_deleted(
    desk: Desk, hub: HubServer, tmp_path: Path
) -> None:
    async def go() -> None:
        panel = await open_panel(desk, tmp_path / "models")
        assert "memory free" in panel.machine.text()
        await desk.until(lambda: "on disk" in panel.machine.text())
        QTest.keyClicks(panel.name_box, "no such name")
        press(panel.add_button)
        assert "owner/name" in panel.problem.text()
        panel.name_box.clear()
        QTest.keyClicks(panel.name_box, REPO)
        QTest.keyClick(panel.name_box, Qt.Key.Key_Return)
        view = panel.views[REPO]
        await desk.until(view.download.isVisible)
        assert shown(view) == ["Download", "Take off the list"]
        hub.faults["model.safetensors"].append(Fault("cut", 50_000))
        press(view.download)
        assert "asking the hub" in view.status.text()
        await desk.until(lambda: desk.controller.models.row(REPO).stage is Stage.HERE)
        await desk.until(lambda: shown(view) == ["Use", "Delete…"])
        assert "checked" in view.status.text()
        message = desk.state.messages.current
        assert message is not None
        assert (message.text, message.action) == ("Tiny-VL is here and checked.", "Use it")

        press(view.use)
        await desk.until(
            lambda: desk.state.session.model.is_ready and desk.state.session.model.name == "Tiny-VL"
        )
        assert view.status.text().startswith("In use")
        assert shown(view) == []
        desk.controller.start()
        await desk.until(
            lambda: bool(desk.state.transcript.rows) or desk.state.session.phase is Phase.FINISHED
        )

        press(panel.views["demo"].use)
        await desk.until(lambda: desk.state.session.model.name == "Demo model")
        press(view.delete)
        assert shown(view) == ["Delete", "Keep it"]
        assert view.keep.hasFocus()
        press(view.keep)
        press(view.delete)
        press(view.really)
        await desk.until(lambda: desk.controller.models.row(REPO).stage is Stage.ABSENT)
        assert not list((tmp_path / "models").glob("lions*"))

    desk.run(go())


def test_a_download_can_be_paused_and_cancelled_while_the_hub_holds_it(
    desk: Desk, hub: HubServer, tmp_path: Path
) -> None:
    async def go() -> None:
        desk.controller.remember(more_models=(REPO,))
        panel = await open_panel(desk, tmp_path / "models")
        view = panel.views[REPO]
        hub.faults["model.safetensors"].append(Fault("stall", 60_000))
        press(view.download)
        await desk.until(lambda: desk.controller.models.row(REPO).done_bytes > 60_000)
        assert shown(view) == ["Pause", "Cancel"]
        assert view.progress.isVisible()
        assert view.progress.value() > 0
        press(view.pause)
        await desk.until(lambda: shown(view) == ["Resume", "Cancel"])
        assert "paused" in view.status.text()
        press(view.cancel)
        await desk.until(lambda: shown(view)[:1] == ["Download"])
        assert not list((tmp_path / "models").glob("lions*"))

    desk.run(go())


def test_of_several_cards_one_can_be_chosen_and_the_model_moves_there(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> None:
        panel = await open_panel(desk, tmp_path / "models")
        assert not panel.card_box.isVisible()
        await desk.until(lambda: desk.state.session.model.is_ready)
        manager = desk.controller.models
        asked: list[Any] = []
        gib = 2**30
        small = Gpu(name="RTX 3060", free_bytes=9 * gib, total_bytes=12 * gib)
        large = Gpu(name="RTX 3090", free_bytes=23 * gib, total_bytes=24 * gib)
        machine = Machine(free_bytes=60 * gib, total_bytes=64 * gib, gpus=(small, large))
        monkeypatch.setattr(manager, "_look", lambda: machine)
        # There are no such cards here, so what is asked for is looked at and not done.
        monkeypatch.setattr(desk.controller._runner.model, "_submit", asked.append)
        monkeypatch.setattr("app.models.request.look", lambda: machine)
        press(panel.look_button)
        seen: list[str] = []
        manager.changed.subscribe(lambda _: seen.append(panel.card_box.currentText()))
        await desk.until(panel.card_box.isVisible)
        # What stands there is what is set, from the first moment on.
        assert set(seen) == {"The one with most free memory"}
        facts = panel.views["mit-han-lab/StreamingVLM"].fit
        assert facts.text() == "fits your GPU"
        panel.card_box.setFocus()
        QTest.keyClick(panel.card_box, Qt.Key.Key_Down)
        assert panel.card_box.currentText() == "0: RTX 3060"
        assert desk.controller.settings.device == "cuda:0"
        await desk.until(lambda: facts.text() == "fits in 4 bits")
        await desk.until(lambda: bool(asked))
        assert asked[-1].device == "cuda:0"
        QTest.keyClick(panel.card_box, Qt.Key.Key_Up)
        await desk.until(lambda: asked[-1].device == "cuda:1")  # with "auto", the one with most room
        await desk.until(lambda: facts.text() == "fits your GPU")

    desk.run(go())


def test_every_part_of_the_panel_has_a_name_and_a_way_by_keyboard(desk: Desk, tmp_path: Path) -> None:
    async def go() -> None:
        panel = await open_panel(desk, tmp_path / "models")
        for button in panel.findChildren(QPushButton):
            assert button.accessibleName(), button.text()
            assert button.accessibleDescription(), button.text()
            assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
        names = [view.accessibleName() for view in panel.findChildren(ModelRowView)]
        assert names == ["Demo model", "StreamingVLM 7B", "Qwen2.5-VL 3B", "Qwen2.5-VL 7B"]
        downloads = [view.download.accessibleName() for view in panel.findChildren(ModelRowView)]
        assert len(set(downloads)) == len(downloads)

    desk.run(go())
