"""Ray behind the seam `Engine`: worker processes of this machine, or of a cluster. Needs the extra `ray`.

A shared value lies once in each machine's memory, and arrays in it are read where they lie. A part whose worker
is killed is given to another; only so many parts are on their way that results do not pile up. What is done together
is in `on_ray_train`.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from anirec.core.engine import Tell
from anirec.core.errors import MissingAbility, Unreachable
from anirec.engines import on_ray_train

Result = TypeVar("Result")
Value = TypeVar("Value")

ATTEMPTS: Final = 5
"""So often a part is begun anew whose worker died, or all ranks when one did."""
AHEAD: Final = 2
"""Parts for each worker that are on their way or done and not yet asked for."""
CONNECTING: Final = 5.0
"""Seconds that a cluster has to be reached in."""
QUIETLY: Final = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_DEDUP_LOGS": "0"}
"""For the processes of Ray: they report to nobody, and do not speak of what is not asked."""


@dataclass(frozen=True)
class RayEngine:
    """See `Engine`. ray: the module, which is connected. workers: its CPUs. gpus: that it has."""

    ray: Any
    workers: int
    gpus: int = 0
    apart: bool = True

    @property
    def ranks(self) -> int:
        """See `Engine`."""
        return self.gpus or self.workers

    def share(self, value: Value) -> Value:
        """See `Engine`."""
        shared: Value = self.ray.put(value)
        return shared

    def map(self, function: Callable[..., Result], parts: Iterable[tuple[Any, ...]]) -> Iterator[Result]:
        """See `Engine`."""
        run = self.ray.remote(max_retries=ATTEMPTS)(_named(function))
        waiting: deque[Any] = deque()
        for part in parts:
            waiting.append(run.remote(*part))
            if len(waiting) > AHEAD * self.workers:
                yield self._result(waiting.popleft())
        while waiting:
            yield self._result(waiting.popleft())

    def together(self, function: Callable[[Tell], Result], tell: Tell) -> Result:
        """See `Engine`."""
        done = on_ray_train.done_together(
            self.ray, function, tell, ranks=self.ranks, on_gpus=self.gpus > 0, attempts=ATTEMPTS
        )
        result: Result = self._result(done)
        return result

    def _result(self, waiting: Any) -> Any:
        try:
            return self.ray.get(waiting)
        except self.ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except self.ray.exceptions.RayError as error:
            raise Unreachable(
                f"the work cannot be done by Ray: {error}; see its logs, or use --engine local"
            ) from error


def _named(function: Callable[..., Result]) -> Callable[..., Result]:
    """Return a function that Ray can name, which it cannot with a `functools.partial`."""

    def part(*arguments: Any) -> Result:
        return function(*arguments)

    return part


def _need_listener(address: str) -> None:
    """Refuse a cluster where nobody listens; Ray itself would try for minutes.

    Raises:
        Unreachable: nobody does.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and port.isdigit()):  # this machine, or `auto`
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECTING).close()
    except OSError as error:
        raise Unreachable(f"Ray cannot be reached at {address} ($RAY_ADDRESS): {error}") from error


@contextmanager
def opened() -> Iterator[RayEngine]:
    """Connect to the cluster that `$RAY_ADDRESS` names, or start Ray on this machine until the block ends.

    Where this process is connected already, that stays.

    Raises:
        MissingAbility: Ray is not installed.
        Unreachable: there is no such cluster.
    """
    for name, value in QUIETLY.items():
        os.environ.setdefault(name, value)
    try:
        import ray as module  # noqa: PLC0415 - an extra, and large
    except ImportError as error:
        raise MissingAbility(f'this engine needs Ray: pip install "anirec[ray]" ({error})') from error
    ray: Any = module
    ours = not ray.is_initialized()
    address = os.environ.get("RAY_ADDRESS", "")
    if ours:
        _need_listener(address)
        try:
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise Unreachable(f"Ray cannot be reached at {address or 'this machine'}: {error}") from error
    try:
        has = ray.cluster_resources()
        yield RayEngine(ray, max(1, int(has.get("CPU", 1))), int(has.get("GPU", 0)))
    finally:
        if ours:
            ray.shutdown()
