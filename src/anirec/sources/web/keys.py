"""Keys that sites want, by the environment variable that holds them. Apart from the collectors: those load slowly."""

from __future__ import annotations

from typing import Final

MAL_CLIENT_ID: Final = "ANIREC_MAL_CLIENT_ID"
