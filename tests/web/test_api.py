"""The JSON API against its own description: every documented response occurs, and nothing else does."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from bot.store import StoreUnavailable
from tests.web.conftest import Served, ServeWith, events, running, web_settings

SYNTHETIC = "10909040863"
FRIEND = "https://www.uio.example"


@pytest.fixture
def client(site: Served) -> Iterator[httpx2.Client]:
    """A program that calls the API."""
    with httpx2.Client(base_url=site.base_url, timeout=60) as opened:
        yield opened


@pytest.fixture(scope="module")
def described(site: Served) -> dict[str, Any]:
    """The OpenAPI description as served."""
    response = httpx2.get(f"{site.base_url}/api/openapi.json")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def conforms(described: dict[str, Any], path: str, response: httpx2.Response) -> None:
    """The response is one that the description knows, with the fields that it promises."""
    known = described["paths"][path]["post"]["responses"]
    assert str(response.status_code) in known, f"{response.status_code} is not described for {path}"
    content = known[str(response.status_code)].get("content")
    if content is None:
        assert response.content == b""
        return
    schema = described["components"]["schemas"][content["application/json"]["schema"]["$ref"].rpartition("/")[2]]
    body = response.json()
    assert set(schema.get("required", ())) <= set(body)
    assert set(body) <= set(schema["properties"])


# ── the description ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_description_holds_the_api_and_nothing_else(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1")
    assert set(described["paths"]) == {"/api/ask", "/api/feedback", "/api/handover"}
    assert all(set(methods) == {"post"} for methods in described["paths"].values())


def test_every_field_and_response_is_explained(described: dict[str, Any]) -> None:
    for path, methods in described["paths"].items():
        operation = methods["post"]
        assert operation["summary"], path
        assert operation["description"], path
        assert {"403", "413", "422", "429"} <= set(operation["responses"]), path
    for name in ("Question", "Answer", "Handover"):
        assert described["components"]["schemas"][name]["description"]
    assert "HTTPValidationError" not in described["components"]["schemas"], "our 422 is another one"


# ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_comes_with_source_and_date(client: httpx2.Client, described: dict[str, Any]) -> None:
    response = client.post("/api/ask", json={"question": "Hvor lang tid tar det å få levert data?"})

    conforms(described, "/api/ask", response)
    body = response.json()
    assert (response.status_code, body["faq"], body["language"], body["outcome"]) == (200, "delivery-time", "nb", "answered")
    assert body["source"].startswith("https://")
    assert body["checked"]
    assert body["answer"]
    assert body["automatic"] is True
    assert len(body["alternatives"]) == 5


def test_the_caller_may_choose_the_language(client: httpx2.Client) -> None:
    body = client.post("/api/ask", json={"question": "Hvor lang tid tar det å få levert data?", "language": "nn"}).json()

    assert (body["faq"], body["language"]) == ("delivery-time", "nn")


def test_unsure_gives_choices_and_a_choice_gives_its_answer(client: httpx2.Client, vague: dict[str, str]) -> None:
    unsure = client.post("/api/ask", json={"question": vague["nb"]}).json()

    assert unsure["faq"] is None
    assert 2 <= len(unsure["choices"]) <= 3
    assert unsure["message"]
    chosen = client.post("/api/ask", json={"question": unsure["choices"][0]["title"], "topic": unsure["choices"][0]["id"]}).json()
    assert chosen["faq"] == unsure["choices"][0]["id"]


def test_out_of_scope_is_said_and_the_second_miss_leads_to_a_person(client: httpx2.Client) -> None:
    first = client.post("/api/ask", json={"question": "Hvordan baker jeg brød?"}).json()
    second = client.post("/api/ask", json={"question": "Hva er hovedstaden i Peru?", "previous": "Hvordan baker jeg brød?"}).json()

    assert (first["out_of_scope"], first["handover"]) == (True, False)
    assert (second["out_of_scope"], second["handover"]) == (True, True)


def test_a_wish_for_a_person_is_told(client: httpx2.Client) -> None:
    body = client.post("/api/ask", json={"question": "I want to talk to a human", "language": "en"}).json()

    assert (body["outcome"], body["handover"], body["faq"]) == ("person", True, None)


def test_a_follow_up_is_read_with_the_question_before(client: httpx2.Client) -> None:
    alone = client.post("/api/ask", json={"question": "og for masterstudenter?"}).json()
    together = client.post(
        "/api/ask", json={"question": "og for masterstudenter?", "previous": "Hvem kan få tilgang til mikrodata?"}
    ).json()

    assert together["alternatives"][0]["confidence"] > alone["alternatives"][0]["confidence"]


def test_an_identity_number_does_not_come_back(client: httpx2.Client) -> None:
    response = client.post("/api/ask", json={"question": f"Jeg er {SYNTHETIC}. Hva koster det?", "previous": f"fnr {SYNTHETIC}"})

    assert response.json()["masked"] is True
    assert SYNTHETIC not in response.text


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("/api/ask", {}, ["question"]),
        ("/api/ask", {"question": ""}, ["question"]),
        ("/api/ask", {"question": "hemmelig " * 200}, ["question"]),
        ("/api/ask", {"question": "hva", "language": "hemmelig"}, ["language"]),
        ("/api/ask", {"question": {"hemmelig": 1}}, ["question"]),
        ("/api/feedback", {"topic": "price", "helped": "hemmelig"}, ["helped"]),
        ("/api/handover", {"name": "Kari", "email": "hemmelig", "message": "Hei"}, ["email"]),
        ("/api/handover", {"name": "Kari", "email": "kari@uio.example\r\nBcc: hemmelig@x.example", "message": "Hei"}, ["email"]),
        ("/api/handover", {"name": " ", "email": "kari@uio.example", "message": "Hei"}, ["name"]),
        ("/api/handover", {"name": "Kari", "email": f"{SYNTHETIC}@uio.example", "message": "Hei"}, ["email"]),
        ("/api/handover", {"name": "Kari", "email": "mikrodata@ssb.example", "message": "Hei"}, ["email"]),
    ],
)
def test_what_is_invalid_is_named_and_never_repeated(
    client: httpx2.Client, described: dict[str, Any], path: str, body: dict[str, Any], fields: list[str]
) -> None:
    response = client.post(path, json=body)

    conforms(described, path, response)
    assert (response.status_code, response.json()) == (422, {"error": "invalid", "fields": fields})
    assert "hemmelig" not in response.text


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 50_000, b'{"question": "\\ud800"}', b"null"])
def test_what_is_no_json_is_invalid(client: httpx2.Client, described: dict[str, Any], content: bytes) -> None:
    response = client.post("/api/ask", content=content, headers={"content-type": "application/json"})

    assert response.status_code == (400 if len(content) > 10_000 else 422), "too deep to be read, or not what is asked for"
    conforms(described, "/api/ask", response)


def test_an_unknown_topic_gets_no_feedback(client: httpx2.Client, described: dict[str, Any]) -> None:
    response = client.post("/api/feedback", json={"topic": "nothing", "helped": True})

    conforms(described, "/api/feedback", response)
    assert (response.status_code, response.json()["error"]) == (404, "unknown-topic")


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(site: Served, described: dict[str, Any]) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"question": "'
        for _ in range(40):
            yield b"a" * 10_000
        yield b'"}'

    declared = httpx2.post(f"{site.base_url}/api/ask", content=b"".join(chunks()), headers={"content-type": "application/json"})
    chunked = httpx2.post(f"{site.base_url}/api/ask", content=chunks(), headers={"content-type": "application/json"})

    for response in (declared, chunked):
        conforms(described, "/api/ask", response)
        assert (response.status_code, response.json()) == (413, {"error": "too-large"})


def test_other_methods_and_addresses_are_refused_as_json(client: httpx2.Client) -> None:
    got, missing = client.get("/api/ask"), client.post("/api/nothing", json={})

    assert (got.status_code, got.json(), got.headers["allow"]) == (405, {"error": "method-not-allowed"}, "POST")
    assert (missing.status_code, missing.json()) == (404, {"error": "not-found"})


def test_too_many_questions_are_refused_with_the_time_to_wait(web_server: ServeWith, described: dict[str, Any]) -> None:
    with web_server(web={"chat_per_minute": 2}) as (base, _, _):
        responses = [httpx2.post(f"{base}/api/ask", json={"question": "Hva koster det?"}) for _ in range(3)]
        feedback = httpx2.post(f"{base}/api/feedback", json={"topic": "price", "helped": True})

    assert [response.status_code for response in responses] == [200, 200, 429]
    for path, refused in (("/api/ask", responses[-1]), ("/api/feedback", feedback)):
        conforms(described, path, refused)
        assert 1 <= int(refused.headers["retry-after"]) <= 30
        assert refused.json()["retry_after"] == int(refused.headers["retry-after"])


def test_a_store_that_is_gone_is_told_and_a_question_needs_none(web: Served, described: dict[str, Any]) -> None:
    class Gone:
        async def write(self, work: object) -> None:
            raise StoreUnavailable("disk full")

        read = write

    whole, web.parts.store = web.parts.store, Gone()  # type: ignore[assignment]
    try:
        feedback = httpx2.post(f"{web.base_url}/api/feedback", json={"topic": "price", "helped": True})
        message = {"name": "Kari", "email": "kari@uio.example", "message": "Hei"}
        handover = httpx2.post(f"{web.base_url}/api/handover", json=message)
        answer = httpx2.post(f"{web.base_url}/api/ask", json={"question": "Hva koster det?"})
    finally:
        web.parts.store = whole

    for path, response in (("/api/feedback", feedback), ("/api/handover", handover)):
        conforms(described, path, response)
        assert (response.status_code, response.json(), response.headers["retry-after"]) == (503, {"error": "unavailable"}, "10")
    assert answer.status_code == 200


# ── who may call ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def friendly(tmp_path_factory: pytest.TempPathFactory, site: Served) -> Iterator[Served]:
    """A server that one foreign origin may call and embed."""
    settings = web_settings(tmp_path_factory.mktemp("friendly"), web={"cors": (FRIEND,), "chat_per_minute": 100_000})
    with running(settings) as served:
        yield served


def test_a_configured_origin_may_call(friendly: Served) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    before = httpx2.options(f"{friendly.base_url}/api/ask", headers={"origin": FRIEND, **asked})
    response = httpx2.post(f"{friendly.base_url}/api/ask", json={"question": "Hva koster det?"}, headers={"origin": FRIEND})

    assert (before.status_code, response.status_code) == (200, 200)
    assert before.headers["access-control-allow-origin"] == response.headers["access-control-allow-origin"] == FRIEND
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://www.uio.example.evil.example", "http://www.uio.example", "null", f"{FRIEND}:8443"]
)
def test_no_other_origin_may_call_or_read(friendly: Served, described: dict[str, Any], origin: str) -> None:
    asked = {"origin": origin, "access-control-request-method": "POST"}
    before = httpx2.options(f"{friendly.base_url}/api/ask", headers=asked)
    response = httpx2.post(f"{friendly.base_url}/api/ask", json={"question": "Hva koster det?"}, headers={"origin": origin})

    assert "access-control-allow-origin" not in before.headers
    assert "access-control-allow-origin" not in response.headers
    conforms(described, "/api/ask", response)
    assert (response.status_code, response.json()) == (403, {"error": "forbidden"})


def test_pages_and_console_are_never_shared(friendly: Served) -> None:
    for path in ("/", "/console", "/health", "/metrics", "/privacy"):
        assert "access-control-allow-origin" not in httpx2.get(f"{friendly.base_url}{path}", headers={"origin": FRIEND}).headers


def test_without_configured_origins_nobody_may_call(client: httpx2.Client) -> None:
    response = client.post("/api/ask", json={"question": "Hva koster det?"}, headers={"origin": FRIEND})

    assert response.status_code == 403


# ── behind a proxy ────────────────────────────────────────────────────────────────────────────────────────────


def asked_from(base: str, forwarded: str) -> int:
    """The status of a question that comes through a proxy with this X-Forwarded-For."""
    return httpx2.post(f"{base}/api/ask", json={"question": "Hva koster det?"}, headers={"x-forwarded-for": forwarded}).status_code


def test_behind_a_trusted_proxy_each_visitor_has_a_limit_of_his_own(web_server: ServeWith) -> None:
    with web_server(web={"chat_per_minute": 1, "trusted_proxies": ("127.0.0.1",)}) as (base, _, _):
        assert asked_from(base, "192.0.2.1") == 200
        assert asked_from(base, "192.0.2.2") == 200
        assert asked_from(base, "192.0.2.1") == 429
        assert asked_from(base, "198.51.100.7, 192.0.2.1") == 429, (
            "what the visitor wrote himself stands to the left and counts for nothing"
        )


def test_without_a_trusted_proxy_the_header_is_nobodys_word(web_server: ServeWith) -> None:
    with web_server(web={"chat_per_minute": 1}) as (base, _, _):
        assert asked_from(base, "192.0.2.1") == 200
        assert asked_from(base, "192.0.2.2") == 429


def test_a_visitor_of_ipv6_is_counted_by_the_net_he_has(web_server: ServeWith) -> None:
    with web_server(web={"chat_per_minute": 1, "trusted_proxies": ("127.0.0.1",)}) as (base, _, _):
        assert asked_from(base, "2001:db8:1:2::1") == 200
        assert asked_from(base, "2001:db8:1:2:ffff::9") == 429
        assert asked_from(base, "2001:db8:1:3::1") == 200


# ── what is kept ──────────────────────────────────────────────────────────────────────────────────────────────


def test_feedback_is_kept_without_the_question_or_the_visitor(web: Served, described: dict[str, Any]) -> None:
    response = httpx2.post(f"{web.base_url}/api/feedback", json={"topic": "price", "helped": False, "language": "nn"})

    conforms(described, "/api/feedback", response)
    assert response.status_code == 204
    (event,) = events(web, "chat-feedback")
    assert (event["subject"], event["actor"]) == ("price", "visitor")
    assert json.loads(event["facts"]) == {"helped": False, "language": "nn", "knowledge": web.parts.brain.knowledge.version}


def test_half_a_request_hurts_nobody(site: Served) -> None:
    host, _, port = site.base_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as half:
        half.sendall(b"POST /api/ask HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")

    assert httpx2.get(f"{site.base_url}/health").json() == {"status": "ok"}
