"""Load on the server, from loopback with wrk; figures are filed per commit under `benchmarks/results/`.

    python benchmarks/load.py                   60 s at 32 connections, 20 s of overload, memory; 2 processes
    python benchmarks/load.py --seconds 600     the same for ten minutes, to see whether memory stays flat

Needs wrk (Debian's package of this name), and a machine that has nothing else to do: wrk and the server share it.
Every request is another profile: 1 to 120 titles, drawn by how many people have them on a list, so that nothing is
answered from what was kept.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

from anirec.wiring.serve import load as load_bundle
from filing import file_section, source, surroundings

PORT: Final = 8765
URL: Final = f"http://127.0.0.1:{PORT}"
ASKED: Final = f"{URL}/api/v1/recommendations"
PROFILES: Final = 4000
SIZES: Final = (1, 3, 3, 5, 5, 8, 10, 20, 40, 120)
"""Titles on a profile; drawn evenly."""
CONNECTIONS: Final = 32
OVERLOAD: Final = 512
WRK: Final = """
local bodies = {}
for line in io.lines("%s") do bodies[#bodies + 1] = line end
local at = 0
request = function()
  at = at %% #bodies + 1
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, bodies[at])
end
response = function(status)
  if status == 200 then good = (good or 0) + 1 elseif status == 429 then busy = (busy or 0) + 1
  else other = (other or 0) + 1 end
end
local threads = {}
setup = function(thread) threads[#threads + 1] = thread end
done = function(summary, latency)
  local n = {good = 0, busy = 0, other = 0}
  for _, thread in ipairs(threads) do
    for name in pairs(n) do n[name] = n[name] + (thread:get(name) or 0) end
  end
  local e = summary.errors
  io.write(string.format('{"seconds": %%f, "good": %%d, "busy": %%d, "other": %%d, "socket_errors": %%d, ' ..
    '"p50_ms": %%f, "p90_ms": %%f, "p99_ms": %%f, "max_ms": %%f}\\n', summary.duration / 1e6, n.good, n.busy, n.other,
    e.connect + e.read + e.write + e.timeout, latency:percentile(50) / 1e3, latency:percentile(90) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3))
end
"""


def main() -> None:
    """Measure and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--overload", type=int, default=20, metavar="SECONDS")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--bundle", help="as for anirec serve")
    parser.add_argument("--dry", action="store_true", help="file nothing")
    asked = parser.parse_args()
    found = measured(asked)
    print(json.dumps(found, indent=1))
    if not asked.dry:
        at = source()
        section = (
            found
            | {"load_average": [round(one, 1) for one in os.getloadavg()]}
            | {"changed_since_commit": at["changed_since_commit"]}
            | surroundings()
        )
        print(file_section(at["commit"], "load", section))


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """Return all figures."""
    with tempfile.TemporaryDirectory() as folder:
        script = write_script(Path(folder), asked.bundle)
        with serving(1, asked.bundle) as alone:
            start = {"ready_s": alone.ready, "resident_mb": resident(alone.pids())}
            first = timed(1)
        with serving(asked.workers, asked.bundle) as server:
            wrk(script, 3, CONNECTIONS)
            with watched(server) as memory:
                used = server.cpu()
                steady = wrk(script, asked.seconds, CONNECTIONS)
                used = server.cpu() - used
                overload = wrk(script, asked.overload, OVERLOAD) if asked.overload else {}
            alive = httpx.get(f"{URL}/health").status_code == httpx.codes.OK
    n = len(memory)
    return {
        "start": start | {"first_answer_ms": first},
        "workers": asked.workers,
        "connections": CONNECTIONS,
        "steady": steady
        | {
            "per_second": round(steady["good"] / steady["seconds"], 1),
            "cpu_ms_each": round(1e3 * used / max(steady["good"], 1), 2),
        },
        "overload": overload | {"connections": OVERLOAD, "alive_after": alive},
        "memory_mb": {"after_a_tenth": memory[n // 10], "at_the_end": memory[-1], "most": max(memory)},
    }


class Server:
    """A running server. ready: seconds from its start until it answered."""

    def __init__(self, workers: int, bundle: str | None) -> None:
        begun = time.perf_counter()
        words = ["serve", "--port", str(PORT), "--workers", str(workers), "--rate", "0", "--no-page"]
        words += ["--log-level", "warning", *(["--bundle", bundle] if bundle else [])]
        code = "from anirec.cli import main; main()"
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen([sys.executable, "-c", code, *words], env=environment)
        while True:
            try:
                httpx.get(f"{URL}/ready")
                break
            except httpx.TransportError:
                if self.process.poll() is not None or time.perf_counter() - begun > 60:
                    self.process.kill()
                    raise
                time.sleep(0.01)
        self.ready = round(time.perf_counter() - begun, 2)

    def cpu(self) -> float:
        """Return the seconds of processor time that all its processes have had."""
        stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.pids()]
        return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")

    def pids(self) -> list[int]:
        """Return the processes of it."""
        own = self.process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return [own, *map(int, children)]


@contextmanager
def serving(workers: int, bundle: str | None) -> Iterator[Server]:
    """Yield a server that is ready, and end it."""
    server = Server(workers, bundle)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait(30)


def timed(n: int) -> float:
    """Return the milliseconds of the nth answer."""
    for _ in range(n):
        begun = time.perf_counter()
        httpx.post(ASKED, json={"likes": [1, 5114]}).raise_for_status()
    return round(1e3 * (time.perf_counter() - begun), 1)


def resident(pids: list[int]) -> dict[str, float]:
    """Return MB of processes: resident of the largest, and of all with what they share counted once."""
    own, whole = [], 0
    for pid in pids:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        facts = {line.split()[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
        own.append(facts["Rss:"])
        whole += facts["Pss:"]
    return {"largest": round(max(own) / 1024, 1), "all": round(whole / 1024, 1)}


@contextmanager
def watched(server: Server) -> Iterator[list[float]]:
    """Yield a list that grows by the memory of all processes, in MB, every second."""
    seen: list[float] = [resident(server.pids())["all"]]
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(1):
            seen.append(resident(server.pids())["all"])

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join()


def write_script(folder: Path, bundle: str | None) -> Path:
    """Write what wrk asks; returns the script."""
    service, rng = load_bundle(bundle), np.random.default_rng(0)
    catalogue = service.catalogue
    chance = catalogue.members * (~catalogue.adult)
    chance = chance / chance.sum()
    bodies = []
    for _ in range(PROFILES):
        ids = rng.choice(catalogue.anime_ids, size=rng.choice(SIZES), replace=False, p=chance)
        scores = rng.integers(3, 11, size=len(ids))
        likes = [{"anime_id": int(i), "score": int(s)} for i, s in zip(ids, scores, strict=True)]
        bodies.append(json.dumps({"likes": likes, "k": 20}))
    (folder / "bodies.jsonl").write_text("\n".join(bodies) + "\n")
    script = folder / "ask.lua"
    script.write_text(WRK % (folder / "bodies.jsonl"))
    return script


def wrk(script: Path, seconds: int, connections: int) -> dict[str, Any]:
    """Ask for so many seconds over so many connections, each asking again when it was answered."""
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), ASKED]
    said = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return {name: round(value, 2) for name, value in found.items()}


if __name__ == "__main__":
    main()
