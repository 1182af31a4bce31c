"""The OpenAPI document: valid, complete, with a description and an example for every field."""

import re

import pytest

from app.web.openapi import documented_handlers


@pytest.fixture
async def document(api_client):
    response = await api_client.get("/api/openapi.json")
    assert response.status_code == 200
    return response.json()


async def test_every_door_of_the_api_is_in_it(api_app, document):
    there = {
        (method, re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path))
        for route in api_app.routes
        if route.path.startswith("/api/") and route.path != "/api/openapi.json"
        for handler in route.route_handlers
        for method in handler.http_methods - {"OPTIONS"}
    }
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert there == described
    assert len(list(documented_handlers(api_app))) == len(described)


def properties(document):
    for name, schema in document["components"]["schemas"].items():
        for field, of in schema.get("properties", {}).items():
            yield f"{name}.{field}", of


async def test_every_field_is_described_with_an_example(document):
    undocumented = [name for name, of in properties(document) if not of.get("description") and "$ref" not in of]
    assert undocumented == []
    undescribed = [name for name, of in properties(document) if "examples" not in of and "$ref" not in str(of)]
    assert undescribed == []


async def test_every_operation_says_who_and_what_may_go_wrong(document):
    for path, methods in document["paths"].items():
        for method, item in methods.items():
            assert item["summary"], path
            statuses = set(item["responses"])
            assert {"429", "503"} <= statuses, path
            if item["security"]:
                assert {"401", "403"} <= statuses, path
            if "requestBody" in item:
                assert {"400", "413", "415", "422"} <= statuses, (method, path)
            assert all(of["description"] for of in item.get("parameters", ())), path


async def test_the_page_for_people_names_every_address(api_client, document):
    page = (await api_client.get("/api")).text
    for path in document["paths"]:
        assert path in page
    assert "<script>" not in page
