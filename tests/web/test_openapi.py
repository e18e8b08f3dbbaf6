"""The OpenAPI document is complete, and whatever it allows is answered without a mistake of ours."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from anirec.cli.commands import cli
from web import serving
from web.serving import API


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{API}/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, told) for path, of_path in document["paths"].items() for method, told in of_path.items()]


def test_every_operation_is_named_once_described_and_can_fail_with_a_problem(document: dict[str, Any]) -> None:
    names = [told["operationId"] for _, _, told in operations(document)]
    assert len(names) == len(set(names)) >= 23
    for path, _, told in operations(document):
        assert told["description"], path
        assert told["tags"], path
        assert {"404", "422", "429"} <= set(told["responses"]), path
        for status, answer in told["responses"].items():
            if status != "200":
                assert list(answer["content"]) == ["application/problem+json"], (path, status)


def test_every_request_has_an_example_and_every_example_is_answered(
    client: TestClient, document: dict[str, Any]
) -> None:
    named = document["components"]["schemas"]
    for path, method, told in operations(document):
        content = told.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        model = named[content["schema"]["$ref"].rpartition("/")[2]]
        fields = [field.get("examples") for field in model["properties"].values()]
        examples = model.get("examples") or [{k: v["examples"][0] for k, v in model["properties"].items()}]
        assert examples or all(fields), path
        for example in examples:
            answer = client.request(method, path.format(year=2010, season="spring"), json=example)
            assert answer.status_code not in (400, 405, 415), (
                path,
                answer.text,
            )  # ids of the real world are unknown here


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    for part in text.split('"$ref": "')[1:]:
        name = part.partition('"')[0].rpartition("/")[2]
        assert name in document["components"]["schemas"]


def test_the_command_writes_the_same_document(small_bundle: Path, document: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "openapi.json"
    CliRunner().invoke(cli, ["openapi", "--bundle", str(small_bundle), "--out", str(out)], catch_exceptions=False)
    assert json.loads(out.read_text()) == document


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of the tool's own
def test_whatever_the_document_allows_or_not_there_is_no_mistake_of_ours(small_bundle: Path) -> None:
    schemathesis = pytest.importorskip("schemathesis", reason="it is among the development tools")
    from hypothesis import HealthCheck, given, settings
    from hypothesis.errors import Unsatisfiable
    from schemathesis import GenerationMode

    app = serving.client(small_bundle, sites=False).app
    schema = schemathesis.openapi.from_asgi(f"{API}/openapi.json", app)
    schemathesis.checks.load_all_checks()
    names = ("not_a_server_error", "response_schema_conformance", "content_type_conformance")
    wanted = [schemathesis.checks.CHECKS.get_one(name) for name in names]
    tried = 0
    for operation in schema.get_all_operations():
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)
            @given(case=operation.ok().as_strategy(generation_mode=mode))
            def run(case: Any) -> None:
                nonlocal tried
                tried += 1
                case.call_and_validate(checks=wanted)

            with suppress(Unsatisfiable):  # what takes nothing can be asked for in one way only
                run()
    assert tried > 500
