"""The protocols by name: data and a seed -> an `Exam`. Each is a module that says what it asks and where it is weak."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Final

from anirec.core.errors import InputError
from anirec.evaluate.exam import Exam
from anirec.evaluate.protocols import (
    few_shot,
    heldout_users,
    item_similarity,
    leave_one_out,
    new_titles,
    plan_to_watch,
    sampled,
    temporal,
)
from anirec.evaluate.protocols.asking import Asked
from anirec.prepare.dataset import Dataset

__all__ = ["DEFAULT", "Asked", "Make", "listed", "protocol"]

Make = Callable[[Dataset, Asked], Exam]

DEFAULT: Final = heldout_users.NAME

_FIXED: Final[Mapping[str, Make]] = {
    heldout_users.NAME: heldout_users.make,
    leave_one_out.NAME: leave_one_out.make,
    **{name: partial(sampled.make, popular=bool(i)) for i, name in enumerate(sampled.NAMES)},
    temporal.NAME: temporal.make,
    plan_to_watch.NAME: plan_to_watch.make,
    new_titles.NAME: new_titles.make,
    item_similarity.NAME: item_similarity.make,
}

_MODULES: Final[Mapping[str, ModuleType]] = {
    heldout_users.NAME: heldout_users,
    few_shot.NAME: few_shot,
    leave_one_out.NAME: leave_one_out,
    **dict.fromkeys(sampled.NAMES, sampled),
    temporal.NAME: temporal,
    plan_to_watch.NAME: plan_to_watch,
    new_titles.NAME: new_titles,
    item_similarity.NAME: item_similarity,
}


def listed() -> dict[str, str]:
    """Return the names, and of each what it asks in a line."""
    return {
        heldout_users.NAME: "unseen users give a random 80 % of their likes",
        **{f"{few_shot.NAME}-{n}": f"the same users give {n} of their likes" for n in few_shot.USUAL},
        leave_one_out.NAME: "the last like is to be found, of people who were learned from",
        sampled.NAMES[0]: "the last like among 100 titles drawn evenly, beside the full ranking",
        sampled.NAMES[1]: "the last like among 100 titles drawn by popularity, beside the full ranking",
        temporal.NAME: "what was liked after a day, from what was liked before",
        plan_to_watch.NAME: "what unseen users plan to watch, from what they like",
        new_titles.NAME: "titles whose ratings nobody learned from",
        item_similarity.NAME: "what people named beside one title, by votes",
    }


def explained(name: str) -> str:
    """Return what a protocol asks and where it is weak, in the words of its module; empty where there is none."""
    start, _, number = name.rpartition("-")
    module = _MODULES.get(start if number.isdecimal() else name)
    return (module.__doc__ or "") if module else ""


def protocol(name: str) -> Make:
    """Return the protocol of this name.

    Raises:
        InputError: there is none; the message lists them.
    """
    if name in _FIXED:
        return _FIXED[name]
    start, _, number = name.rpartition("-")
    if start == few_shot.NAME and number.isdecimal() and int(number) >= 1:
        return partial(few_shot.make, likes=int(number))
    raise InputError(f'there is no protocol "{name}"; there are {", ".join(listed())} (any number of likes)')
