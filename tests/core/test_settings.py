from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from anirec.core.errors import InputError
from anirec.core.settings import configured


@dataclass(frozen=True)
class Inner:
    lr: float = 0.1


@dataclass(frozen=True)
class Outer:
    size: int = 3
    shrink: bool = False
    name: str = "a"
    loop: Inner = field(default_factory=Inner)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise InputError("size is at least 1")


def test_settings_are_read_as_their_fields_say() -> None:
    found = configured(Outer(), ["size=7", "shrink=yes", "name=b=c", "loop.lr=1e-3"])
    assert found == Outer(size=7, shrink=True, name="b=c", loop=Inner(lr=0.001))
    assert configured(Outer(shrink=True), ["shrink=off"]) == Outer()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("size", r'"size" is no setting; write it as name=value. There are: size=3, shrink=False, name=a, loop.lr=0.1'),
        ("sise=3", r'there is no setting "sise". There are: size=3'),
        ("size=2.5", 'size is a whole number; got "2.5"'),
        ("shrink=maybe", 'shrink is yes or no; got "maybe"'),
        ("loop.lr=fast", 'lr is a number; got "fast"'),
        ("loop=3", '"loop" cannot be set'),
        ("size.x=3", '"size.x" cannot be set'),
        ("size=0", "size is at least 1"),
    ],
)
def test_what_cannot_be_set_is_said_with_what_can(setting: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        configured(Outer(), [setting])
