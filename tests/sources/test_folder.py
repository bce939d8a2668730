"""Files, folders of files, mbox and Maildir as mails that arrive now."""

from __future__ import annotations

import asyncio
import hashlib
import mailbox
from pathlib import Path

import pytest

from bot.model import Raw
from bot.sources.folder import Folder, Unreadable, read
from tests.contracts import NOW, SourceContract, plain


def box(path: Path, *mails: bytes) -> Path:
    """An mbox as mail programs write it."""
    made = mailbox.mbox(path)
    for mail in mails:
        made.add(mail)
    made.close()
    return path


def maildir(path: Path, *mails: bytes) -> Path:
    """A Maildir with the first mail read and the others new."""
    made = mailbox.Maildir(path)
    for number, mail in enumerate(mails):
        message = mailbox.MaildirMessage(mail)
        if number == 0:
            message.set_subdir("cur")
            message.set_flags("S")
        made.add(message)
    return path


class TestFolder(SourceContract):
    """The contract, over a Maildir."""

    ENDS = True

    @pytest.fixture(autouse=True)
    def far_end(self, tmp_path: Path) -> None:
        self.path = tmp_path / "Maildir"

    async def give(self, *mails: bytes) -> None:
        await asyncio.to_thread(maildir, self.path, *mails)

    def open_source(self) -> Folder:
        return Folder([self.path], lambda: NOW)


async def test_the_source_ends_when_all_is_offered(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(plain(1))
    got: list[Raw] = []

    async def receive(raw: Raw) -> bool:
        got.append(raw)
        return True

    await Folder([tmp_path / "a.eml"], lambda: NOW).run(receive)
    assert got == [Raw("sha256:" + hashlib.sha256(plain(1)).hexdigest(), plain(1), NOW, "folder")]


def test_an_eml_file_is_one_mail_whatever_it_begins_with(tmp_path: Path) -> None:
    """An .eml that begins with an mbox line is no mbox; its bytes are kept as they are."""
    content = b"From kari Mon Mar  2 09:15:00 2026\n" + plain(1)
    (tmp_path / "a.eml").write_bytes(content)
    assert list(read([tmp_path / "a.eml"])) == [(str(tmp_path / "a.eml"), content)]


def test_an_mbox_is_counted_from_one(tmp_path: Path) -> None:
    path = box(tmp_path / "box", plain(1, "Hei\n\nFrom oss alle"), plain(2), plain(3))
    names = [name for name, _ in read([path])]
    assert names == [f"{path}#1", f"{path}#2", f"{path}#3"]
    assert [b"nummer %d" % (number + 1) in content for number, (_, content) in enumerate(read([path]))] == [True] * 3


def test_a_maildir_is_read_with_its_new_and_read_mails(tmp_path: Path) -> None:
    path = maildir(tmp_path / "Maildir", plain(1), plain(2), plain(3))
    (path / "tmp" / "half").write_bytes(b"half a mail")  # under delivery: not there yet
    assert len(list(read([path]))) == 3


def test_a_folder_of_eml_files_is_read_in_order(tmp_path: Path) -> None:
    for number in (3, 1, 2):
        (tmp_path / f"{number}.eml").write_bytes(plain(number))
    (tmp_path / "labels.jsonl").write_text("{}")
    assert [Path(name).name for name, _ in read([tmp_path])] == ["1.eml", "2.eml", "3.eml"]


def test_several_paths_of_several_kinds(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(plain(1))
    paths = [tmp_path / "a.eml", box(tmp_path / "box", plain(2)), maildir(tmp_path / "Maildir", plain(3))]
    assert len(list(read(paths))) == 3


def test_an_empty_file_is_an_empty_mail(tmp_path: Path) -> None:
    (tmp_path / "empty.eml").write_bytes(b"")
    assert list(read([tmp_path / "empty.eml"])) == [(str(tmp_path / "empty.eml"), b"")]


@pytest.mark.parametrize(
    ("name", "says"),
    [("missing.eml", "does not exist; give .eml files, an mbox or a Maildir"), ("empty", "holds no .eml files and is no Maildir")],
)
def test_a_wrong_path_ends_before_the_first_mail(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.eml").write_bytes(plain(1))
    with pytest.raises(Unreadable) as refused:
        read([tmp_path / "a.eml", tmp_path / name])
    assert str(refused.value) == f"{tmp_path / name} {says}"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A link that leads in a circle, which not even root can open."""
    (tmp_path / "Maildir" / "new").mkdir(parents=True)
    (tmp_path / "a.eml").symlink_to(tmp_path / "a.eml")
    with pytest.raises(Unreadable, match=r"a\.eml"):
        read([tmp_path / "a.eml"])
