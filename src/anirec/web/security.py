"""Headers that keep a browser from doing what the page never asks for, and the hosts that are answered.

Source: OWASP, HTTP Security Response Headers Cheat Sheet; W3C, Content Security Policy Level 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anirec.web import metrics
from anirec.web.problems import BY_STATUS, problem
from anirec.web.settings import Images, WebSettings

IMAGE_HOSTS: Final = ("cdn.myanimelist.net", "s4.anilist.co")
"""Where posters are; nothing else is ever asked for one."""
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def policy(images: Images) -> str:
    """Return the Content-Security-Policy: scripts and styles from files of ours only, nothing inline."""
    linked = "".join(f" https://{host}" for host in IMAGE_HOSTS) if images is Images.LINK else ""
    return (
        f"default-src 'self'; img-src 'self' data:{linked}; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )


class SecurityHeaders:
    """Adds the headers to every answer."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        """Wrap an application."""
        self._app = app
        headers = {
            "content-security-policy": policy(settings.images),
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "referrer-policy": "no-referrer",
            "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "cross-origin" if settings.cors else "same-origin",
        }
        if (settings.public_url or "").startswith("https://"):
            headers["strict-transport-security"] = "max-age=31536000"
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._headers]
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)


class TrustedHosts:
    """Refuses requests that ask for the server by a name that is not its own: DNS rebinding, poisoned links."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        """Wrap an application. hosts: without ports, () = any."""
        self._app = app
        self._hosts = frozenset(host.lower().strip("[]") for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope["type"] == "http" and self._hosts and host_of(scope) not in self._hosts:
            metrics.REFUSED.labels("host").inc()
            answer = problem(BY_STATUS[421], "this server does not answer to that name; see --trusted-host")
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


def host_of(scope: Scope) -> str:
    """Return the name that a request asks for the server by, in lower case and without its port."""
    header = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""
