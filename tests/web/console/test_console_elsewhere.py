"""Mail that belongs elsewhere: the console suggests the service and sends the mail on with one click."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.web.conftest import running, web_settings
from tests.web.console.conftest import Enter
from tests.web.console.desk import arrive, ask, hire, mail, path_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOGIN = "Hei, jeg får ikke logget inn på microdata.no. Skriptet mitt gir feilmelding når jeg kjører recode."
SERVICES = {"information": "informasjon@ssb.example", "microdata.no": "microdata@ssb.example"}


async def test_one_click_sends_it_on_and_tells_the_sender(enter: Enter, tmp_path: Path) -> None:
    with running(web_settings(tmp_path, routing={"misdirected": SERVICES})) as served:
        await hire(served.parts, "caseworker")
        (key,) = await arrive(served.parts, mail("Innlogging", LOGIN, "Nora <nora@sintef.example>"))
        page = await enter(served=served)
        await page.goto(served.base_url + path_of(key))
        await expect(page.get_by_label("Hører til et annet sted")).to_have_value("microdata.no")
        await page.get_by_role("button", name="Send videre og si fra til avsenderen").click()

        await expect(page.get_by_role("status").first).to_have_text("E-posten er sendt videre, og avsenderen får vite hvor.")
        await expect(page.get_by_role("button", name="Send videre og si fra til avsenderen")).to_have_count(0)
        row = await ask(served.parts, lambda tx: tx.desk_mail(key))
        sent = {(each["kind"], each["recipient"]) for each in await ask(served.parts, lambda tx: tx.outgoing_of(key))}
        assert row["done_by"] == "caseworker"
        assert {("forward", "microdata@ssb.example"), ("person", "nora@sintef.example")} <= sent
