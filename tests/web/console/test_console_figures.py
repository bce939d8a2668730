"""Figures and operation: what is drawn is what the tables say, what is counted is what came in, and the switch holds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.async_api import expect

from bot.pipeline import deliver_waiting
from bot.web.desk.charts import bars, every_few, interval, nice_step
from bot.web.desk.figures import by_day, midnight, totals, waits
from tests.web.conftest import Served
from tests.web.console.conftest import Enter
from tests.web.console.desk import arrive, ask, mail, surely_asked

pytestmark = pytest.mark.asyncio(loop_scope="session")


# ── pure ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_day_is_a_day_in_oslo() -> None:
    """An evening mail counts on its local day, over the change to winter time too; days without mail are there."""
    now = datetime(2026, 10, 26, 12, tzinfo=UTC)
    since = midnight(now, 2)
    assert since == datetime(2026, 10, 23, 22, tzinfo=UTC)
    daily = dict(by_day([("2026-10-23T22", "faq", 1), ("2026-10-25T22", "faq", 2), ("2026-10-25T23", "auto", 4)], since, now))
    assert daily == {date(2026, 10, 24): {"faq": 1}, date(2026, 10, 25): {"faq": 2}, date(2026, 10, 26): {"auto": 4}}


async def test_bars_stand_on_each_other_and_end_at_their_sum() -> None:
    """Heights are in proportion, nothing overlaps, the grid ends above the highest bar."""
    chart = bars([("a", {"x": 3, "y": 1}), ("", {}), ("b", {"y": 8})], ("x", "y"))
    lower, upper, other = chart.boxes
    assert lower.y == pytest.approx(upper.y + upper.height, abs=0.2)
    assert other.height == pytest.approx(2 * (lower.height + upper.height), abs=0.4)
    assert chart.floor == pytest.approx(lower.y + lower.height, abs=0.2)
    assert int(chart.grid[-1].text) >= 8 and [name.text for name in chart.names] == ["a", "b"]
    assert bars([], ("x",)).boxes == ()
    assert [nice_step(value) for value in (0, 3, 9, 41, 430, 2000)] == [1, 1, 5, 20, 200, 500]


async def test_interval_puts_limits_and_figures_on_one_scale() -> None:
    """The bound lies left of the point, both on the drawing, also where nothing was measured."""
    chart = interval(0.951, 0.99, (0.99, 0.95))
    assert 0 < chart.low < chart.point < chart.end < chart.width
    assert chart.limits[0].x == pytest.approx(chart.point)
    assert interval(0.0, 0.0, (0.99, 0.95)).low >= 0


async def test_shares_and_waits() -> None:
    """The share is of questions; a class of waiting begins where the one before ends; nothing divides by nothing."""
    met = {"faq": {"mails": 8, "answer": 6}, "auto": {"mails": 3, "answer": 0}, "case": {"mails": 2, "answer": 0}}
    assert totals(met)["share"] == 0.75 and totals(met)["people"] == 10
    assert totals({})["share"] is None
    rows = {row["name"]: row["person"] for row in waits({"answer": [], "person": [0.5, 1.0, 30.0, 400.0]})}
    assert rows == {"hour": 1, "day_": 1, "three_days": 1, "week": 0, "longer": 1}
    assert every_few([date(2026, 1, 1) + timedelta(days=n) for n in range(3)]) == {date(2026, 1, n) for n in (1, 2, 3)}


# ── in the browser ────────────────────────────────────────────────────────────────────────────────────────────


async def test_figures_count_what_came_in(enter: Enter, desk: Served) -> None:
    """One more question is one more in tile, table and chart; the precision is told with its bound and n."""
    page = await enter("reader")

    async def shown() -> tuple[int, int]:
        await page.goto(f"{desk.base_url}/console/figures?days=7")
        tile = int(await page.locator(".tile strong").first.inner_text())
        await page.locator("section", has_text="E-post per dag").locator("summary").click()
        cells = await page.locator("section", has_text="E-post per dag").locator("tbody td").all_inner_texts()
        return tile, sum(int(cell) for cell in cells)

    before = await shown()
    await arrive(desk.parts, mail("Hvor lang tid?", "Hei, hvor lang tid tar det å få svar på en søknad om mikrodata?"))
    after = await shown()
    assert before[0] == before[1] and after == (before[0] + 1, before[1] + 1)

    assurance = desk.parts.brain.model.assurance
    section = page.locator("section", has_text="Målt treffsikkerhet")
    await expect(section).to_contain_text(str(assurance.n))
    await expect(section).to_contain_text(f"{assurance.precision * 100:.1f}".replace(".", ","))
    assert await page.locator("svg.chart").count() == 3
    assert await page.locator("svg.chart:not([role=img])").count() == 0


async def test_only_a_lead_holds_the_mail_and_it_is_held(enter: Enter, desk: Served) -> None:
    """Pause in the console holds an answer that is due, everywhere says so, and is in the audit log with a name."""
    reader = await enter("reader")
    await reader.goto(f"{desk.base_url}/console/health")
    assert await reader.get_by_role("button", name="Sett på pause").count() == 0

    lead = await enter("lead")
    await lead.goto(f"{desk.base_url}/console/health")
    await lead.get_by_role("button", name="Sett på pause").click()
    try:
        await expect(lead.locator(".paused")).to_be_visible()
        (key,) = await arrive(desk.parts, mail("Signere", surely_asked(desk.parts.brain.model), "Ola Bø <ola.bo@uib.example>"))
        while await deliver_waiting(desk.parts):
            pass
        answer = next(row for row in await ask(desk.parts, lambda tx: tx.outgoing_of(key)) if row["kind"] == "answer")
        assert answer["state"] == "waiting"
        await reader.goto(f"{desk.base_url}/console")
        await expect(reader.locator(".paused")).to_contain_text("pause")
    finally:
        await lead.get_by_role("button", name="Slipp fram").click()
    await expect(lead.locator(".paused")).to_have_count(0)
    while await deliver_waiting(desk.parts):
        pass
    assert {row["state"] for row in await ask(desk.parts, lambda tx: tx.outgoing_of(key)) if row["kind"] == "answer"} == {"sent"}
    events = await ask(desk.parts, lambda tx: tx.last_events(2, ("paused", "resumed")))
    assert [(event["kind"], event["actor"]) for event in events] == [("resumed", "lead"), ("paused", "lead")]


async def test_health_tells_alarms_ledger_and_what_was_given_up(enter: Enter, desk: Served) -> None:
    """A mail that could not be sent is an alarm in words and a row in the outbox; the ledger's equation is shown."""
    now = desk.parts.clock()
    facts = {"on_server": 412, "handled": 410, "quarantined": 2, "gaps": [], "moved": 17, "gone": 3}
    (key,) = await arrive(desk.parts, mail("Frist", "Hei, når må vi senest slette dataene vi har fått?"))

    def work(tx: object) -> None:
        tx.event("reconciled", "INBOX", facts, now)  # type: ignore[attr-defined]
        tx.db.conn.execute("UPDATE outbox SET state = 'gave-up', detail = '550 5.1.1' WHERE mail_key = ?", (key,))  # type: ignore[attr-defined]

    await desk.parts.store.write(work)
    page = await enter("reader", locale="en-GB")
    await page.goto(f"{desk.base_url}/console/health")
    await expect(page.locator(".alarm-card")).to_contain_text("Mail of ours was not delivered")
    await expect(page.locator("tr.over", has_text="550 5.1.1").first).to_be_visible()
    ledger = page.locator("section", has=page.get_by_role("heading", name="Server against ledger"))
    await expect(ledger).to_contain_text("412")
    await expect(ledger).to_contain_text("Even")
    await desk.parts.store.write(lambda tx: tx.db.conn.execute("UPDATE outbox SET state = 'discarded' WHERE mail_key = ?", (key,)))  # type: ignore[attr-defined]
