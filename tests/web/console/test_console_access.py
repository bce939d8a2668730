"""Who may do what: every route of the console, walked from the route table, as everybody and as nobody; forged posts; sessions."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import NamedTuple

import httpx2
import pytest
import pytest_asyncio
from fastapi.routing import APIRoute

from bot.store.accounts import ROLES
from bot.web.console import routes
from bot.web.login import digest_of
from tests.web.conftest import Served
from tests.web.console.desk import arrive, ask, mail

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOBODY = "nobody"  # pages of the log-in itself
# Every route, with the least role that it takes. A route that is not here fails the test: say who may use it.
ACCESS = {
    "GET /login": NOBODY,
    "POST /login": NOBODY,
    "GET /oidc/start": NOBODY,
    "GET /oidc/back": NOBODY,
    "GET /language/{tag}": NOBODY,
    "POST /logout": "reader",
    "GET ": "reader",
    "GET /counts": "reader",
    "GET /mail/{key:path}": "reader",
    "GET /mail/{key:path}/presence": "reader",
    "GET /mail/{key:path}/files/{number}": "reader",
    "POST /mail/{key:path}/files/{number}": "lead",
    "POST /mail/{key:path}/original": "lead",
    "POST /mail/{key:path}/reveal": "caseworker",
    "POST /mail/{key:path}/correct/{field}": "caseworker",
    "POST /mail/{key:path}/assign": "caseworker",
    "POST /mail/{key:path}/note": "caseworker",
    "POST /mail/{key:path}/done": "caseworker",
    "POST /mail/{key:path}/reopen": "caseworker",
    "POST /mail/{key:path}/reply": "caseworker",
    "POST /mail/{key:path}/send-on": "caseworker",
    "POST /mail/{key:path}/draft": "caseworker",
    "POST /mail/{key:path}/undo": "caseworker",
    "POST /mail/{key:path}/discard": "caseworker",
    "POST /mail/{key:path}/retry": "caseworker",
    "GET /cases": "reader",
    "GET /cases/{ref:path}": "reader",
    "POST /cases/{ref:path}/draft": "caseworker",
    "POST /cases/{ref:path}/undo": "caseworker",
    "GET /deletions": "reader",
    "GET /deletions/export.{form}": "caseworker",
    "POST /deletions/{number}/verdict": "caseworker",
    "GET /offers": "reader",
    "POST /offers/{number}/conclude": "caseworker",
    "GET /applications": "reader",
    "POST /applications/{number}/conclude": "caseworker",
    "GET /figures": "reader",
    "GET /health": "reader",
    "POST /health/pause": "lead",
    "POST /health/resume": "lead",
    "GET /knowledge": "reader",
    "GET /knowledge/unanswered": "reader",
    "GET /knowledge/try": "reader",
    "POST /knowledge/try": "reader",
    "GET /knowledge/new": "caseworker",
    "POST /knowledge/new": "caseworker",
    "GET /knowledge/topics/{topic_id}": "reader",
    "POST /knowledge/topics/{topic_id}": "caseworker",
    "GET /knowledge/changes": "reader",
    "GET /knowledge/changes/{number}": "reader",
    "POST /knowledge/changes/{number}/return": "caseworker",
    "POST /knowledge/learn": "caseworker",
    "GET /people": "lead",
    "POST /people/{name}/{deed}": "lead",
}
NO_ROLE, NO_TOKEN = "Your role does not give access", "The form could not be accepted"


class Somebody(NamedTuple):
    """Somebody who is logged in, without a browser: the session's token and the form's."""

    token: str
    csrf: str

    @property
    def headers(self) -> dict[str, str]:
        """What the browser would send."""
        return {"Cookie": f"console={self.token}; console_language=en"}


async def logged_in(served: Served, name: str, hours: float = 8) -> Somebody:
    """A session of an account."""
    token, csrf, now = secrets.token_urlsafe(16), secrets.token_urlsafe(16), served.parts.clock()
    await served.parts.store.write(
        lambda tx: tx.add_session(digest_of(token), name, csrf, now, now + timedelta(hours=hours))  # type: ignore[attr-defined]
    )
    return Somebody(token, csrf)


@pytest_asyncio.fixture(loop_scope="session")
async def client(desk: Served) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that follows nothing."""
    async with httpx2.AsyncClient(base_url=desk.base_url, timeout=60, follow_redirects=False) as opened:
        yield opened


