"""How many connections each process of a server has, known to all of them: who has too many gives some back.

The kernel shares connections out by chance, and they stay: of 32, one of two processes has 19 or more in every third
case; one that took the place of another has none. A connection that is closed after an answer comes again, by chance
to another process.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from pathlib import Path
from typing import Final

FEW: Final = 8
"""Connections that a process may have whatever the others have: a browser opens six, and should keep them."""
MORE: Final = 2
"""How many more than the process with the fewest one may have."""


class Shares:
    """The numbers of all processes, in a file that all have mapped. Each has the place in it that it holds a lock on.

    The lock ends with the process, so that the one that comes instead has its place.
    """

    def __init__(self, path: Path) -> None:
        """Take a place in a file that `prepare` wrote; where all are taken, this process counts for nothing."""
        self._file = os.open(path, os.O_RDWR)  # open as long as the process lives: closing it ends the lock
        self._counts = memoryview(mmap.mmap(self._file, 0)).cast("i")
        self._place = next((place for place in range(len(self._counts)) if self._locked(place)), None)
        if self._place is not None:
            self._counts[self._place] = 0

    def _locked(self, place: int) -> bool:
        size = self._counts.itemsize
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, size, size * place)
        except OSError:
            return False
        return True

    def moved(self, by: int) -> None:
        """Count a connection that came, 1, or went, -1."""
        if self._place is not None:
            self._counts[self._place] += by

    def too_many(self) -> bool:
        """Return whether this process should give a connection back."""
        if self._place is None:
            return False
        own = self._counts[self._place]
        return own > FEW and own > min(self._counts) + MORE


def prepare(path: Path, processes: int) -> None:
    """Write the file of a server that has so many processes."""
    path.write_bytes(bytes(4 * processes))
