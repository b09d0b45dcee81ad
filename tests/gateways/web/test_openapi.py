"""The OpenAPI document: valid, complete, true. Schemathesis plays it against the app, within bounds."""

from typing import Any

import httpx
import jsonschema
import msgspec
import pytest
import schemathesis
import trio
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from actors.model import psp
from gateways.web.api.routes import ROUTES
from gateways.web.openapi import document
from gateways.web.problems import CATALOGUE, Problem
from runtime.store import OutboxItem
from tests.gateways.web.rig import OWNER, running

DOCUMENT = document(ROUTES, "0", None)


def test_every_route_of_the_table_is_described_once_with_a_summary_and_an_operation_id() -> None:
    operations = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]
    assert len(operations) == len(ROUTES)
    assert len({operation["operationId"] for operation in operations}) == len(ROUTES)
    assert all(operation["summary"] for operation in operations)
    assert DOCUMENT["openapi"] == "3.1.0"


def test_every_reference_leads_somewhere_and_every_schema_is_a_json_schema() -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [ref for part in value.values() for ref in references(part)]
        return [ref for part in value for ref in references(part)] if isinstance(value, list) else []

    for reference in references(DOCUMENT):
        place: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    for name, schema in DOCUMENT["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert name.isidentifier(), name


def test_every_problem_of_the_catalogue_can_be_raised_and_says_its_status() -> None:
    for slug, (status, title) in CATALOGUE.items():
        body = msgspec.to_builtins(Problem(slug).body("c"))
        assert (body["type"], body["status"], body["title"]) == (f"urn:voltroupe:problem:{slug}", status, title)


async def test_document_and_docs_are_open_and_the_page_loads_nothing_from_elsewhere() -> None:
    async with running() as rig:
        served = (await rig.anyone.get("/api/v1/openapi.json")).json()
        assert served["paths"].keys() == DOCUMENT["paths"].keys()
        page = await rig.anyone.get("/api/v1/docs")
        assert page.status_code == 200
        for route in ROUTES:
            assert route.path in page.text
        for foreign in ("http://", "https://", "<style", "style=", "<script>", "onclick"):
            assert foreign not in page.text, foreign
        assert (await rig.anyone.get("/static/console.css")).status_code == 200


SKIPPED = {"/api/v1/events", "/metrics", "/api/v1/docs", "/api/v1/openapi.json"}
"""A stream that never ends, and pages that are no JSON."""
EXAMPLES = 10
CONFORMANCE = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]


def generated(operation: Any) -> list[Any]:
    """Requests for an operation, right and wrong ones, the same in every run."""
    cases: list[Any] = []

    wrong, right = (operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.NEGATIVE, GenerationMode.POSITIVE))

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @seed(20261122)
    @given(right | wrong)
    def collect(case: Any) -> None:
        cases.append(case)

    collect()
    return cases


@pytest.mark.slow
def test_generated_requests_meet_no_server_error_and_answers_fit_the_document() -> None:
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    operations = [schema[route.path][route.method] for route in ROUTES if route.path not in SKIPPED]
    cases = [case for operation in operations for case in generated(operation)]
    failures = trio.run(play, cases)
    assert len(cases) > 5 * len(operations)
    assert not failures, "\n\n".join(failures[:5])


async def _refusing(item: OutboxItem) -> Any:
    call = msgspec.json.decode(item.effect.body, type=psp.AnyCall)
    return psp.PspAnswer(item.effect.id, call, psp.PspRefused("not_here"))


async def play(cases: list[Any]) -> list[str]:
    failures = []
    async with running() as rig:
        rig.system.outbox.handle(psp.TOPIC, _refusing)  # else what waits for the payment provider waits in vain
        await rig.tenant("acme")
        await rig.owner.put("/api/v1/tenants/acme/stations/CS-0001")
        for case in cases:
            if "tenant" in (case.path_parameters or {}):
                case.path_parameters["tenant"] = "acme"
            request = case.as_transport_kwargs(base_url="http://test", headers={"Authorization": f"Bearer {OWNER}"})
            wanted = ("method", "url", "params", "headers", "json", "content", "files")
            request["content"] = request.pop("data", None)
            try:
                request = rig.owner.build_request(**{name: request[name] for name in wanted if name in request})
            except (httpx.InvalidURL, ValueError, TypeError):
                continue  # no client can say this
            answer = await rig.owner.send(request)
            try:
                case.validate_response(answer, checks=CONFORMANCE)
            except (FailureGroup, AssertionError) as error:
                failures.append(f"{case.method} {answer.request.url}: {answer.status_code} {answer.text[:500]}\n{_told(error)}")
    return failures


def _told(error: BaseException) -> str:
    return "; ".join(map(str, error.exceptions)) if isinstance(error, BaseExceptionGroup) else str(error)
