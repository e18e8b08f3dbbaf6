"""How the server behaves; most of it is an option of `anirec serve`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Images(StrEnum):
    """Where posters come from."""

    LINK = "link"
    """The page asks the sites that have them (the default): they learn the address of whoever looks at the page."""
    PROXY = "proxy"
    """This server asks for them and keeps them a while: the sites learn nothing of who looks."""
    NONE = "none"
    """Nowhere: the page draws placeholders, and nothing leaves the network."""


@dataclass(frozen=True)
class WebSettings:
    """How the server behaves.

    public_url: where people reach it, without a slash at the end; None = as they ask. trusted_hosts: names by which it
    may be asked for, without ports; () = any. cors: origins whose pages may ask, () = only its own. sites: whether
    lists are fetched from sites by a user's name.

    rate: requests a minute from one address, 0 = any number; each process counts for itself. burst: of them at once.
    most_body, most_upload: bytes of a request, and of one with a file; most_reading: of all that are on their way to
    one process. waiting: requests inside at once, in one process; above these the answer is 429. uploads: of them with
    files. threads: that work on answers. body_seconds: in which a request's body must have come. busy_seconds: after
    which somebody is told that it is full.
    """

    public_url: str | None = None
    trusted_hosts: tuple[str, ...] = ()
    cors: tuple[str, ...] = ()
    images: Images = Images.LINK
    sites: bool = True
    rate: int = 0
    burst: int = 60
    most_body: int = 2 * 2**20
    most_upload: int = 16 * 2**20
    most_reading: int = 128 * 2**20
    waiting: int = 64
    uploads: int = 4
    threads: int = 1
    body_seconds: float = 30.0
    busy_seconds: float = 0.5
