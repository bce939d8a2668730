"""No pattern of the package takes time without bound on nasty text (CWE-1333): a mail is written by anybody."""

from __future__ import annotations

import subprocess
import sys

PROBE = r"""
import importlib, pkgutil, re, sys, time
import bot

NASTY_LENGTH = 1200  # enough for a cubic pattern to take minutes; one fit to be used takes a millisecond
SECONDS = 2.0  # of this process alone
UNITS = ("a", " ", "\n", "\t", "1", "1 ", "a ", "a\n", "-", "_", "<", ">", "> ", "(", '"', "'", "\\", ";", "%", "a@", "a.", ",a@b.c",
         "=?", "=?a?q?", "; a=b", "<a href=", "<div style=\"", "<!--", "https://", "Fra: ", "skrev ", "On 1 wrote ", "Ab ", "kari nordmann ",
         "vi har slettet ", "jeg er ", "i i ", "ikke ", "denne e-posten ", "24/1234 ", "0123456789-", "mandag 2. mars 2026 ", "æøå ", "\u00e9")

def patterns(name, value, found, depth=0):
    if isinstance(value, re.Pattern):
        found[(value.pattern, value.flags)] = name
    elif depth < 3 and isinstance(value, (tuple, list)):
        for number, item in enumerate(value):
            patterns(f"{name}[{number}]", item, found, depth + 1)
    elif depth < 3 and isinstance(value, dict):
        for key, item in value.items():
            patterns(f"{name}[{key!r}]", item, found, depth + 1)

found = {}
for module in pkgutil.walk_packages(bot.__path__, "bot."):
    if module.name != "bot.__main__":
        for name, value in vars(importlib.import_module(module.name)).items():
            patterns(f"{module.name}.{name}", value, found)
ours = {key: name for key, name in found.items() if name.startswith("bot.")}
slow = []
for (pattern, flags), name in ours.items():
    compiled = re.compile(pattern, flags)
    for unit in UNITS:
        text = unit * (NASTY_LENGTH // len(unit)) + "\x00!"
        text = text.encode() if isinstance(pattern, bytes) else text
        begun = time.process_time()
        compiled.match(text)
        compiled.search(text)
        if time.process_time() - begun > SECONDS:
            slow.append(f"{name} on {unit!r}")
            break
print(len(ours))
print("\n".join(sorted(set(slow))))
"""


def test_no_pattern_takes_time_without_bound() -> None:
    """In a process of its own with a generous end: a pattern gone wild would hold the interpreter for hours."""
    probe = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=300)
    assert probe.returncode == 0, probe.stderr[-2000:]
    count, *slow = probe.stdout.strip().split("\n")
    assert int(count) > 150
    assert not [line for line in slow if line]
