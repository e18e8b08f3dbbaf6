"""How often somebody asked, and how many are inside."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MOST_ADDRESSES: Final = 20_000
"""Addresses whose requests are counted at once, some 3 MB; beyond that the one that asked longest ago is forgotten."""


class Bucket:
    """How often each of many addresses may ask: `rate` a minute, `burst` at once.

    The generic cell rate algorithm (ITU-T I.371): one number an address, the time at which its bucket is empty again.
    Written here, since it is a dozen lines, needs no thread and no lock in an event loop, and cannot grow; limiters on
    the package index keep a list of times per address, or want a server.
    """

    def __init__(self, rate: int, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Take how often. clock: seconds."""
        self._interval = 60.0 / rate
        self._slack = self._interval * max(burst - 1, 0)
        self._clock = clock
        self._empty_at: OrderedDict[str, float] = OrderedDict()

    def wait(self, address: str) -> float:
        """Return 0 and count the request, or the seconds after which the address may ask again."""
        now = self._clock()
        empty_at = max(self._empty_at.get(address, now), now)
        if empty_at - now > self._slack:
            return empty_at - now - self._slack
        self._empty_at[address] = empty_at + self._interval
        self._empty_at.move_to_end(address)
        if len(self._empty_at) > MOST_ADDRESSES:
            self._empty_at.popitem(last=False)
        return 0.0


@dataclass
class Count:
    """How many are inside, and how many may be."""

    most: int
    inside: int = 0
