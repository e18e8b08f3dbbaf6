"""Settings as typed by a person, `name=value`, put into the frozen dataclass that declares them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, get_type_hints

from anirec.core.errors import InputError

Config = TypeVar("Config")

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def configured(config: Config, settings: Iterable[str]) -> Config:
    """Return the config with some fields set. settings: `l2=300`; `loop.lr=0.001` for a field of a config inside.

    Raises:
        InputError: no such setting, or not a value of its kind; the message lists what there is.
    """
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise InputError(f'"{setting}" is no setting; write it as name=value. There are: {_listed(config)}')
        config = _with(config, name.strip().split("."), text.strip(), config)
    return config


def flattened(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return {"loop.lr": 0.001} for {"loop": {"lr": 0.001}}, in the same order."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        inner = isinstance(value, Mapping)
        flat |= flattened(value, f"{before}{name}.") if inner else {f"{before}{name}": value}
    return flat


def value_of(config: object, name: str) -> Any:
    """Return the value of a field: `l2`, or `loop.lr` of a config inside."""
    for part in name.split("."):
        config = getattr(config, part)
    return config


def _with(config: Any, path: list[str], text: str, whole: object) -> Any:
    kinds = get_type_hints(type(config))
    name = path[0]
    if name not in {field.name for field in fields(config)}:
        raise InputError(f'there is no setting "{name}". There are: {_listed(whole)}')
    value = getattr(config, name)
    if is_dataclass(value) and len(path) > 1:
        return replace(config, **{name: _with(value, path[1:], text, whole)})
    if is_dataclass(value) or len(path) > 1:
        raise InputError(f'"{".".join(path)}" cannot be set. There are: {_listed(whole)}')
    return replace(config, **{name: _parsed(name, text, kinds[name])})


def _parsed(name: str, text: str, kind: Any) -> Any:
    if kind is bool:
        if text.lower() in _TRUE + _FALSE:
            return text.lower() in _TRUE
    elif kind in (int, float, str):
        try:
            return kind(text)
        except ValueError:
            pass
    wanted = {bool: "yes or no", int: "a whole number", float: "a number"}.get(kind, f"a {kind}")
    raise InputError(f'{name} is {wanted}; got "{text}"')


def _listed(config: Any, before: str = "") -> str:
    """Return `l2=100.0, dropout=0.23`."""
    parts = []
    for field in fields(config):
        value = getattr(config, field.name)
        inner = is_dataclass(value)
        parts.append(_listed(value, f"{before}{field.name}.") if inner else f"{before}{field.name}={value}")
    return ", ".join(parts)
