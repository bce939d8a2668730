"""Who gets in: passwords, one-time codes, lock-out, cookies, where one goes on to; and people of a log-in server (OpenID Connect)."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pyotp
import pytest
from playwright.async_api import Browser, expect

from bot.config import Oidc, Settings, Web
from bot.web.login import Unfit, digest_of, inside, is_secure, new_account
from bot.web.oidc import NoEntry, account_of
from tests.web.conftest import Served, ServeWith
from tests.web.console.desk import PASSWORD, ask, hire, log_in
from tests.web.console.provider import CLIENT, SECRET, Provider, new_key

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        """It stands at a time that does not matter."""
        self.now = datetime(2026, 3, 2, 9, 0, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time."""
        return self.now


# ── local accounts ────────────────────────────────────────────────────────────────────────────────────────────


async def test_password_and_code_and_the_code_only_once(browser: Browser, web_server: ServeWith) -> None:
    """Both are needed; a code that was used does not work again; the code before the last is too old."""
    clock = Clock()
    with web_server(clock=clock) as served:
        account = new_account("per.dahl", "caseworker", PASSWORD)
        totp = pyotp.TOTP(account.totp)
        await served.parts.store.write(lambda tx: tx.add_account(account, clock(), actor="test"))  # type: ignore[attr-defined]
        page = await (await browser.new_context(locale="en-GB")).new_page()
        for password, code in (
            (PASSWORD, ""),
            ("wrong password 12", totp.at(clock())),
            (PASSWORD, totp.at(clock() - timedelta(seconds=90))),
        ):
            await log_in(page, served.base_url, "per.dahl", password, code)
            await expect(page.get_by_role("alert")).to_have_text("User name, password or one-time code is wrong.")
        code = totp.at(clock())
        await log_in(page, served.base_url, "Per.Dahl ", PASSWORD, f"{code[:3]} {code[3:]}")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Queue")
        await page.get_by_role("button", name="Log out").click()
        await log_in(page, served.base_url, "per.dahl", PASSWORD, code)
        await expect(page.get_by_role("alert")).to_be_visible()
        await page.context.close()


async def test_a_name_is_locked_and_an_unknown_one_too(browser: Browser, web_server: ServeWith) -> None:
    """Five failures lock for a quarter of an hour, even the right password; whether the name exists cannot be seen."""
    clock = Clock()
    with web_server(clock=clock) as served:
        await hire(served.parts, "caseworker")
        page = await (await browser.new_context(locale="en-GB")).new_page()
        for name in ("caseworker", "nobody.at.all"):
            told = []
            for _ in range(5):
                await log_in(page, served.base_url, name, "not the password")
                told.append(await page.get_by_role("alert").inner_text())
            assert told[0] == "User name, password or one-time code is wrong." and told[4].startswith("Too many failed attempts")
            await log_in(page, served.base_url, name)
            await expect(page.get_by_role("alert")).to_contain_text("Too many")
        clock.now += timedelta(minutes=16)
        await log_in(page, served.base_url)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Queue")
        kinds = [event["kind"] for event in await ask(served.parts, lambda tx: tx.last_events(50))]
        assert "log-in-locked" in kinds and "nobody.at.all" not in str(await ask(served.parts, lambda tx: tx.last_events(50)))
        await page.context.close()


async def test_the_session_is_new_at_every_log_in(browser: Browser, web: Served) -> None:
    """A cookie that was planted beforehand is worth nothing after the log-in, and the old session ends (session fixation)."""
    await hire(web.parts, "caseworker")
    visitor = await browser.new_context()
    planted = {"name": "console", "value": "planted-by-somebody", "url": web.base_url}
    await visitor.add_cookies([planted])  # type: ignore[list-item]
    page = await visitor.new_page()
    await log_in(page, web.base_url)
    first = {cookie["name"]: cookie for cookie in await visitor.cookies()}["console"]
    assert first["value"] != "planted-by-somebody" and first["httpOnly"] and first["sameSite"] == "Strict"
    now, idle = web.parts.clock(), timedelta(hours=1)
    assert await ask(web.parts, lambda tx: tx.session(digest_of("planted-by-somebody"), now, idle)) is None
    assert digest_of(first["value"]) != first["value"] and "console" not in await page.evaluate("() => document.cookie")
    await visitor.clear_cookies(name="console_form")
    await page.evaluate("() => fetch('/console/logout', {method: 'POST'})")  # without a token: nothing happens
    await page.goto(f"{web.base_url}/console/login")
    assert page.url.endswith("/console"), "who is logged in is led on"
    await visitor.close()


