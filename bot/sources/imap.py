"""The mailbox: IDLE renewed within ten minutes, a reconciling poll beneath it, and a mirror of the decisions.

Two connections, each on a thread of its own (IMAPClient is not thread-safe): one watches and fetches, one shows decisions.
Acknowledging means nothing on the server: what is known stands in the store under (folder, UIDVALIDITY, UID), RFC 3501
§ 2.3.1.1. ``\\Seen`` is never read and never set (BODY.PEEK). No CONDSTORE, no QRESYNC: Exchange Online has neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError

from bot.model import Raw
from bot.sources import Census, Ledger, Receive

BACKOFF = (0.5, 1, 2, 5, 10, 30, 60)  # seconds between attempts to connect
LOGIN_BACKOFF = 60  # a refused password is not mended by asking more often, and may lock the account
BATCH_MAILS = 64
BATCH_BYTES = 8 * 1024 * 1024  # what one FETCH may bring into memory, beyond a single larger mail
SIZE_BATCH = 500  # mails whose sizes are asked for at once
CONNECT_SECONDS = 20
LEAVE_SECONDS = 10  # how long a stop waits for the server; what it has not given yet stays there
EMPTY_READS = 5  # so often a socket may be readable and say nothing (parts of a TLS record) before it counts as closed
IN_VAIN = 3  # searches in a row that a server may call for by telling of mails that are not there, before we wait nevertheless
KEYWORD = "$Bot_"  # IMAP keyword of a decision where MOVE is off

Trouble = (IMAPClientError, OSError, ssl.SSLError, ValueError)


@dataclass(frozen=True, slots=True)
class Account:
    """Where the mailbox is and how to get in. ``token`` yields an OAuth2 access token; given True it must fetch a new one."""

    host: str
    port: int
    security: str
    username: str
    password: str = ""
    token: Callable[[bool], str] | None = None
    folder: str = "INBOX"
    ca_file: str = ""
    timeout: float = 60

    def connect(self) -> IMAPClient:
        """Connect, secure and log in. Errors: ``OSError``, ``ssl.SSLError``, ``IMAPClientError``; ``LoginError`` when refused."""
        context = ssl.create_default_context(cafile=self.ca_file or None) if self.security != "none" else None
        client = IMAPClient(
            self.host,
            self.port,
            ssl=self.security == "tls",
            ssl_context=context if self.security == "tls" else None,
            timeout=SocketTimeout(connect=min(CONNECT_SECONDS, self.timeout), read=self.timeout),
        )
        try:
            if self.security == "starttls":
                client.starttls(context)  # raises when the server does not offer it: nothing is sent in clear
            self._log_in(client)
        except BaseException:
            with contextlib.suppress(Exception):
                client.shutdown()
            raise
        client.normalise_times = False
        return client

    def survey(self) -> Survey | None:
        """What the server can do, asked once; None when the folder cannot be opened. Errors: as ``connect``."""
        client = self.connect()
        try:
            answer = client.select_folder(self.folder)  # EXAMINE would tell of no keywords
        except IMAPClientError:
            return None
        else:
            can = client.has_capability
            return Survey(can("IDLE"), can("MOVE"), can("UIDPLUS"), b"\\*" in answer.get(b"PERMANENTFLAGS", ()))
        finally:
            _leave(client)

    def _log_in(self, client: IMAPClient) -> None:
        if self.token is None:
            client.login(self.username, self.password)
            return
        try:
            client.oauth2_login(self.username, self.token(False))
        except LoginError:
            client.oauth2_login(self.username, self.token(True))  # the token may have been revoked early: once more with a new one


@dataclass(frozen=True, slots=True)
class Survey:
    """What a server offers for the folder: push, the ways to show a decision (MOVE, UIDPLUS, keywords of our own)."""

    idle: bool
    move: bool
    uidplus: bool
    keywords: bool


@dataclass(frozen=True, slots=True)
class Events:
    """Who hears what the mailbox has to tell. Called from the mailbox's threads."""

    connected: Callable[[], None] = lambda: None
    trouble: Callable[[str, BaseException | None], None] = lambda what, error: None
    alive: Callable[[], None] = lambda: None
    gap: Callable[[int], None] = lambda count: None


