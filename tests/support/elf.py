"""Writes the smallest ELF shared objects that name a machine, the glibc they need and their libraries.

Real extension modules of two architectures and several glibc versions would weigh megabytes; these are below 1 kB,
and `readelf -V -d` reads them like any other.
"""

from __future__ import annotations

import struct

_MACHINES = {"x86_64": 62, "arm64": 183, "i386": 3}


def tiny_elf(
    architecture: str = "x86_64",
    *,
    glibc: tuple[int, ...] | None = (2, 17),
    needed: tuple[str, ...] = ("libc.so.6",),
) -> bytes:
    """An ELF64 little-endian shared object with a dynamic section and, unless `glibc` is None, a version need."""
    strings = bytearray(b"\0")

    def string(text: str) -> int:
        offset = len(strings)
        strings.extend(text.encode() + b"\0")
        return offset

    dynamic = b"".join(struct.pack("<qQ", 1, string(name)) for name in needed) + struct.pack("<qQ", 0, 0)
    version = b""
    if glibc:
        symbol = string("GLIBC_" + ".".join(str(part) for part in glibc))
        version = struct.pack("<HHIII", 1, 1, string("libc.so.6"), 16, 0) + struct.pack("<IHHII", 0, 0, 2, symbol, 0)
    names = b"\0.dynstr\0.dynamic\0.gnu.version_r\0.shstrtab\0"

    def name(section: bytes) -> int:
        return names.index(section)

    bodies = [bytes(strings), dynamic, version, names]
    offsets, position = [], 64
    for body in bodies:
        position = (position + 7) // 8 * 8
        offsets.append(position)
        position += len(body)
    table = (position + 7) // 8 * 8

    def section(named: bytes, kind: int, which: int, *, link: int = 0, info: int = 0, entry: int = 0) -> bytes:
        size = len(bodies[which])
        return struct.pack("<IIQQQQIIQQ", name(named), kind, 2, 0, offsets[which], size, link, info, 8, entry)

    sections = [
        bytes(64),
        section(b".dynstr", 3, 0),
        section(b".dynamic", 6, 1, link=1, entry=16),
        section(b".gnu.version_r", 0x6FFFFFFE, 2, link=1, info=1 if glibc else 0),
        section(b".shstrtab", 3, 3),
    ]
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    machine = _MACHINES[architecture]
    header += struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 0, table, 0, 64, 56, 0, 64, len(sections), 4)
    out = bytearray(header)
    for offset, body in zip(offsets, bodies, strict=True):
        out += bytes(offset - len(out)) + body
    out += bytes(table - len(out))
    return bytes(out) + b"".join(sections)
