"""The floor that the service is measured against: the least that a careful program must do with each mail.

``python -m bench.floor backlog IMAP_PORT SMTP_PORT DATABASE COUNT`` fetches COUNT mails one by one, commits each to SQLite with
``synchronous=FULL`` and sends one mail for each by SMTP. ``… tuned`` fetches ``TUNED`` mails at once. ``… watch`` does the same for
whatever IDLE tells of in the service's own mailbox, so that the server wakes both at the same moment, until it is killed. It reads
nothing, decides nothing and shows nothing on the server.
"""

from __future__ import annotations

import smtplib
import sqlite3
import sys
from email.message import EmailMessage

from imapclient import IMAPClient

from tests.servers import PASSWORD, USER

FLOOR_USER = "floor@ssb.example"
TUNED = 64  # mails a FETCH


def mailbox(port: int, user: str) -> IMAPClient:
    """A mailbox, opened."""
    client = IMAPClient("127.0.0.1", port, ssl=False, timeout=60)
    client.login(user, PASSWORD)
    client.select_folder("INBOX")
    return client


def database(path: str) -> sqlite3.Connection:
    """A file in WAL mode that a commit has reached the disk of."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS mail(uid INTEGER PRIMARY KEY, content BLOB)")
    return connection


def reply(uid: int) -> EmailMessage:
    """What goes out for one mail."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = FLOOR_USER, f"person{uid}@uio.example", "Floor"
    mail["Message-ID"] = f"<{uid}@floor.example>"
    mail.set_content("Takk for e-posten. " * 40)
    return mail


def take(client: IMAPClient, connection: sqlite3.Connection, way_out: smtplib.SMTP, uids: list[int], at_once: int = 1) -> None:
    """Fetch, keep and answer, oldest first."""
    for start in range(0, len(uids), at_once):
        batch = uids[start : start + at_once]
        answer = client.fetch(batch, ["BODY.PEEK[]", "INTERNALDATE"])
        for uid in (uid for uid in batch if uid in answer):  # the service may have moved it away already
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT OR IGNORE INTO mail VALUES (?, ?)", (uid, answer[uid][b"BODY[]"]))
            connection.execute("COMMIT")
            way_out.send_message(reply(uid))


def main() -> None:
    """See the module."""
    what, imap_port, smtp_port, path = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    client, connection = mailbox(imap_port, USER if what == "watch" else FLOOR_USER), database(path)
    with smtplib.SMTP("127.0.0.1", smtp_port) as way_out:
        if what != "watch":
            take(client, connection, way_out, sorted(client.search("ALL"))[: int(sys.argv[5])], TUNED if what == "tuned" else 1)
            return
        highest = max(client.search("ALL"), default=0)
        print("watching", flush=True)
        while True:
            client.idle()
            client.idle_check(timeout=30)
            client.idle_done()
            uids = sorted(uid for uid in client.search(["UID", f"{highest + 1}:*"]) if uid > highest)
            take(client, connection, way_out, uids)
            highest = max([highest, *uids])


if __name__ == "__main__":
    main()
