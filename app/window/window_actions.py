"""The actions that the main window itself offers, with their usual keys.

Knows words and keys. Knows nothing of how anything is done: the window and the controller do it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.window.actions import Action

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


def window_actions(window: MainWindow) -> tuple[Action, ...]:
    """All of them, in the order in which they are listed."""
    controller = window.controller
    return (
        Action(
            name="start-or-stop",
            label="Start or stop",
            description="Starts commenting, or stops it.",
            default_keys=("Space",),
            default_global_keys=("Ctrl+Alt+Shift+Space",),
            act=controller.start_or_stop,
            group="Watch",
        ),
        Action(
            name="pause",
            label="Pause or resume",
            description="Holds picture and commentary, or goes on.",
            default_keys=("P",),
            act=controller.pause_or_resume,
            group="Watch",
        ),
        Action(
            name="open-file",
            label="Open a video",
            description="Asks for a video file to watch.",
            default_keys=("Ctrl+O",),
            act=window.ask_for_file,
            group="Watch",
        ),
        Action(
            name="silence",
            label="Silence",
            description="Breaks off what is being said; also leaves a text field.",
            default_keys=("Esc",),
            default_global_keys=("Ctrl+Alt+Shift+Esc",),
            act=window.escape,
            group="Speak",
        ),
        Action(
            name="speech",
            label="Speech on or off",
            description="Speaks the commentary aloud, or no more.",
            default_keys=("S",),
            default_global_keys=("Ctrl+Alt+Shift+S",),
            act=controller.toggle_speech,
            group="Speak",
        ),
        Action(
            name="overlay",
            label="Overlay on or off",
            description="Shows captions in a window above all others, or no more.",
            default_keys=("O",),
            default_global_keys=("Ctrl+Alt+Shift+O",),
            act=lambda: controller.toggle("is_overlay_on"),
            group="Show",
        ),
        Action(
            name="unlock-overlay",
            label="Move the overlay",
            description="Unlocks the overlay so that it can be moved by mouse or arrow keys, or locks it.",
            default_keys=("Ctrl+Shift+O",),
            act=window.unlock_overlay,
            group="Show",
        ),
        Action(
            name="figures",
            label="Figures on or off",
            description="Shows frames a second, step time, lag, dropped seconds and memory over the picture.",
            default_keys=("H",),
            act=lambda: controller.toggle("is_hud_on"),
            group="Show",
        ),
        Action(
            name="polite",
            label="Be polite to my game",
            description="Takes less of the graphics card, for a game that runs beside Ringside, or all of it again.",
            default_keys=("G",),
            default_global_keys=("Ctrl+Alt+Shift+G",),
            act=lambda: controller.toggle("is_polite"),
            group="Watch",
        ),
        Action(
            name="larger",
            label="Larger text",
            description="Makes all text one step larger, up to 200%.",
            default_keys=("Ctrl++", "Ctrl+="),
            act=lambda: controller.step_text_scale(1),
            group="Show",
        ),
        Action(
            name="smaller",
            label="Smaller text",
            description="Makes all text one step smaller, down to 100%.",
            default_keys=("Ctrl+-",),
            act=lambda: controller.step_text_scale(-1),
            group="Show",
        ),
        Action(
            name="usual-size",
            label="Usual text size",
            description="Sets the text size back to 100%.",
            default_keys=("Ctrl+0",),
            act=lambda: controller.step_text_scale(0),
            group="Show",
        ),
        Action(
            name="find",
            label="Find in the transcript",
            description="Goes to the box that finds words in the transcript.",
            default_keys=("Ctrl+F",),
            act=window.find_words,
            group="Files",
        ),
        Action(
            name="export",
            label="Export",
            description="Opens the menu that saves what was said and sends it to files and to OBS.",
            default_keys=("Ctrl+E",),
            act=window.transport.export_button.showMenu,
            group="Files",
        ),
        Action(
            name="title",
            label="What is this?",
            description="Goes to the box that tells the commentator what is watched.",
            default_keys=("Ctrl+T",),
            act=window.go_to_title,
            group="Say",
        ),
        Action(
            name="settings",
            label="Settings",
            description="Opens the settings.",
            default_keys=("Ctrl+,",),
            act=window.open_settings,
        ),
        Action(
            name="shortcuts",
            label="All shortcuts",
            description="Lists every key and what it does.",
            default_keys=("F1",),
            act=window.open_shortcuts,
        ),
        Action(
            name="state",
            label="How is it going?",
            description="Has a screen reader say the state, the lag and what was said last.",
            default_keys=("F2",),
            act=window.tell_state,
        ),
        Action(
            name="message",
            label="Go to the message",
            description="Goes to the button of the message under the top bar, the one that helps or the one that closes it.",
            default_keys=("F6",),
            act=window.go_to_message,
        ),
        Action(
            name="quit",
            label="Quit",
            description="Closes Ringside; what was said is kept.",
            default_keys=("Ctrl+Q",),
            act=window.close,
        ),
    )
