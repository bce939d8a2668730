"""The Maildir as way out."""

from __future__ import annotations

import mailbox
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bot.model import Result
from bot.senders.folder import MaildirSender
from tests.contracts import SenderContract, outgoing


class TestMaildir(SenderContract):
    """The contract; a file in the way blocks the folder."""

    folder: Path

    @pytest.fixture
    def sender(self, tmp_path: Path) -> MaildirSender:
        """One on a folder that is not there yet."""
        self.folder = tmp_path / "data" / "outgoing"
        return MaildirSender(self.folder)

    async def arrived(self) -> list[tuple[str, str, bytes]]:
        """Envelope and bytes from the files."""
        mails = []
        for path in sorted((self.folder / "new").iterdir()):
            returned, delivered, content = path.read_bytes().split(b"\r\n", 2)
            sender = returned.decode().removeprefix("Return-Path: <").removesuffix(">")
            mails.append((sender, delivered.decode().removeprefix("Delivered-To: "), content))
        return mails

    async def block(self) -> None:
        """A file where the folder belongs."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder.write_text("in the way")

    async def unblock(self) -> None:
        """Take it away."""
        self.folder.unlink()


async def test_a_mail_program_reads_the_folder(tmp_path: Path) -> None:
    sender = MaildirSender(tmp_path / "out")
    for number in range(3):
        await sender.send(replace(outgoing(number), content=b"Subject: nr %d\r\n\r\ntekst\r\n" % number))
    assert sorted(mail["Subject"] for mail in mailbox.Maildir(tmp_path / "out", create=False)) == ["nr 0", "nr 1", "nr 2"]


async def test_a_repeat_after_a_crash_takes_the_same_file(tmp_path: Path) -> None:
    """R34: the same Message-ID never becomes two mails."""
    for _ in range(2):
        assert (await MaildirSender(tmp_path).send(outgoing(1))).result is Result.SENT
    assert len(list((tmp_path / "new").iterdir())) == 1
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("message_id", ["<../../etc/passwd@x>", "<a/b@x>", "<" + "a" * 500 + "@x>", "<\x00@x>"])
async def test_a_message_id_is_no_path(tmp_path: Path, message_id: str) -> None:
    await MaildirSender(tmp_path / "out").send(replace(outgoing(1), message_id=message_id))
    assert len(list((tmp_path / "out" / "new").iterdir())) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