def table(desk: Served) -> list[tuple[str, str]]:
    """(method, path) of every route of the console."""
    listed = [route for route in routes(desk.settings, desk.parts).routes if isinstance(route, APIRoute)]
    return [(method, route.path) for route in listed for method in sorted(route.methods)]


async def test_every_route_says_who_may_use_it(desk: Served) -> None:
    """A new route must be listed here, and nothing is listed that is no route."""
    assert {f"{method} {path}" for method, path in table(desk)} == set(ACCESS)


async def test_each_role_gets_what_it_may_and_no_more(desk: Served, client: httpx2.AsyncClient) -> None:
    """Nobody is led to the log-in; a role that is too low is refused as such; one that is high enough is not."""
    (key,) = await arrive(desk.parts, mail("Tilgang", "Hei, en e-post som ingen skal røre."))
    filled = {"{key:path}": key, "{ref:path}": "24/1187", "{number}": "999999", "{field}": "topic", "{tag}": "en", "{form}": "csv"}
    filled |= {"{topic_id}": "price", "{name}": "lead-2", "{deed}": "none"}
    people = {role: await logged_in(desk, "lead-2" if role == "lead" else role) for role in ROLES}
    wrong = []
    for method, path in table(desk):
        least, address = ACCESS[f"{method} {path}"], path
        for name, value in filled.items():
            address = address.replace(name, value.replace("/", "%2F"))
        if least == NOBODY or path in ("/logout", "/health/pause", "/health/resume"):
            continue
        bare = await client.request(method, f"/console{address}", data={"csrf": "x"} if method == "POST" else None)
        if not (bare.status_code == 401 or (bare.status_code == 303 and bare.headers["location"].startswith("/console/login"))):
            wrong.append(f"{method} {path} as nobody: {bare.status_code}")
        for role, somebody in people.items():
            form = {"csrf": somebody.csrf} if method == "POST" else None
            answer = await client.request(method, f"/console{address}", data=form, headers=somebody.headers)
            refused = answer.status_code == 403 and NO_ROLE in answer.text
            if refused != (ROLES.index(role) < ROLES.index(least)) or answer.status_code >= 500:
                wrong.append(f"{method} {path} as {role}: {answer.status_code}")
    assert not wrong, wrong


async def deeds(desk: Served) -> int:
    """How many entries of the audit log are the lead's."""
    return sum(event["actor"] == "lead" for event in await ask(desk.parts, lambda tx: tx.last_events(10_000)))


async def test_no_form_is_taken_without_its_own_token(desk: Served, client: httpx2.AsyncClient) -> None:
    """Without a token, with another session's, from another site, or as another kind of content: nothing is done (CSRF)."""
    (key,) = await arrive(desk.parts, mail("Skjema", "Hei, denne skal ingen forfalske et skjema for."))
    lead, other = await logged_in(desk, "lead"), await logged_in(desk, "lead-2")
    posts = [
        path.replace("{key:path}", key).replace("{ref:path}", "24%2F1187").replace("{number}", "1")
        for method, path in table(desk)
        if method == "POST"
    ]
    events = await deeds(desk)
    wrong = []
    for path in (path for path in posts if path != "/login"):
        address = path.replace("{field}", "topic").replace("{topic_id}", "price").replace("{name}", "reader").replace("{deed}", "disable")
        for what, form, headers in (
            ("no token", {"value": "price"}, {}),
            ("another's token", {"csrf": other.csrf}, {}),
            ("another site", {"csrf": lead.csrf}, {"Sec-Fetch-Site": "cross-site"}),
            ("the same site", {"csrf": lead.csrf}, {"Sec-Fetch-Site": "same-site"}),
        ):
            answer = await client.post(f"/console{address}", data=form, headers={**lead.headers, **headers})
            if answer.status_code != 403 or NO_TOKEN not in answer.text:
                wrong.append(f"{path} with {what}: {answer.status_code}")
        answer = await client.post(f"/console{address}", json={"csrf": lead.csrf}, headers=lead.headers)
        if answer.status_code != 415:
            wrong.append(f"{path} as JSON: {answer.status_code}")
    assert not wrong, wrong
    assert await deeds(desk) == events, "nothing was done"


