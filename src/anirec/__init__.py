"""anirec recommends anime: from a list, a few favourites, or one title.

>>> import anirec
>>> service = anirec.load()
>>> [r.anime.title for r in service.recommend(like=["Cowboy Bebop", "Trigun:9"], k=3)]  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anirec.core.ranking import Filters, FranchiseMode
    from anirec.wiring.serve import load

    __version__: str

__all__ = ["Filters", "FranchiseMode", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """Import what is public when it is first used: `import anirec` alone stays instant."""
    if name == "load":
        from anirec.wiring.serve import load  # noqa: PLC0415

        return load
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("anirec")
    if name in ("Filters", "FranchiseMode"):
        from anirec.core import ranking  # noqa: PLC0415

        return getattr(ranking, name)
    raise AttributeError(f"module 'anirec' has no attribute '{name}'")
