"""compose.yaml, Prometheus' and Grafana's files: of the right shape, hardened, and of figures that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from anirec.web import metrics
from web import serving

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
OWN = re.compile(r"\banirec_\w+")
OF_OTHERS = {"up"}
"""Figures that Prometheus makes itself."""


def expressions() -> Iterator[tuple[str, str]]:
    """Return every expression of a dashboard or alert, with where it stands."""
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{file.name}: {panel['title']}", target["expr"]
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            yield f"{ALERTS.name}: {rule['alert']}", rule["expr"]


@pytest.fixture(scope="module")
def figures(small_bundle: Path) -> dict[str, set[str]]:
    """The labels of every figure that the server shows once something was asked, refused, and asked again."""
    found: dict[str, set[str]] = {}
    with serving.client(small_bundle, trusted_hosts=("localhost",)) as client:
        ask_around(client)
        text = client.get("/metrics").text
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    declared = {one._name: set(one._labelnames) for one in vars(metrics).values() if hasattr(one, "_labelnames")}
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE):  # what has no sample yet
        if kind == "counter" and name not in found:
            found[name] = declared[name.removesuffix("_total")]
    return found


def ask_around(client: TestClient) -> None:
    for _ in range(2):
        assert client.get("/api/v1/anime/1").status_code == 200
    assert client.get("/api/v1/anime/1", headers={"host": "elsewhere.example"}).status_code == 421


@pytest.mark.parametrize(("where", "expression"), list(expressions()), ids=[where for where, _ in expressions()])
def test_every_figure_that_is_looked_at_is_one_of_the_server(
    where: str, expression: str, figures: dict[str, set[str]]
) -> None:
    plain = re.sub(r'"[^"]*"|\[[^\]]*\]', "", expression)
    asked = {
        name: set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", labels))
        for name, labels in re.findall(r"\b([a-z_]\w*)(?:\{([^}]*)\})?", plain)
        if name in OF_OTHERS or OWN.match(name)
    }
    assert asked, where
    grouped = {label for group in re.findall(r"\bby \(([^)]*)\)", plain) for label in re.split(r"[,\s]+", group)}
    known: set[str] = set()
    for name, labels in asked.items():
        if name in OF_OTHERS:
            continue
        assert name in figures, f"{where}: there is no {name}"
        assert labels <= figures[name], f"{where}: {name} has no label {labels - figures[name]}"
        known |= figures[name]
    assert grouped <= known, f"{where}: grouped by {grouped - known}"


def test_every_figure_of_the_server_is_looked_at_somewhere(figures: dict[str, set[str]]) -> None:
    own = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in figures if OWN.match(name)}
    looked_at = {re.sub(r"_(bucket|count|sum)$", "", name) for _, text in expressions() for name in OWN.findall(text)}
    assert {name.removesuffix("_total") for name in own} == {name.removesuffix("_total") for name in looked_at}


def test_panels_do_not_overlap_and_fill_their_rows() -> None:
    for file in DASHBOARDS:
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(file.read_text())["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert not cells & taken, panel["title"]
            assert at["x"] + at["w"] <= 24, panel["title"]
            taken |= cells


def test_the_dashboard_asks_the_source_that_is_provisioned() -> None:
    (source,) = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    named = {panel["datasource"]["uid"] for file in DASHBOARDS for panel in json.loads(file.read_text())["panels"]}
    assert named == {source["uid"]}
    host, port = source["url"].removeprefix("http://").split(":")
    assert COMPOSE["services"][host]["ports"] == [f"127.0.0.1:{port}:{port}"]
    (target,) = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"][0][
        "static_configs"
    ]
    asked = target["targets"][0].split(":")[0]
    assert asked in COMPOSE["services"]["api"]["command"], "the server answers to the name that Prometheus asks by"


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_service_is_hardened_and_reached_from_this_machine_only(name: str) -> None:
    service = COMPOSE["services"][name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
    assert not re.search(r"password|secret|token", json.dumps(service), re.IGNORECASE)
    assert "build" in service or re.fullmatch(r"[\w/-]+:v?\d+\.\d+\.\d+", service["image"]), "a whole version"


def test_every_file_that_is_mounted_or_built_from_is_there() -> None:
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            source = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", volume).split(":")[0]
            assert source in COMPOSE["volumes"] or (REPOSITORY / source).is_dir(), volume
        if "build" in service:
            assert (REPOSITORY / service["build"]["context"] / "Dockerfile").is_file()


def test_the_command_of_the_server_is_one_that_click_takes() -> None:
    from documents.parsing import problem_of

    assert problem_of(["anirec", *COMPOSE["services"]["api"]["command"]]) is None


def test_compose_has_the_shape_that_compose_wants() -> None:
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed")
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(check, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_yamllint_has_nothing_to_say() -> None:
    pytest.importorskip("yamllint", reason="yamllint is not installed")
    files = ["compose.yaml", "deploy", ".github", "dvc.yaml", "params.yaml"]
    lint = [sys.executable, "-m", "yamllint", "--strict", *(f for f in files if (REPOSITORY / f).exists())]
    done = subprocess.run(lint, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_prometheus_itself_takes_its_files() -> None:
    for words in (["config", "prometheus.yml"], ["rules", "alerts.yml"]):
        done = subprocess.run(
            ["promtool", "check", *words], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