@pytest.mark.parametrize(
    ("target", "goes"),
    [
        ("/console/cases?q=x", "/console/cases?q=x"),
        ("https://evil.example/console", "/console"),
        ("//evil.example/console", "/console"),
        ("/console//evil.example", "/console//evil.example"),
        ("/consoleevil", "/console"),
        ("/\\evil.example", "/console"),
        ("/console\r\nSet-Cookie: a=b", "/console"),
        ("/console/login?next=/console/login", "/console"),
        ("javascript:alert(1)", "/console"),
        ("", "/console"),
    ],
)
async def test_one_goes_on_inside_the_console_alone(target: str, goes: str) -> None:
    """No address of another site, no header, no circle (open redirect, CWE-601)."""
    assert inside(target) == goes


async def test_one_comes_back_to_where_one_wanted(browser: Browser, web: Served) -> None:
    """A link from a mail leads to the log-in and on to its page; a link to elsewhere does not."""
    await hire(web.parts, "caseworker")
    page = await (await browser.new_context()).new_page()
    for wanted, end in (("/console/cases?q=24", "/console/cases?q=24"), ("/console/login?next=//evil.example", "/console")):
        await page.goto(web.base_url + wanted)
        assert "/console/login" in page.url
        await page.fill("#name", "caseworker")
        await page.fill("#password", PASSWORD)
        async with page.expect_navigation():
            await page.click("button.main")
        assert page.url == web.base_url + end
        await page.context.clear_cookies()
    await page.context.close()


async def test_cookies_are_secure_but_on_loopback() -> None:
    """Plain http is for the loopback interface; behind a proxy the public address decides."""

    def request(url: str) -> SimpleNamespace:
        scheme, _, host = url.partition("://")
        return SimpleNamespace(url=SimpleNamespace(scheme=scheme, hostname=host))

    def settings(public: str) -> Settings:
        return Settings(web=Web(public_url=public))

    assert not is_secure(request("http://127.0.0.1"), settings(""))  # type: ignore[arg-type]
    assert is_secure(request("http://10.0.0.5"), settings(""))  # type: ignore[arg-type]
    assert is_secure(request("http://127.0.0.1"), settings("https://mikrodata.example"))  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "password"), [("x", PASSWORD), ("per", "short"), ("per.dahl.lang", "per.dahl.lang1"), ("per", "x" * 201)])
async def test_accounts_that_nobody_may_have(name: str, password: str) -> None:
    """Too short, too long, or the name itself."""
    with pytest.raises(Unfit):
        new_account(name, "reader", password)


