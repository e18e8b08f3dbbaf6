"""How long somebody may take to say what they want: connections whose heads come in drops are closed.

Each costs a descriptor, and a process has a number of those. Bodies have a limit of their own, see `limits.Gate`.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from anirec.web import metrics

ANSWER = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Patient(HttpToolsProtocol):
    """uvicorn's protocol, with an end to its patience. seconds: from a connection or the first byte to a whole head."""

    seconds: ClassVar[float] = 20.0
    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._done()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin to wait for another head on a connection that stayed open."""
        super().on_message_begin()
        if self._due is None:
            self._wait()

    def on_headers_complete(self) -> None:
        """Wait no more."""
        self._done()
        super().on_headers_complete()

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
