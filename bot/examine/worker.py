"""The worker process: reads one attachment after the other from standard input, under limits that it sets on itself.

It inherits no secret and opens no connection: what it reads is hostile, and all it may do is answer.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any, BinaryIO

from bot.examine.kinds import find_kind
from bot.examine.readers import READERS, Reading

KEEP_OPEN = 64  # file descriptors


def limit(memory_mb: int) -> None:
    """No more memory than this, no files written, no core dumps, no child processes beyond what the readers need."""
    memory = memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (KEEP_OPEN, KEEP_OPEN))


def read_one(name: str, declared: str, content: bytes, options: dict[str, Any]) -> dict[str, Any]:
    """Kind, text, flags, members and signatures of one attachment as JSON values. Never raises ``Exception``."""
    kind, flags = find_kind(name, declared, content)
    reader = READERS.get(kind)
    reading = Reading()
    if reader is not None:
        try:
            reading = reader(content, options)
        except MemoryError:
            reading = Reading(flags=("bomb",), note="reading needs too much memory")
        except RecursionError:
            reading = Reading(flags=("bomb",), note="nested too deeply")
        except Exception as error:  # a broken file must not end the worker; the type is enough, the text may quote it
            reading = Reading(flags=("unreadable",), note=f"cannot be read ({type(error).__name__})")
    return {
        "kind": kind,
        "text": reading.text,
        "flags": sorted({*flags, *reading.flags}),
        "members": list(reading.members),
        "signatures": reading.signatures,
        "note": reading.note,
    }


def serve(requests: BinaryIO, answers: BinaryIO, options: dict[str, Any]) -> None:
    """Answer until standard input ends."""
    while (size := requests.read(4)) and len(size) == 4:
        head = json.loads(requests.read(int.from_bytes(size, "big")))
        content = requests.read(head["size"])
        answer = json.dumps(read_one(head["name"], head["type"], content, options)).encode()
        answers.write(len(answer).to_bytes(4, "big") + answer)
        answers.flush()


def main() -> None:
    """Entry of ``python -m bot.examine.worker OPTIONS``."""
    options = json.loads(sys.argv[1])
    limit(int(options["memory_mb"]))
    serve(sys.stdin.buffer, sys.stdout.buffer, options)


if __name__ == "__main__":
    main()
