"""anirec recommends anime: from a list, a few favourites, or one title.

>>> import anirec
>>> service = anirec.load()
>>> [r.anime.title for r in service.recommend(like=["Cowboy Bebop", "Trigun:9"], k=3)]  # doctest: +SKIP
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anirec.core.ranking import Filters, FranchiseMode
    from anirec.wiring.serve import load

__all__ = ["Filters", "FranchiseMode", "__version__", "load"]

__version__ = version("anirec")


def __getattr__(name: str) -> Any:
    """Import what is public when it is first used: `import anirec` alone stays instant."""
    if name == "load":
        from anirec.wiring.serve import load  # noqa: PLC0415

        return load
    if name in ("Filters", "FranchiseMode"):
        from anirec.core import ranking  # noqa: PLC0415

        return getattr(ranking, name)
    raise AttributeError(f"module 'anirec' has no attribute '{name}'")
