"""What a process keeps when another bundle is served: who asked how often, who is inside, what became of a swap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from anirec.web.counting import Bucket, Count
from anirec.web.settings import WebSettings
from anirec.web.sites import Desk, desks

if TYPE_CHECKING:
    import httpx

    from anirec.service.lists import Site


@dataclass(frozen=True)
class Outcome:
    """What became of a wish for another bundle.

    what: swapped, unchanged (the same is there), rolled-back or refused. when: ISO 8601, UTC. bundle: SHA-256 of the
    manifest of what was found, None where there was none. why: the kind of error that it was refused for. detail: for
    who runs the server; it names folders, and is shown at the administrator's socket and in the log only.
    """

    what: str
    when: str
    bundle: str | None = None
    why: str | None = None
    detail: str | None = None

    def public(self) -> dict[str, Any]:
        """Return what anybody may know."""
        return {"what": self.what, "when": self.when, "bundle": self.bundle and self.bundle[:12], "why": self.why}


@dataclass
class Lasting:
    """Shared by all bundles that one process serves, one after the other. last: what became of the last wish."""

    settings: WebSettings = field(default_factory=WebSettings)
    last: Outcome | None = None
    _client: httpx.AsyncClient | None = field(default=None, repr=False)

    @cached_property
    def bucket(self) -> Bucket | None:
        """How often each address may ask, None = any number."""
        return Bucket(self.settings.rate, self.settings.burst) if self.settings.rate else None

    @cached_property
    def everybody(self) -> Count:
        """Requests inside."""
        return Count(self.settings.waiting)

    @cached_property
    def uploads(self) -> Count:
        """Requests inside that bring a file."""
        return Count(self.settings.uploads)

    @cached_property
    def desks(self) -> dict[Site, Desk]:
        """When lists of sites were read."""
        return desks()

    def client_of(self, make: Callable[[], httpx.AsyncClient]) -> httpx.AsyncClient:
        """Return the one that asks for posters, made when it is first wanted."""
        if self._client is None:
            self._client = make()
        return self._client