async def test_users_are_added_on_the_command_line(tmp_path: Path, browser: Browser, web: Served) -> None:
    """``bot user add`` reads the password from standard input, prints the second factor, and the person gets in."""
    config = tmp_path / "config.toml"
    config.write_text(f'[service]\ndata = "{web.settings.service.data}"\n', encoding="utf-8")
    command = [sys.executable, "-m", "bot", "user", "add", "siri", "--role", "lead", "--config", str(config)]
    done = subprocess.run(command, input=f"{PASSWORD}\n", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    secret = re.search(r"secret=([A-Z2-7]+)", done.stdout)
    assert secret is not None and PASSWORD not in done.stdout
    page = await (await browser.new_context(locale="en-GB")).new_page()
    await log_in(page, web.base_url, "siri", PASSWORD, pyotp.TOTP(secret[1]).now())
    await expect(page.locator(".who")).to_contain_text("siri (lead)")
    again = subprocess.run(command, input=f"{PASSWORD}\n", capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode != 0 and "is a user already" in again.stderr
    await page.context.close()


# ── OpenID Connect ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A log-in server."""
    with Provider() as opened:
        yield opened


def section(provider: Provider) -> dict[str, object]:
    """The configuration for it."""
    roles = {"bot-lead": "lead", "bot-reader": "reader"}
    return {"issuer": provider.issuer, "client_id": CLIENT, "client_secret": SECRET, "roles": roles}


async def test_people_of_the_log_in_server_come_in(browser: Browser, web_server: ServeWith, provider: Provider) -> None:
    """Through the provider to the page that was wanted, with the role it gives; the next time with another; its keys may change."""
    with web_server(oidc=section(provider)) as served:
        page = await (await browser.new_context(locale="en-GB")).new_page()
        await page.goto(f"{served.base_url}/console/health")
        await page.get_by_role("link", name="Log in with your work account").click()
        await expect(page.locator(".who")).to_contain_text("kari.lund@ssb.example (lead)")
        assert page.url == f"{served.base_url}/console/health"
        assert "s3cret" not in page.url and not provider.codes, "the code was used"
        await page.get_by_role("button", name="Log out").click()

        provider.person["roles"], provider.key = ["bot-reader", "unknown"], new_key()
        await page.get_by_role("link", name="Log in with your work account").click()
        await expect(page.locator(".who")).to_contain_text("kari.lund@ssb.example (reader)")
        account = await ask(served.parts, lambda tx: tx.account("kari.lund@ssb.example"))
        assert (account.password, account.oidc) == ("", f"{provider.issuer} u-1")
        await page.get_by_role("button", name="Log out").click()
        await log_in(page, served.base_url, "kari.lund@ssb.example", "any password at all")
        assert "/console/login" in page.url, "no password fits an account without one"
        await page.context.close()


FLAWS = (
    "forged",
    "unsigned",
    "shared-secret",
    "audience",
    "several",
    "issuer",
    "expired",
    "nonce",
    "state",
    "mixed-up",
    "denied",
    "discovery",
)


async def test_nobody_comes_in_by_a_flawed_answer(browser: Browser, web_server: ServeWith, provider: Provider) -> None:
    """Each way of lying is caught, and nobody has a session after it."""
    let_in = []
    with web_server(oidc=section(provider)) as served:
        page = await (await browser.new_context(locale="en-GB")).new_page()
        for flaw in sorted(FLAWS, key=lambda each: each != "discovery"):  # the discovery document is kept once it was right
            provider.flaw = flaw
            await page.goto(f"{served.base_url}/console/oidc/start")
            told = await page.get_by_role("alert").all_inner_texts()
            if told != ["The log-in service could not confirm who you are. Please try again."]:
                let_in.append(f"{flaw}: {page.url} {told}")
            if any(cookie["name"] == "console" for cookie in await page.context.cookies()):
                let_in.append(flaw)
        assert await ask(served.parts, lambda tx: tx.accounts()) == []
        await page.context.close()
    assert not let_in, let_in


async def test_who_has_no_role_or_anothers_name_stays_outside(browser: Browser, web_server: ServeWith, provider: Provider) -> None:
    """Proven and yet refused: no role, a local account of that name, another subject, shut out; each is told why."""
    with web_server(oidc=section(provider)) as served:
        await hire(served.parts, "lead")
        page = await (await browser.new_context(locale="en-GB")).new_page()

        async def told(**person: object) -> str:
            provider.person = {"sub": "u-1", "preferred_username": "kari", "roles": ["bot-lead"], **person}
            await page.context.clear_cookies()
            await page.goto(f"{served.base_url}/console/oidc/start")
            await page.wait_for_url(re.compile(r"/console(/login.*)?$"))
            return " ".join(await page.get_by_role("alert").all_inner_texts())

        assert "no role" in await told(roles=["something-else"])
        assert "belongs to another account" in await told(preferred_username="lead")
        assert await told() == ""
        assert "belongs to another account" in await told(sub="u-2")
        now = served.parts.clock()
        await served.parts.store.write(lambda tx: tx.set_disabled("kari", True, now, actor="test"))  # type: ignore[attr-defined]
        assert "no role" in await told()
        await page.context.close()


async def test_a_name_comes_only_from_what_is_proven() -> None:
    """An unverified e-mail address is no name; the highest of several roles counts; a claim of another shape gives none."""
    settings = Oidc(issuer="https://login.example", roles={"a": "reader", "b": "caseworker"})
    claims = {"iss": "https://login.example", "sub": "1", "email": "kari@ssb.example", "roles": ["a", "b", 7]}
    assert (account_of(claims, settings).name, account_of(claims, settings).role) == ("kari@ssb.example", "caseworker")
    for wrong in ({"email_verified": False}, {"roles": {"a": 1}}, {"roles": None}, {"email": "x y"}):
        with pytest.raises(NoEntry):
            account_of({**claims, **wrong}, settings)
