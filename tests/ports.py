"""Ports for servers that a test closes and opens again at the same place.

Below the range from which Linux takes the ports of outgoing connections: a port that was handed out there can be another
test's connection by the time the server comes back.
"""

import random
import socket

_FIRST, _LAST = 15_000, 32_000
_choose = random.SystemRandom()


def lasting_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that is free now and that nothing but a server takes. Raises RuntimeError after 100 tries."""
    for _ in range(100):
        port = _choose.randint(_FIRST, _LAST)
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"No port from {_FIRST} to {_LAST} is free.")
