"""A file's text with exact positions: decoded so that encoding it again gives the same bytes."""

from __future__ import annotations

import codecs
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BinaryFileError", "FileFault", "Source"]

# Longest first: UTF-32's little-endian mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
)
# What text in a one-byte encoding never holds: the C0 controls but for tab, line feed, form feed, carriage
# return and escape.
_CONTROLS = bytes(set(range(32)) - {9, 10, 12, 13, 27})


class BinaryFileError(ValueError):
    """The bytes are no text in any encoding that we read."""


class FileFault(NamedTuple):
    """What is wrong with a file, with the offset; `of_template`: the file is a template, by all that can be seen."""

    message: str
    hint: str
    offset: int
    of_template: bool = True


@dataclass(slots=True)
class Source:
    """The text of one file.

    Attributes:
        text: the decoded text, line ends as they are in the file, without the byte order mark.
        encoding: the codec that gives the bytes back.
        mark: the byte order mark, or nothing.
    """

    text: str
    encoding: str = "utf-8"
    mark: bytes = b""
    _starts: list[int] | None = field(default=None, repr=False)

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read a file.

        Raises:
            BinaryFileError: it is no text.
            OSError: it cannot be read.
        """
        return cls.decode(path.read_bytes())

    @classmethod
    def decode(cls, data: bytes) -> Source:
        """Decode by byte order mark, else as UTF-8, else as Latin-1, which loses nothing.

        Raises:
            BinaryFileError: neither UTF-8 nor plausible as text in a one-byte encoding.
        """
        for mark, encoding in _MARKS:
            if data.startswith(mark):
                try:
                    text = data[len(mark) :].decode(encoding)
                    return cls(text, encoding, mark)
                except UnicodeDecodeError:
                    break
        encoding = _unmarked_utf16(data) or "utf-8"
        try:
            return cls(data.decode(encoding), encoding)
        except UnicodeDecodeError:
            pass
        if len(data.translate(None, _CONTROLS)) != len(data):
            raise BinaryFileError("binary data, not text")
        return cls(data.decode("latin-1"), "latin-1")

    def encode(self, text: str | None = None) -> bytes:
        """The file's bytes, with `text` in place of the text that was read."""
        return self.mark + (self.text if text is None else text).encode(self.encoding)

    def place(self, offset: int) -> tuple[int, int]:
        """1-based line and column (in characters) of an offset into `text`."""
        starts = self._line_starts()
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The offset into `text` of a 1-based line and column."""
        return self._line_starts()[line - 1] + column - 1

    def _line_starts(self) -> list[int]:
        if self._starts is None:
            # "\r\n" ends with "\n"; a lone "\r" (classic Mac) ends a line only where there is no "\n" at all.
            end = "\n" if "\n" in self.text or "\r" not in self.text else "\r"
            lengths = map(len, self.text.split(end)[:-1])
            self._starts = [begin + line for line, begin in enumerate(accumulate(lengths, initial=0))]
        return self._starts

    def line_end(self, offset: int) -> int:
        """The offset where the line that holds `offset` ends, before its line end."""
        end = self.text.find("\n", offset)
        end = len(self.text) if end < 0 else end
        mac = self.text.find("\r", offset, end)
        return end if mac < 0 else mac


def _unmarked_utf16(data: bytes) -> str | None:
    """UTF-16 without a mark, as some Windows tools write: every second byte of Latin text is zero."""
    if len(data) % 2 or b"\0" not in data[:4096]:
        return None
    sample = data[:4096]
    for encoding, high in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[0::2])):
        if high.count(0) > 0.9 * len(high):
            return encoding
    return None
