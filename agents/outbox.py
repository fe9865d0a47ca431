"""Files that are handed on, each thing in them once: a ledger of what was written, and how far its source was read.

The ledger is an SQLite database in the folder, and its commit is what decides. A file is first written under a name that nobody takes, then
the ledger says what it holds and how far that brings the reader, then the file gets its name. A crash before the commit leaves a stray
file, which is removed, and what was to be in it is read again; a crash after it leaves a file without its name, which it gets at the next
start. Files that have their name are never looked at again, so whoever takes them may move or delete them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipeline.config import ConfigError

LEDGER = "ledger.sqlite3"
UNNAMED = ".part"

_TABLES = """
CREATE TABLE IF NOT EXISTS positions (topic TEXT, partition INTEGER, next INTEGER NOT NULL, PRIMARY KEY (topic, partition));
CREATE TABLE IF NOT EXISTS written (id BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (number INTEGER PRIMARY KEY);
"""


class Outbox:
    """A folder of numbered files, `<stem>-00000001<suffix>` and so on. Open one with `outbox`."""

    def __init__(self, folder: Path, stem: str, suffix: str, ledger: sqlite3.Connection) -> None:
        self._folder, self._stem, self._suffix, self._ledger = folder, stem, suffix, ledger
        self._last = ledger.execute("SELECT COALESCE(MAX(number), 0) FROM files").fetchone()[0]
        self._finish()

    def positions(self, topic: str) -> dict[int, int]:
        """The next offset to read in each partition that was read before."""
        return dict(self._ledger.execute("SELECT partition, next FROM positions WHERE topic = ?", (topic,)))

    def has(self, identity: str) -> bool:
        """Whether a file holds, or held, the thing with this id."""
        return self._ledger.execute("SELECT 1 FROM written WHERE id = ?", (_key(identity),)).fetchone() is not None

    def write(self, content: bytes, identities: Collection[str], topic: str, positions: Mapping[int, int]) -> Path:
        """A new file, which holds the things with these ids and brings the reader to `positions`. ValueError if one was written before."""
        number = self._last + 1
        part = self._path(number, UNNAMED)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _sync(self._folder)
        try:
            with self._ledger:
                self._ledger.execute("INSERT INTO files VALUES (?)", (number,))
                self._ledger.executemany("INSERT INTO written VALUES (?)", [(_key(each),) for each in identities])
                self._move_to(topic, positions)
        except sqlite3.IntegrityError as error:
            raise ValueError(f"{part.name}: something in it was written before") from error
        self._last = number
        return self._name(part)

    def read_to(self, topic: str, positions: Mapping[int, int]) -> None:
        """Nothing was to be written up to here."""
        with self._ledger:
            self._move_to(topic, positions)

    def _move_to(self, topic: str, positions: Mapping[int, int]) -> None:
        rows = [(topic, partition, offset) for partition, offset in positions.items()]
        self._ledger.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?, ?)", rows)

    def _path(self, number: int, end: str = "") -> Path:
        return self._folder / f"{self._stem}-{number:08d}{self._suffix}{end}"

    def _name(self, part: Path) -> Path:
        named = part.with_name(part.name.removesuffix(UNNAMED))
        part.replace(named)
        _sync(self._folder)
        return named

    def _finish(self) -> None:
        """Does what a crash left undone."""
        form = re.compile(rf"{re.escape(self._stem)}-(\d{{8,}}){re.escape(self._suffix + UNNAMED)}")
        for path in sorted(self._folder.iterdir()):
            if found := form.fullmatch(path.name):
                if int(found[1]) <= self._last:
                    self._name(path)
                else:
                    path.unlink()


@contextmanager
def outbox(folder: Path, stem: str, suffix: str) -> Iterator[Outbox]:
    """The outbox of a folder, which is made if need be. ConfigError if it cannot be used, or another process uses it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ledger = sqlite3.connect(folder / LEDGER, timeout=0)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(f"{folder}: cannot be written: {error}") from error
    with contextlib.closing(ledger):
        try:
            ledger.execute("PRAGMA locking_mode = EXCLUSIVE")
            ledger.execute("PRAGMA synchronous = FULL")
            ledger.executescript(f"BEGIN EXCLUSIVE; {_TABLES} COMMIT;")
        except sqlite3.Error as error:
            raise ConfigError(f"{folder / LEDGER}: is in use by another process, or cannot be used: {error}") from error
        yield Outbox(folder, stem, suffix, ledger)


def _key(identity: str) -> bytes:
    """16 bytes: millions of ids are kept for ever."""
    return hashlib.sha256(identity.encode()).digest()[:16]


def _sync(folder: Path) -> None:
    """So that a power cut does not undo what was named in it."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
