"""Settings of the page "Stream": where captions go besides the window. Knows declarations only."""

import dataclasses

from app.settings.declaration import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """Files, and what streamers show."""

    session_folder: str = setting(
        "",
        page="stream",
        label="Session folder",
        description="Where every session is kept as it happens; empty for Ringside's own folder.",
        kind="folder",
    )
    export_folder: str = setting(
        "", page="memory", description='Where a transcript was last saved; "" before the first.'
    )
    export_form: str = setting("", page="memory", description="In which form a transcript was last saved.")
    live_files: tuple[str, ...] = setting(
        (),
        page="memory",
        description="Files that grow with every phrase: .srt, .vtt, .txt or .jsonl, chosen under Export.",
    )
    live_text_has_times: bool = setting(
        False,
        page="stream",
        label="Times in live text",
        description="Whether each line of a live .txt transcript begins with its time.",
    )
    text_file: str = setting(
        "",
        page="memory",
        description='File that always holds the captions of this moment, for OBS\'s text source; "" for none.',
    )
    text_num_lines: int = setting(
        2,
        page="stream",
        label="Lines of text",
        description="How many lines of captions the text file and the text source in OBS have.",
        minimum=1,
        maximum=10,
    )
    text_line_characters: int = setting(
        60,
        page="stream",
        label="Length of lines",
        description="How many characters a line of the text file and the text source has at most.",
        minimum=16,
        maximum=200,
        unit="characters",
    )
    is_browser_source_on: bool = setting(
        False,
        page="stream",
        label="Browser source",
        description="Whether captions can be shown in OBS by a browser source; Export has its address to copy.",
    )
    browser_port: int = setting(
        47820,
        page="stream",
        label="Browser source port",
        description="Port of the browser source's address, on this computer only; another is chosen if it is taken.",
        minimum=1024,
        maximum=65535,
    )
    browser_token: str = setting(
        "",
        page="memory",
        description="The part of the browser source's address that nobody can guess; kept so that OBS finds it again.",
        kind="secret",
    )
    is_obs_on: bool = setting(
        False,
        page="stream",
        label="Connect to OBS",
        description="Whether captions are sent to OBS 28 or later by its WebSocket server (in OBS: Tools).",
    )
    obs_host: str = setting(
        "127.0.0.1",
        page="stream",
        label="OBS computer",
        description="Name or address of the computer on which OBS runs; 127.0.0.1 is this one.",
    )
    obs_port: int = setting(
        4455,
        page="stream",
        label="OBS port",
        description="Port of OBS's WebSocket server.",
        minimum=1,
        maximum=65535,
    )
    obs_password: str = setting(
        "",
        page="stream",
        label="OBS password",
        description="Password of OBS's WebSocket server, as OBS shows it; empty if it asks for none.",
        kind="secret",
    )
    obs_text_source: str = setting(
        "",
        page="stream",
        label="OBS text source",
        description="Name of the text source in OBS that shows the captions; empty for none.",
    )
    obs_sends_captions: bool = setting(
        False,
        page="stream",
        label="Stream captions",
        description="Whether what is said is sent with the stream as closed captions that viewers can switch on.",
    )