async def test_a_session_ends(desk: Served, client: httpx2.AsyncClient) -> None:
    """When its time is over, when it idles, at log-out, and when the account is shut out; its cookie is worth nothing then."""
    parts = desk.parts

    async def comes_in(somebody: Somebody) -> bool:
        return (await client.get("/console/counts", headers=somebody.headers)).status_code == 200

    over = await logged_in(desk, "reader", hours=-0.01)
    assert not await comes_in(over)

    idle = await logged_in(desk, "reader")
    assert await comes_in(idle)
    long_ago = parts.clock() - timedelta(minutes=61)
    await parts.store.write(lambda tx: tx.touch_session(digest_of(idle.token), long_ago))  # type: ignore[attr-defined]
    assert not await comes_in(idle)

    left = await logged_in(desk, "reader")
    await client.post("/console/logout", data={"csrf": left.csrf}, headers=left.headers)
    assert not await comes_in(left)

    shut = await logged_in(desk, "reader")
    now = parts.clock()
    await parts.store.write(lambda tx: tx.set_disabled("reader", True, now, actor="test"))  # type: ignore[attr-defined]
    assert not await comes_in(shut)
    await parts.store.write(lambda tx: tx.set_disabled("reader", False, now, actor="test"))  # type: ignore[attr-defined]
    assert not await comes_in(shut), "letting in again brings no old session back"


async def test_a_role_counts_from_the_next_request(desk: Served, client: httpx2.AsyncClient) -> None:
    """A lead takes a role away, and not their own; the other one's next deed is refused."""
    lead, other = await logged_in(desk, "lead"), await logged_in(desk, "caseworker-2")
    assert (
        await client.post("/console/people/lead/role", data={"csrf": lead.csrf, "role": "reader"}, headers=lead.headers)
    ).status_code == 403
    for role, status in (("reader", 403), ("caseworker", 200)):
        done = await client.post("/console/people/caseworker-2/role", data={"csrf": lead.csrf, "role": role}, headers=lead.headers)
        assert done.status_code == 303
        assert (await client.get("/console/knowledge/new", headers=other.headers)).status_code == status
    wrong = await client.post("/console/people/caseworker-2/role", data={"csrf": lead.csrf, "role": "king"}, headers=lead.headers)
    assert wrong.status_code == 400


async def test_what_is_sent_is_bounded(desk: Served, client: httpx2.AsyncClient) -> None:
    """A form too large or of too many fields is refused, odd addresses and queries are no fault of the server."""
    lead = await logged_in(desk, "lead")
    large = await client.post("/console/knowledge/try", data={"csrf": lead.csrf, "question": "x" * 600_000}, headers=lead.headers)
    assert large.status_code == 413
    many = await client.post("/console/knowledge/try", data={"csrf": lead.csrf, **{f"f{n}": "1" for n in range(80)}}, headers=lead.headers)
    assert many.status_code == 400
    for address in (
        "?page=999999999999999999999", "?page=-1", "?show=%00", "?q=%22%20OR%20*%20NEAR(", "?q=%00%ff", "?category=x&assigned=%27--",
        "/cases?page=0", "/cases/..%2f..%2fetc%2fpasswd", "/cases/99%2F9999", "/mail/nothing", "/mail/%00", "/mail/x/files/-1",
        "/mail/x/files/999999999999999999999", "/knowledge/topics/..%2f..%2fx", "/knowledge/changes/0", "/deletions?view=x&page=9999",
        "/deletions/export.exe", "/figures?days=1e9", "/offers?state=%3Cscript%3E",
    ):  # fmt: skip
        answer = await client.get(f"/console{address}", headers=lead.headers)
        assert answer.status_code < 500, f"{address}: {answer.status_code}"
        assert "<script>" not in answer.text


async def test_headers_of_every_page(desk: Served, client: httpx2.AsyncClient) -> None:
    """A strict policy without inline anything, no frames, no sniffing, nothing kept by a cache."""
    reader = await logged_in(desk, "reader")
    for address in ("", "/login", "/cases", "/mail/nothing", "/nothing-at-all"):
        answer = await client.get(f"/console{address}", headers=reader.headers)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store" and answer.headers["referrer-policy"] == "same-origin"
        assert "style=" not in answer.text and "onclick" not in answer.text and "<script>" not in answer.text
