"""How long a connection stays: one whose head comes in drops is closed, and one too many after its next answer.

Each costs a descriptor, and a process has a number of those. Bodies have a limit of their own, see `limits.Gate`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from anirec.web import metrics

if TYPE_CHECKING:
    from anirec.web.shares import Shares  # not everywhere

ANSWER = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Patient(HttpToolsProtocol):
    """uvicorn's protocol, with an end to its patience.

    seconds: from a connection or the first byte to a whole head. shares: of several processes; None = this is alone.
    """

    seconds: ClassVar[float] = 20.0
    shares: ClassVar[Shares | None] = None
    _counted = False
    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait."""
        super().connection_made(transport)
        if self.shares is not None:
            self.shares.moved(1)
            self._counted = True
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._done()
        self._uncount()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin to wait for another head on a connection that stayed open."""
        super().on_message_begin()
        if self._due is None:
            self._wait()

    def on_headers_complete(self) -> None:
        """Wait no more; answer for the last time where other processes have fewer connections."""
        self._done()
        super().on_headers_complete()
        if self._counted and self.shares is not None and self.shares.too_many():
            self.cycle.keep_alive = False
            self._uncount()

    def _uncount(self) -> None:
        if self._counted and self.shares is not None:
            self.shares.moved(-1)
            self._counted = False

    def _wait(self) -> None:
        self._due = self.loop.call_later(self.seconds, self._give_up)

    def _done(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _give_up(self) -> None:
        self._due = None
        metrics.REFUSED.labels("slow").inc()
        if not self.transport.is_closing():
            self.transport.write(ANSWER)
            self.transport.close()
