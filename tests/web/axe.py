"""axe-core on a page in the browser: what would keep somebody out, as sentences.

``await assert_accessible(page)`` after each state worth looking at. All of axe's rules for WCAG 2.1 A and AA and its best practices
run, in the frames of our own too; what axe could not decide about contrast counts as well, for an honest page leaves it no doubt.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.async_api import Frame, Page

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice")
DOUBTS = ("color-contrast",)
RUN = """async ([tags, doubts, out]) => {
  const found = await axe.run(out ? { exclude: [[out]] } : document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations", "incomplete"] });
  return [...found.violations, ...found.incomplete.filter((rule) => doubts.includes(rule.id))]
    .map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`) }));
}"""


async def violations(page: Page | Frame, leave_out: str = "") -> list[str]:
    """One sentence for each rule that a page or frame breaks, with the first elements that break it.

    ``leave_out``: a selector of what axe cannot judge (it doubts the contrast of every text in a drawing); judge it otherwise.
    """
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = await page.evaluate(RUN, [list(TAGS), list(DOUBTS), leave_out])
    return [f"{rule['id']}: {rule['help']}: {' · '.join(rule['nodes'][:3])}" for rule in found]


async def assert_accessible(page: Page | Frame) -> None:
    """Fail with what axe finds."""
    found = await violations(page)
    assert not found, f"{page.url}\n" + "\n".join(found)
