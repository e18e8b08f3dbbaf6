"""A listening socket for each process of a server, all at one address: the kernel shares connections out among them.

Processes that take connections from one socket share them badly: whichever wakes up first takes all that wait. Of 32
connections that came at once, one of two processes was seen to have 31.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from typing import Any

from uvicorn import Config


class OfEachProcess:
    """Stands for a socket in what a server sends to its processes: each opens one of its own when it unpacks this.

    It holds the address itself, without listening, so that nobody else takes it while processes come and go.
    """

    def __init__(self, family: int, address: Any) -> None:
        """Take an address that is free.

        Raises:
            OSError: it is not.
        """
        self._held = opened(family, address)

    def __reduce__(self) -> tuple[Callable[[int, Any], socket.socket], tuple[int, Any]]:
        """Pack it as what opens another socket at the same address."""
        return opened, (int(self._held.family), self._held.getsockname())

    def getsockname(self) -> Any:
        """Return the address, as a socket does."""
        return self._held.getsockname()

    def close(self) -> None:
        """Give the address up."""
        self._held.close()


def opened(family: int, address: Any) -> socket.socket:
    """Return a socket at an address that others of this user may share."""
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    found.bind(address)
    found.set_inheritable(True)
    return found


def sockets_of(config: Config) -> list[Any]:
    """Return what a server's processes are to listen at; ends the process where the address is taken, as uvicorn does.

    Only Linux shares connections out among sockets at one address; elsewhere all processes listen at the same one.
    """
    alone = config.bind_socket()  # which says so where somebody else, perhaps a server like this one, has the address
    if sys.platform != "linux":
        return [alone]
    family, address = alone.family, alone.getsockname()
    alone.close()
    return [OfEachProcess(int(family), address)]