@dataclass
class Mailbox:
    """``bot.sources.Source`` and ``bot.sources.Mirror`` for one IMAP folder."""

    account: Account
    ledger: Ledger
    folders: dict[str, str]
    events: Events = field(default_factory=Events)
    move: bool = True
    poll_seconds: float = 60
    idle_seconds: float = 540
    name: str = "imap"

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._wake_read, self._wake_write = socket.socketpair()
        self._mirror_thread = ThreadPoolExecutor(1, thread_name_prefix="imap-mirror")
        self._mirror_client: IMAPClient | None = None
        self._made: set[str] = set()
        self._watched = _Watched("")
        self._watching = False
        self._failures = 0

    # ── watching ──────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, receive: Receive) -> None:
        """Watch until cancelled; the batch in hand is finished first."""
        self._loop, self._receive, self._watching = asyncio.get_running_loop(), receive, True
        thread = threading.Thread(target=self._watch, name="imap-watch", daemon=True)
        thread.start()
        try:
            await asyncio.Event().wait()
        finally:
            self._stop.set()
            with contextlib.suppress(OSError):
                self._wake_write.send(b"x")
            # the thread may be waiting for our loop, which must go on; a server that says nothing is not waited for
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    while thread.is_alive():
                        await asyncio.sleep(0.02)
            await self._loop.run_in_executor(self._mirror_thread, self._drop_mirror)
            self._mirror_thread.shutdown(wait=False)

    def _watch(self) -> None:
        self._failures = 0
        while not self._stop.is_set():
            try:
                with _closing(self.account.connect()) as client:
                    self.events.connected()
                    self._watch_connected(client)
            except LoginError as error:
                self.events.trouble("log-in refused", error)
                self._stop.wait(LOGIN_BACKOFF)
            except Trouble as error:
                # a token that the platform refuses for good is an administrator's matter, not the network's
                self._back_off("token refused" if getattr(error, "final", False) else "connection", error)
            except Exception as error:  # the store could not take the mails: they wait on the server
                self._back_off("not taken in", error)

    def _back_off(self, what: str, error: Exception) -> None:
        if self._stop.is_set():
            return
        self.events.trouble(what, error)
        self._stop.wait(BACKOFF[min(self._failures, len(BACKOFF) - 1)])
        self._failures += 1

    def _is_well(self) -> None:
        """All that the server has is safe: the next fault is a new one."""
        self._failures = 0
        self.events.alive()

    def _watch_connected(self, client: IMAPClient) -> None:
        """One connection's life: take in what is unknown, then wait for more, again and again."""
        watched = self._watched = self._select(client)
        uids, in_vain = self._unknown(client, watched), 0
        while not self._stop.is_set():
            self._take_in(client, watched, uids)
            if self._stop.is_set():
                return
            watched.passed = watched.highest
            # a server tells of each mail once, and it may do so with the answer to our own SEARCH or FETCH: IDLE would not repeat it
            in_vain = 0 if uids else in_vain + 1
            if not _told_in_passing(client) or in_vain > IN_VAIN:
                self._is_well()
                self._wait(client)
                in_vain = 0
            uids = self._newer(client, watched)

    def _wait(self, client: IMAPClient) -> None:
        """Until the server has something to tell or the poll is due."""
        if client.has_capability("IDLE"):
            self._idle(client)
        else:
            self._stop.wait(self.poll_seconds)
            client.noop()

    def _select(self, client: IMAPClient) -> _Watched:
        answer = client.select_folder(self.account.folder)
        _told_in_passing(client)  # SELECT tells of what there is, not of what is new
        name = f"uidvalidity:{self.account.folder}"
        validity = answer.get(b"UIDVALIDITY")
        if validity is None:  # a server that forgets to say it once must not make every mail new (R04)
            validity = self._ask(self.ledger.recall(name)) or "0"
        elif str(validity) != self._ask(self.ledger.recall(name)):
            self._ask(self.ledger.remember(name, str(validity)))
        return _Watched(f"imap:{self.account.folder}:{validity}:")

    def _unknown(self, client: IMAPClient, watched: _Watched) -> list[int]:
        """What the server has and the store has not: the whole folder, compared."""
        on_server = client.search("ALL")
        known = self._ask(self.ledger.known(watched.prefix))
        watched.highest = max(on_server, default=0)
        missing = sorted(uid for uid in on_server if f"{watched.prefix}{uid}" not in known)
        if missing:
            self.events.gap(len(missing))
        return missing

    def _newer(self, client: IMAPClient, watched: _Watched) -> list[int]:
        """UIDs above the highest seen; ``n:*`` always names the last mail too, hence the filter (RFC 3501 § 6.4.8)."""
        return sorted(uid for uid in client.search(["UID", f"{watched.highest + 1}:*"]) if uid > watched.highest)

    def _take_in(self, client: IMAPClient, watched: _Watched, uids: list[int]) -> None:
        """Fetch and hand over, oldest first, in batches of bounded size; ``highest`` moves only when they are safe."""
        for batch in self._batches(client, uids):
            if self._stop.is_set():
                return
            answer = client.fetch(batch, ["BODY.PEEK[]", "INTERNALDATE"])
            mails = [self._raw(watched, uid, answer[uid]) for uid in batch if uid in answer and b"BODY[]" in answer[uid]]
            self._ask(self._receive_all(mails))
            watched.highest = max(watched.highest, batch[-1])

    def _batches(self, client: IMAPClient, uids: list[int]) -> Iterator[list[int]]:
        for start in range(0, len(uids), SIZE_BATCH):
            part = uids[start : start + SIZE_BATCH]
            sizes = {uid: int(row.get(b"RFC822.SIZE", 0)) for uid, row in client.fetch(part, ["RFC822.SIZE"]).items()}
            yield from _by_size([(uid, sizes[uid]) for uid in part if uid in sizes])

    def _raw(self, watched: _Watched, uid: int, row: dict[bytes, Any]) -> Raw:
        when = row.get(b"INTERNALDATE")
        received = when if isinstance(when, datetime) else datetime.now(UTC)
        if received.tzinfo is None:
            received = received.replace(tzinfo=UTC)
        return Raw(f"{watched.prefix}{uid}", bytes(row[b"BODY[]"]), received.astimezone(UTC), "imap")

    async def _receive_all(self, mails: list[Raw]) -> None:
        results = await asyncio.gather(*(self._receive(mail) for mail in mails), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def _idle(self, client: IMAPClient) -> None:
        """Wait for a notice of new mail, for ``poll_seconds`` at most (so IDLE is renewed well within RFC 2177's 29 minutes)."""
        client.idle()
        try:
            if _told_at_once(client):
                return
            patience = min(self.poll_seconds, self.idle_seconds)
            deadline = datetime.now(UTC).timestamp() + patience
            empty = 0
            while not self._stop.is_set():
                left = deadline - datetime.now(UTC).timestamp()
                if left <= 0 or left > patience:  # over, or the clock was set back
                    return
                if not _readable(client, self._wake_read, left):
                    continue
                told = client.idle_check(timeout=0.01)
                if _new_mail(told):
                    return
                empty = 0 if told else empty + 1
                if empty > EMPTY_READS:  # IMAPClient hides the end of the connection here
                    raise ConnectionError("the server closed the connection")
        finally:
            client.idle_done()

    def _ask(self, question: Any) -> Any:
        """Ask the loop from this thread and wait for its answer."""
        return asyncio.run_coroutine_threadsafe(question, self._loop).result()

    # ── mirroring ─────────────────────────────────────────────────────────────────────────────────────────────

    async def mirror(self, moves: Sequence[tuple[str, str]]) -> list[str]:
        """See ``bot.sources.Mirror``."""
        return await asyncio.get_running_loop().run_in_executor(self._mirror_thread, self._mirror, tuple(moves))

    def _mirror(self, moves: tuple[tuple[str, str], ...]) -> list[str]:
        outcomes = dict.fromkeys((key for key, _ in moves), "retry")
        try:
            client = self._mirror_connected()
            answer = client.select_folder(self.account.folder)
            validity = answer.get(b"UIDVALIDITY")
            if validity is not None:  # without it no key can be told from another (R04): later
                keywords = b"\\*" in answer.get(b"PERMANENTFLAGS", ())
                self._show(client, f"imap:{self.account.folder}:{validity}:", moves, keywords, outcomes)
        except Trouble as error:
            self.events.trouble("mirror", error)
            self._drop_mirror()
        return [outcomes[key] for key, _ in moves]

    def _show(self, client: IMAPClient, prefix: str, moves: tuple[tuple[str, str], ...], keywords: bool, outcomes: dict[str, str]) -> None:
        """Show folder by folder; ``outcomes`` is filled as far as the server went along."""
        uids = {key: int(key.rpartition(":")[2]) for key, _ in moves if key.startswith(prefix)}
        present = set(client.fetch(list(uids.values()), ["UID"])) if uids else set()
        outcomes.update((key, "gone") for key in outcomes if uids.get(key) not in present)
        groups: dict[str, list[str]] = {}
        for key, folder in moves:
            if uids.get(key) in present:
                groups.setdefault(folder, []).append(key)
        for folder, keys in groups.items():
            group = [uids[key] for key in keys]
            if self.move:
                self._move(client, group, self.folders.get(folder, folder))
            elif keywords:
                client.add_flags(group, [KEYWORD + folder], silent=True)
            outcomes.update(dict.fromkeys(keys, "moved" if self.move else "keyword" if keywords else "unsupported"))

    def _move(self, client: IMAPClient, uids: list[int], folder: str) -> None:
        target = self._target(client, folder)
        if client.has_capability("MOVE"):
            client.move(uids, target)
            return
        client.copy(uids, target)
        client.delete_messages(uids, silent=True)
        if client.has_capability("UIDPLUS"):
            client.uid_expunge(uids)

    def _target(self, client: IMAPClient, folder: str) -> str:
        """The folder's name in the server's own hierarchy, made when it is missing."""
        prefix, separator = _namespace(client)
        target = prefix + folder.replace("/", separator)
        if target not in self._made:
            if not client.folder_exists(target):
                client.create_folder(target)
                with contextlib.suppress(IMAPClientError):
                    client.subscribe_folder(target)
            self._made.add(target)
        return target

    def _mirror_connected(self) -> IMAPClient:
        if self._mirror_client is None:
            self._mirror_client = self.account.connect()
        return self._mirror_client

    def _drop_mirror(self) -> None:
        client, self._mirror_client = self._mirror_client, None
        self._made.clear()
        if client is not None:
            _leave(client)

    # ── counting ──────────────────────────────────────────────────────────────────────────────────────────────

    async def census(self) -> Census:
        """See ``bot.sources.Counted``. Without ``run`` nothing is on its way: all that is there should be recorded."""
        return await asyncio.get_running_loop().run_in_executor(self._mirror_thread, self._census)

    def _census(self) -> Census:
        client = self._mirror_connected()
        try:
            answer = client.select_folder(self.account.folder, readonly=True)
            prefix = f"imap:{self.account.folder}:{answer[b'UIDVALIDITY']}:" if b"UIDVALIDITY" in answer else self._watched.prefix
            if not prefix:
                raise ConnectionError("the server names no UIDVALIDITY")
            uids = frozenset(client.search("ALL"))
        except Trouble:
            self._drop_mirror()
            raise
        seen = self._watched.passed if self._watched.prefix == prefix else 0
        return Census(self.account.folder, prefix, uids, seen if self._watching else max(uids, default=0))

    async def recover(self, uids: Sequence[int], receive: Receive) -> int:
        """See ``bot.sources.Counted``. Batches of bounded size, on the connection that mirrors."""
        loop = asyncio.get_running_loop()
        new = 0
        for start in range(0, len(uids), BATCH_MAILS):
            for mail in await loop.run_in_executor(self._mirror_thread, self._recover, tuple(uids[start : start + BATCH_MAILS])):
                new += await receive(mail)
        return new

    def _recover(self, uids: tuple[int, ...]) -> list[Raw]:
        client = self._mirror_connected()
        try:
            answer = client.select_folder(self.account.folder, readonly=True)
            watched = _Watched(f"imap:{self.account.folder}:{answer[b'UIDVALIDITY']}:")
            mails: list[Raw] = []
            for batch in self._batches(client, list(uids)):
                rows = client.fetch(batch, ["BODY.PEEK[]", "INTERNALDATE"])
                mails += [self._raw(watched, uid, rows[uid]) for uid in batch if uid in rows and b"BODY[]" in rows[uid]]
            return mails
        except Trouble:
            self._drop_mirror()
            raise

    async def close(self) -> None:
        """Leave the mirror's connection; for those who have only counted."""
        await asyncio.get_running_loop().run_in_executor(self._mirror_thread, self._drop_mirror)
        self._mirror_thread.shutdown(wait=False)


@dataclass
class _Watched:
    """One selected folder: the beginning of its keys, the highest UID that is in hand, and the highest below which all are safe."""

    prefix: str
    highest: int = 0
    passed: int = 0


class _closing:
    """Leave the connection at the end, whatever happened."""

    def __init__(self, client: IMAPClient) -> None:
        self._client = client

    def __enter__(self) -> IMAPClient:
        return self._client

    def __exit__(self, *error: object) -> None:
        _leave(self._client)


def _leave(client: IMAPClient) -> None:
    try:
        client.logout()
    except Exception:  # a dead connection cannot say goodbye
        with contextlib.suppress(Exception):
            client.shutdown()


def _by_size(sizes: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
    batch: list[int] = []
    total = 0
    for uid, size in sizes:
        if batch and (total + size > BATCH_BYTES or len(batch) >= BATCH_MAILS):
            yield batch
            batch, total = [], 0
        batch.append(uid)
        total += size
    if batch:
        yield batch


def _readable(client: IMAPClient, wake: socket.socket, seconds: float) -> bool:
    """Whether the server has said something; False when ``seconds`` are over or somebody woke us."""
    connection = client.socket()
    pending = getattr(connection, "pending", None)
    if pending is not None and pending():
        return True
    ready = select.poll()  # select() cannot watch file descriptors above 1023
    ready.register(connection, select.POLLIN)
    ready.register(wake, select.POLLIN)
    return connection.fileno() in (number for number, _ in ready.poll(seconds * 1000))


def _told_at_once(client: IMAPClient) -> bool:
    """Whether word of new mail came in one segment with ``+ idling``: then it lies in imaplib's buffer, where no poll of the socket sees it."""
    connection, imap = client.socket(), client._imap
    patience = connection.gettimeout()
    connection.setblocking(False)
    try:
        buffered = b"".join(imap._readbuf) if hasattr(imap, "_readbuf") else imap.file.peek()  # Python 3.14 keeps a list
    except ssl.SSLWantReadError:
        return False
    finally:
        connection.settimeout(patience)
    return b" EXISTS" in buffered or b" RECENT" in buffered


def _new_mail(responses: list[Any]) -> bool:
    """Whether an IDLE notice tells of new mail (EXISTS, RECENT) or of the end of the connection (BYE)."""
    for response in responses:
        if response and response[0] == b"BYE":
            raise ConnectionError("the server said BYE")
        if len(response) > 1 and response[1] in (b"EXISTS", b"RECENT"):
            return True
    return False


def _told_in_passing(client: IMAPClient) -> bool:
    """Whether the answers to other commands told of new mail since this was last asked (RFC 3501 § 5.2). IMAPClient hides what imaplib keeps."""
    return any([client._imap.response(name)[1] != [None] for name in ("EXISTS", "RECENT")])


def _namespace(client: IMAPClient) -> tuple[str, str]:
    """Prefix and separator of the personal namespace (RFC 2342); ``""`` and ``/`` where the server has none."""
    if client.has_capability("NAMESPACE"):
        personal = client.namespace().personal
        if personal:
            prefix, separator = personal[0]
            return _text(prefix), _text(separator or "/")
    return "", "/"


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


__all__ = ["Account", "Events", "LoginError", "Mailbox", "Survey", "Trouble"]
