"""Changes of the knowledge base: tried behind the gate of ``bot.learning``, then live, each with a way back.

A trial learns a whole model, which takes a minute; it runs beside the service, one at a time, and its outcome is in the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from bot.knowledge import KnowledgeError, topic_file
from bot.learning import NAME, Changes, Trial, attempt, current, publish
from bot.model import Assurance
from bot.pipeline import Brain
from bot.understanding import LearningFailed
from bot.web.desk.page import Console

T = TypeVar("T")

LESSONS = f"learned/{NAME}"
LEARNED = "corrections_learned"  # flag: the number of the last correction that was tried
FAULTS = 20  # shown of a trial


class Editor:
    """The one who changes the knowledge of a running service."""

    def __init__(self, console: Console) -> None:
        """Works in the service's own folder, over the built-in knowledge and the operator's."""
        folder = console.settings.knowledge.folder
        self._console, self.data, self.own = console, console.settings.service.data, Path(folder) if folder else None
        self._trial: asyncio.Task[None] | None = None

    async def edit(self, topic_id: str, text: str | None, actor: str) -> int | None:
        """Try another text of an entry (None: the built-in one again). The change's number, or None while another is tried."""
        name = topic_file(topic_id)
        return await self._begin("topic", topic_id, {name: text}, current(name, self.data), text, actor, {})

    async def learn(self, actor: str) -> int | None:
        """Try what corrections teach that were not tried before; None also where there are none."""
        after = int(await self._console.read(lambda tx: tx.get_flag(LEARNED)) or 0)
        lines = await self._console.read(lambda tx: tx.new_corrections(after))
        if not lines:
            return None
        before = current(LESSONS, self.data) or ""
        facts = {"lessons": len(lines), "lines": len(before.splitlines()), "upto": lines[-1][0]}
        changes: Changes = {LESSONS: before + "".join(f"{line}\n" for _, line in lines)}
        return await self._begin("corrections", "", changes, None, None, actor, facts)

    async def go_back(self, change: dict[str, Any], actor: str) -> int | None:
        """Take a change back that went live: the entry gets the text that it had before, lessons go."""
        facts = {"returns": change["number"]}
        if change["kind"] == "topic":
            name = topic_file(change["subject"])
            was = current(name, self.data)
            return await self._begin("topic", change["subject"], {name: change["was"]}, was, change["was"], actor, facts)
        kept = (current(LESSONS, self.data) or "").splitlines(keepends=True)[: change["told"]["lines"]]
        changes: Changes = {LESSONS: "".join(kept) or None}
        return await self._begin("corrections", "", changes, None, None, actor, facts)

    async def forget_lost(self) -> None:
        """Mark trials as failed whose program ended before they did."""
        if self._trial is None or self._trial.done():
            now = self._console.parts.clock()
            await self._console.write(lambda tx: tx.abandon_changes(now))

    async def _begin(
        self, kind: str, subject: str, changes: Changes, was: str | None, became: str | None, actor: str, facts: dict[str, Any]
    ) -> int | None:
        await self.forget_lost()
        now = self._console.parts.clock()
        number: int | None = await self._console.write(lambda tx: tx.begin_change(kind, subject, was, became, now, actor=actor))
        if number is not None:
            self._trial = asyncio.create_task(self._try(number, changes, facts))
        return number

    async def _try(self, number: int, changes: Changes, facts: dict[str, Any]) -> None:
        parts = self._console.parts
        try:
            trial = await beside(partial(attempt, changes, self.data, parts.brain.model, parts.learn, self.own))
        except (KnowledgeError, LearningFailed, OSError) as error:
            parts.journal.trouble("knowledge", "trial", error)
            return await self._settle(number, "failed", facts)
        except Exception as error:  # a trial must never stay "trying"
            parts.journal.trouble("knowledge", "trial", error)
            await self._settle(number, "failed", facts)
            raise
        told = {**facts, **_figures(trial)}
        if not trial.passed and "returns" not in facts:
            return await self._settle(number, "refused", told)
        published = await asyncio.to_thread(publish, changes, self.data, self.own)
        parts.brain = Brain(published, replace(trial.model, knowledge=published))
        parts.reload_wanted.set()  # the second process learns of it by a reload; until then it is not asked
        await self._settle(number, "live", told)

    async def _settle(self, number: int, state: str, told: dict[str, Any]) -> None:
        now = self._console.parts.clock()

        def work(tx: Any) -> None:
            tx.settle_change(number, state, told, now)
            if "upto" in told:
                tx.set_flag(LEARNED, str(told["upto"]), now)
            if state == "live" and "returns" in told:
                back = tx.change(told["returns"])
                tx.settle_change(back["number"], "returned", back["told"], now)

        await self._console.write(work)


async def beside(work: Callable[[], T]) -> T:
    """Run something that takes minutes in a thread that the end of the program does not wait for."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(cast(T, result))

    def run() -> None:
        result, failed = None, None
        try:
            result = work()
        except Exception as error:
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=run, name="trial", daemon=True).start()
    return await future


def _figures(trial: Trial) -> dict[str, Any]:
    return {
        "before": _assurance(trial.before),
        "after": _assurance(trial.model.assurance),
        "faults": [str(fault) for fault in trial.faults[:FAULTS]],
        "advice": [str(fault) for fault in trial.advice[:FAULTS]],
        "worse": trial.worse,
    }


def _assurance(value: Assurance) -> dict[str, Any]:
    return {"n": value.n, "precision": value.precision, "coverage": value.coverage, "version": value.version}


__all__ = ["Editor"]
