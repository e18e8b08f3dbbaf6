"""Connections shared out among the processes of a server."""

from __future__ import annotations

import gc
import pickle
import socket
import sys
from contextlib import ExitStack, closing

import pytest
from uvicorn import Config

from anirec.web.sockets import OfEachProcess, sockets_of
from web.processes import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shares connections out among sockets")
ASKED = 64
LEAST = 8
"""Fewer of so many would come to one of two sockets once in 10^10 times."""


def config(port: int) -> Config:
    return Config("app:app", port=port, workers=2, log_config=None)


def test_each_process_has_a_socket_of_its_own_and_a_fair_share_of_the_connections() -> None:
    (standing,) = sockets_of(config(free_port()))
    with closing(standing), ExitStack() as stack:
        listening = [stack.enter_context(pickle.loads(pickle.dumps(standing))) for _ in range(2)]  # noqa: S301 - our own
        for one in listening:
            one.listen(ASKED)
            one.setblocking(False)
        for _ in range(ASKED):
            stack.enter_context(socket.create_connection(standing.getsockname()))
        shares = [accepted(one) for one in listening]
    assert sum(shares) == ASKED
    assert min(shares) >= LEAST


def accepted(listening: socket.socket) -> int:
    n = 0
    while True:
        try:
            connection, _ = listening.accept()
        except BlockingIOError:
            return n
        connection.close()
        n += 1


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # uvicorn ends the process without closing what it opened
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_address_that_somebody_has_is_not_shared_with_him() -> None:
    port = free_port()
    (first,) = sockets_of(config(port))
    assert isinstance(first, OfEachProcess)
    with closing(first), pickle.loads(pickle.dumps(first)) as serving:  # noqa: S301 - our own
        serving.listen()
        with pytest.raises(SystemExit):
            sockets_of(config(port))
        gc.collect()
