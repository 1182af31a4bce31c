"""The description: valid, complete, and nothing in it without words and an example."""

import re

import pytest

from app.web.openapi import doors


@pytest.fixture
async def told(program):
    answer = await program.get("/api/openapi.json")
    assert answer.status_code == 200
    return answer.json()


async def test_every_door_of_the_api_is_in_it(app, told):
    there = {
        (method, re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path))
        for route in app.routes
        if route.path.startswith("/api/") and route.path != "/api/openapi.json"
        for handler in route.route_handlers
        for method in handler.http_methods - {"OPTIONS"}
    }
    described = {(method.upper(), path) for path, methods in told["paths"].items() for method in methods}
    assert there == described
    assert len(list(doors(app))) == len(described)


def properties(told):
    for name, schema in told["components"]["schemas"].items():
        for field, of in schema.get("properties", {}).items():
            yield f"{name}.{field}", of


async def test_every_field_is_described_with_an_example(told):
    bare = [name for name, of in properties(told) if not of.get("description") and "$ref" not in of]
    assert bare == []
    silent = [name for name, of in properties(told) if "examples" not in of and "$ref" not in str(of)]
    assert silent == []


async def test_every_operation_says_who_and_what_may_go_wrong(told):
    for path, methods in told["paths"].items():
        for method, one in methods.items():
            assert one["summary"], path
            statuses = set(one["responses"])
            assert {"429", "503"} <= statuses, path
            if one["security"]:
                assert {"401", "403"} <= statuses, path
            if "requestBody" in one:
                assert {"400", "413", "415", "422"} <= statuses, (method, path)
            assert all(of["description"] for of in one.get("parameters", ())), path


async def test_the_page_for_people_names_every_address(program, told):
    page = (await program.get("/api")).text
    for path in told["paths"]:
        assert path in page
    assert "<script>" not in page
