"""The ledger: what the mail server has against what is recorded, as an equation that must come out even. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

LABELS = ("handled", "quarantined", "copy", "waiting", "purged")
WORDS = {
    "handled": "handled",
    "quarantined": "quarantined",
    "copy": "copies",
    "waiting": "waiting to be handled",
    "purged": "purged",
}
SHOWN = 20  # UIDs named in a line


@dataclass(frozen=True, slots=True)
class Balance:
    """One folder. ``here``: label → mails of the folder that are recorded so. ``gaps``: UIDs on the server that are not recorded
    though watching has passed them; ``coming``: UIDs that it has not reached yet. Of what was recorded and is not there any more:
    ``moved`` by the assistant, ``gone`` for other reasons (people move and delete)."""

    folder: str
    on_server: int
    here: dict[str, int]
    gaps: tuple[int, ...]
    coming: int
    moved: int
    gone: int

    @property
    def even(self) -> bool:
        """Whether every mail that should be recorded is."""
        return not self.gaps

    def sentence(self) -> str:
        """``INBOX: 412 on the server = 410 handled + 2 quarantined``."""
        parts = _parts(self.here)
        parts += [f"{self.coming} on their way"] if self.coming else []
        parts += [f"{len(self.gaps)} not recorded"] if self.gaps else []
        return f"{self.folder}: {self.on_server} on the server = " + (" + ".join(parts) or "0")

    def lines(self) -> list[str]:
        """The sentence, what became of the rest, and the gaps."""
        lines = [self.sentence(), f"no longer there: {self.moved} moved by the assistant, {self.gone} moved or deleted by people"]
        if self.gaps:
            more = f" and {len(self.gaps) - SHOWN} more" if len(self.gaps) > SHOWN else ""
            lines.append("not recorded: UID " + ", ".join(str(uid) for uid in self.gaps[:SHOWN]) + more)
        return lines


def _parts(labels: Mapping[str, int]) -> list[str]:
    return [f"{labels[label]} {WORDS[label]}" for label in LABELS if labels.get(label)]


def recorded_line(source: str, labels: Mapping[str, int]) -> str:
    """``smtp: 300 recorded = 298 handled + 2 copies``: a source whose mails are recorded before they are acknowledged."""
    return f"{source}: {sum(labels.values())} recorded = " + " + ".join(_parts(labels))


def balance(folder: str, on_server: Collection[int], passed: int, recorded: Mapping[int, tuple[str, str]]) -> Balance:
    """Compare UIDs on the server with what is recorded (UID → label, mirror); ``passed``: the highest UID that watching has passed."""
    present = set(on_server)
    missing = sorted(present - recorded.keys())
    left = Counter("moved" if recorded[uid][1] == "moved" else "gone" for uid in recorded.keys() - present)
    return Balance(
        folder,
        len(present),
        dict(Counter(recorded[uid][0] for uid in present & recorded.keys())),
        tuple(uid for uid in missing if uid <= passed),
        sum(uid > passed for uid in missing),
        left["moved"],
        left["gone"],
    )


__all__ = ["Balance", "balance", "recorded_line"]
