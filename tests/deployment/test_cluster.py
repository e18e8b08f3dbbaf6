"""The manifests for Kubernetes: valid, closed, pinned by digest; and the script that fetches a bundle, run for real."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from documents.parsing import problem_of

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

REPOSITORY = Path(__file__).parents[2]
KUBERNETES = REPOSITORY / "deploy" / "kubernetes"
BASE, OVERLAY = KUBERNETES / "base", KUBERNETES / "overlays" / "example"
VERSION = "1.34"
"""Of Kubernetes, whose schemas the manifests are held against."""
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def resources_of(folder: Path) -> list[dict[str, Any]]:
    """All resources that a kustomization names, those of folders that it names too."""
    found: list[dict[str, Any]] = []
    for name in yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]:
        path = (folder / name).resolve()
        found += resources_of(path) if path.is_dir() else list(yaml.safe_load_all(path.read_text()))
    return found


RESOURCES = resources_of(OVERLAY)
BY_KIND = {resource["kind"]: resource for resource in RESOURCES}
POD = BY_KIND["Deployment"]["spec"]["template"]
CONTAINERS = [*POD["spec"]["initContainers"], *POD["spec"]["containers"]]


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_every_resource_is_one_that_kubernetes_knows(resource: dict[str, Any]) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    validate.validate(resource, VERSION, strict=True)


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    with pytest.raises(validate.ValidationError):
        validate.validate({**BY_KIND["PodDisruptionBudget"], "specs": {}}, VERSION, strict=True)


def test_there_is_all_that_serving_on_a_cluster_takes() -> None:
    assert set(BY_KIND) == {
        "Namespace", "ServiceAccount", "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget",
        "NetworkPolicy", "Ingress",
    }  # fmt: skip


def test_every_manifest_is_named_by_its_kustomization() -> None:
    for folder in (BASE, OVERLAY):
        told = yaml.safe_load((folder / "kustomization.yaml").read_text())
        named = {name for name in told["resources"] if name.endswith(".yaml")}
        named |= {name for one in told.get("configMapGenerator", []) for name in one.get("files", [])}
        assert {path.name for path in folder.iterdir()} - {"kustomization.yaml", "__pycache__"} == named


def test_every_image_is_given_by_digest() -> None:
    images = {image["name"]: image for image in yaml.safe_load((OVERLAY / "kustomization.yaml").read_text())["images"]}
    for container in CONTAINERS:
        assert DIGEST.fullmatch(images[container["image"]]["digest"])
        assert "newTag" not in images[container["image"]]


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda one: one["name"])
def test_no_container_is_root_may_become_it_writes_to_its_image_or_takes_all(container: dict[str, Any]) -> None:
    pod = POD["spec"]["securityContext"]
    assert (pod["runAsNonRoot"], pod["runAsUser"], pod["seccompProfile"]) == (True, 10001, {"type": "RuntimeDefault"})
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for kind in ("requests", "limits"):
        assert set(container["resources"][kind]) == {"cpu", "memory"}
    assert POD["spec"]["automountServiceAccountToken"] is False


def test_the_server_may_not_write_to_its_bundle() -> None:
    (server,) = POD["spec"]["containers"]
    mounts = {mount["name"]: mount for mount in server["volumeMounts"]}
    assert mounts["bundles"]["readOnly"] is True
    assert {"name": "ANIREC_BUNDLE", "value": "/bundles/current"} in server["env"]
    assert set(mounts) == {"bundles", "tmp"}


def test_the_server_is_started_as_click_takes_it_and_probed_where_it_answers(small_bundle: Path) -> None:
    from web import serving

    (server,) = POD["spec"]["containers"]
    assert problem_of(["anirec", *server["args"]]) is None
    (port,) = server["ports"]
    with serving.client(small_bundle) as client:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = server[probe]["httpGet"]
            assert asked["port"] == port["name"]
            assert client.get(asked["path"]).status_code == 200
        assert client.get(POD["metadata"]["annotations"]["prometheus.io/path"]).status_code == 200


def test_whoever_points_at_the_pods_points_at_these() -> None:
    label = {"app.kubernetes.io/component": "server"}
    assert POD["metadata"]["labels"] == label
    assert BY_KIND["Deployment"]["spec"]["selector"]["matchLabels"] == label
    assert BY_KIND["Service"]["spec"]["selector"] == label
    assert BY_KIND["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == label
    assert BY_KIND["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == label
    scaled = BY_KIND["HorizontalPodAutoscaler"]["spec"]
    assert scaled["scaleTargetRef"]["name"] == BY_KIND["Deployment"]["metadata"]["name"]
    assert "replicas" not in BY_KIND["Deployment"]["spec"], "the autoscaler's number would be undone by each apply"
    assert scaled["minReplicas"] > BY_KIND["PodDisruptionBudget"]["spec"]["minAvailable"], "a node could not be emptied"


def test_answers_that_are_inside_are_finished_before_a_pod_is_killed() -> None:
    from anirec.cli.serve import GRACE

    before = POD["spec"]["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert POD["spec"]["terminationGracePeriodSeconds"] > GRACE + before


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kustomize_puts_it_together_with_the_digest() -> None:
    done = subprocess.run(["kubectl", "kustomize", OVERLAY], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = {one["kind"]: one for one in yaml.safe_load_all(done.stdout)}
    pod = made["Deployment"]["spec"]["template"]["spec"]
    assert all(DIGEST.search(one["image"]) for one in [*pod["initContainers"], *pod["containers"]])
    assert (
        made["Service"]["spec"]["selector"].items()
        <= made["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    )


@dataclass
class Store:
    """An object store: `content` at every address, after as many answers of `trouble` as there are."""

    content: bytes
    trouble: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def serving(self) -> Iterator[str]:
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                store.asked.append(self.path)
                now = store.trouble.pop(0) if store.trouble else ""
                self.send_response(503 if now == "busy" else 404 if now == "missing" else 200)
                self.send_header("content-length", str(len(store.content)))
                self.end_headers()
                if now in ("", "cut"):
                    self.wfile.write(store.content if not now else store.content[: len(store.content) // 2])
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class calls it
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/bundle.tar.gz"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def packed(bundle: Path, name: str = "my-bundle") -> bytes:
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w:gz") as archive:
        archive.add(bundle, arcname=name)
    return into.getvalue()


def fetch(url: str, folder: Path, sha256: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"BUNDLE_URL": url, "BUNDLE_SHA256": sha256, "BUNDLE_FOLDER": str(folder), "BUNDLE_WAIT": "0.001"}
    script = BASE / "fetch_bundle.py"
    return subprocess.run(
        [sys.executable, script], env={**os.environ, **environment, **more}, capture_output=True, text=True, check=False
    )


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_bundle_is_fetched_checked_and_put_in_place_though_the_store_is_troubled(
    small_bundle: Path, tmp_path: Path
) -> None:
    from anirec.wiring.serve import load

    content = packed(small_bundle)
    store = Store(content, ["busy", "cut"])
    with store.serving() as url:
        done = fetch(url, tmp_path, sha256(content))
    assert (done.returncode, done.stderr, len(store.asked)) == (0, "", 3)
    assert [path.name for path in tmp_path.iterdir()] == ["current"]
    assert len(load(tmp_path / "current").recommend(like=[4], k=3)) == 3


def test_a_bundle_that_was_there_gives_way_to_the_new_one_and_stays_where_that_is_not_sound(
    small_bundle: Path, tmp_path: Path
) -> None:
    good = packed(small_bundle)
    with Store(good).serving() as url:
        assert fetch(url, tmp_path, sha256(good)).returncode == 0
        (tmp_path / "current" / "left over").touch()
        assert fetch(url, tmp_path, sha256(good)).returncode == 0
    assert not (tmp_path / "current" / "left over").exists()
    damaged = tmp_path / "damaged"
    shutil.copytree(small_bundle, damaged)
    (damaged / "manifest.json").write_text("{}")
    bad = packed(damaged)
    shutil.rmtree(damaged)
    with Store(bad).serving() as url:
        done = fetch(url, tmp_path, sha256(bad))
    assert done.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["current"]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [(["missing"], "404"), (["busy"] * 6, "503"), ([], "not 0000")],
    ids=["no such", "away", "other"],
)
def test_what_cannot_be_had_is_said_and_leaves_nothing(trouble: list[str], said: str, tmp_path: Path) -> None:
    with Store(b"something", trouble).serving() as url:
        done = fetch(url, tmp_path, "0" * 64)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("no bundle: ")
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def escaping(kind: str) -> bytes:
    """An archive that wants to write elsewhere."""
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w:gz") as archive:
        member = tarfile.TarInfo("../escaped" if kind == "path" else "my-bundle/manifest.json")
        if kind == "link":
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(member)
        else:
            member.size = 2
            archive.addfile(member, io.BytesIO(b"{}"))
    return into.getvalue()


@pytest.mark.parametrize("kind", ["path", "link", "unsound"])
def test_an_archive_that_is_no_sound_bundle_writes_nothing(kind: str, tmp_path: Path) -> None:
    content = escaping(kind)
    with Store(content).serving() as url:
        done = fetch(url, tmp_path / "bundles", sha256(content))
    assert done.returncode == 1, done.stdout
    assert list((tmp_path / "bundles").iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["bundles"]


def test_a_token_is_not_sent_in_the_clear(tmp_path: Path) -> None:
    store = Store(b"something")
    with store.serving() as url:
        done = fetch(url, tmp_path, sha256(b"something"), BUNDLE_TOKEN="a-token")  # noqa: S106 - of nobody
    assert (done.returncode, store.asked) == (1, [])
    assert "https" in done.stderr
    assert "a-token" not in done.stderr
