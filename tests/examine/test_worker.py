"""The worker process: killed and restarted, so that a bomb or an endless file costs nothing but a note. R30."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from bot.examine import LARGEST, PER_MAIL, Examiner, from_json
from bot.model import Address, Attachment, ExaminedAttachment, Message
from tests.documents import pdf
from tests.examine.files import endless_pdf, swelling_pdf

GOOD = Attachment("tilbud.pdf", "application/pdf", pdf("Tilbud 26/1234"))


def attached(*files: Attachment) -> Message:
    """A mail with files."""
    return Message("<1@uni.example>", Address("Kari", "kari@uni.example"), "Søknad", "Hei", "Hei", attachments=files)


def named(name: str, content: bytes) -> Attachment:
    """A file."""
    return Attachment(name, "application/octet-stream", content)


@pytest.fixture
def examiner() -> Iterator[Examiner]:
    made = Examiner(memory_mb=1024)
    yield made
    made.close()


def read(examiner: Examiner, *files: Attachment) -> tuple[ExaminedAttachment, ...]:
    """What is found, in order."""
    return examiner.examine_now(attached(*files)).attachments


def is_good(found: ExaminedAttachment) -> bool:
    """The ordinary file was read."""
    return found.kind == "pdf" and "26/1234" in found.text and found.flags == ()


def test_files_are_read_in_order_by_one_worker(examiner: Examiner) -> None:
    found = read(examiner, GOOD, named("a.txt", b"Hei"), GOOD)
    assert [each.kind for each in found] == ["pdf", "txt", "pdf"]
    assert is_good(found[0]) and is_good(found[2])
    assert examiner._process is not None
    before = examiner._process.pid
    read(examiner, GOOD)
    assert examiner._process.pid == before


def test_r30_an_endless_pdf_is_cut_off_and_the_next_file_is_read() -> None:
    """R30: a file that would take a minute gets its seconds, and a note."""
    examiner = Examiner(seconds=3)
    try:
        endless, good = read(examiner, named("x.pdf", endless_pdf()), GOOD)
        assert endless.flags == ("timeout",)
        assert "more than 3 seconds" in endless.note
        assert is_good(good)
    finally:
        examiner.close()


def test_r30_a_pdf_that_swells_is_stopped_and_the_next_file_is_read() -> None:
    """R30: seven kilobytes that unpack to four gigabytes."""
    examiner = Examiner(memory_mb=768)
    try:
        swelling, good = read(examiner, named("x.pdf", swelling_pdf()), GOOD)
        assert set(swelling.flags) & {"bomb", "unreadable", "timeout"}
        assert swelling.text == ""
        assert is_good(good)
    finally:
        examiner.close()


def test_r30_the_time_of_one_mail_is_bounded() -> None:
    """R30: two hundred endless files cost no more than one."""
    examiner = Examiner(seconds=3, seconds_per_mail=0)
    try:
        found = read(examiner, *[named("x.pdf", endless_pdf())] * 5)
        assert {each.flags for each in found} == {("timeout",)}
        assert {each.note for each in found} == {"the time for this mail is over"}
    finally:
        examiner.close()


def test_a_killed_worker_is_replaced_without_loss(examiner: Examiner) -> None:
    assert is_good(read(examiner, GOOD)[0])
    assert examiner._process is not None
    os.kill(examiner._process.pid, signal.SIGKILL)
    assert is_good(read(examiner, GOOD)[0])


def test_a_large_file_is_listed_and_not_opened(examiner: Examiner) -> None:
    large, data = read(examiner, named("x.pdf", bytes(LARGEST + 1)), named("utvalg.sav", bytes(LARGEST + 1)))
    assert large.flags == ("unreadable",) and large.size == LARGEST + 1
    assert data.flags == ("data-file", "unreadable")
    assert examiner._process is None


def test_too_many_files_are_listed_and_not_opened(examiner: Examiner) -> None:
    found = read(examiner, *[named("a.txt", b"x")] * PER_MAIL, named("b.exe", b"x"))
    assert len(found) == PER_MAIL + 1
    assert found[-1].flags == ("executable", "unreadable")
    assert found[0].flags == ()


@pytest.mark.parametrize(
    "answer",
    [
        {"signatures": [{"unheard": 1}]},
        {"signatures": [{"signed_at": "no date"}]},
        {"signatures": 7},
        {"members": 7},
        [],
    ],
)
def test_a_worker_that_answers_nonsense_is_not_believed(answer: object) -> None:
    """It has read hostile bytes; whatever it says is checked, and what fails is caught where a broken worker is."""
    with pytest.raises((TypeError, ValueError, AttributeError, KeyError)):
        from_json(GOOD, answer)  # type: ignore[arg-type]


def test_an_answer_is_bounded_and_unicode() -> None:
    found = from_json(GOOD, {"kind": "pdf", "text": "\ud800\0\x1b" + "x" * 900_000, "members": ["a"] * 5000, "note": "y" * 5000})
    found.text.encode("utf-8")
    assert found.text.startswith("?xx")
    assert len(found.text) <= 200_000 and len(found.members) == 1000 and len(found.note) == 500


def test_no_settings_reach_the_worker(monkeypatch: pytest.MonkeyPatch, examiner: Examiner) -> None:
    """Passwords may stand in the environment; what reads hostile bytes has none of it."""
    monkeypatch.setenv("BOT_IMAP__PASSWORD", "hemmelig")
    read(examiner, GOOD)
    assert examiner._process is not None
    with open(f"/proc/{examiner._process.pid}/environ", "rb") as environment:
        assert b"hemmelig" not in environment.read()
