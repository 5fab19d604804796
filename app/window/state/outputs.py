"""Where captions go besides the window, as far as the window shows it.

Knows words and addresses. Knows no Qt, no network and no files.
"""

from app.outputs.obs import ObsStatus
from app.window.state.event import Event


class OutputState:
    """One event for any change."""

    def __init__(self) -> None:
        self.changed: Event[()] = Event()
        self.copy_wanted: Event[()] = Event()
        """Put the browser source's address on the clipboard."""
        self.browser_address = ""
        """For OBS's browser source; "" while it is not served."""
        self.obs = ObsStatus()

    def update(self, *, browser_address: str | None = None, obs: ObsStatus | None = None) -> None:
        """Set what is given, and tell."""
        before = (self.browser_address, self.obs)
        if browser_address is not None:
            self.browser_address = browser_address
        if obs is not None:
            self.obs = obs
        if (self.browser_address, self.obs) != before:
            self.changed.emit()
