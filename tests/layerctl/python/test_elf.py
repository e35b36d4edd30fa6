"""Reading ELF files: the processor, glibc and musl, and what is no ELF file at all."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerctl.python.elf import is_shared_object, read_elf
from tests.support.elf import tiny_elf


@pytest.mark.skipif(sys.platform != "linux", reason="the interpreter is an ELF file on Linux only")
def test_a_real_file():
    """The running interpreter's own file names this machine and needs a glibc."""
    import platform

    facts = read_elf(Path(sys.executable).resolve().read_bytes())
    assert facts is not None
    assert facts.architecture == {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
    assert facts.glibc is not None
    assert facts.glibc >= (2, 2)
    assert any(name.startswith("libc.so") for name in facts.needed)
    assert not facts.musl


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
@pytest.mark.parametrize("glibc", [None, (2, 17), (2, 35)])
def test_a_made_file(architecture, glibc):
    """Machine and needed glibc come back as they were written."""
    facts = read_elf(tiny_elf(architecture, glibc=glibc))
    assert facts is not None
    assert (facts.architecture, facts.glibc) == (architecture, glibc)


def test_musl():
    """A library linked with musl is told apart."""
    facts = read_elf(tiny_elf("x86_64", needed=("libc.musl-x86_64.so.1",)))
    assert facts is not None
    assert facts.musl


@given(st.binary(max_size=400), st.integers(0, 600))
def test_malformed(junk, cut):
    """A damaged or cut file gives facts or None, and never raises."""
    read_elf(b"\x7fELF" + junk)
    read_elf(tiny_elf("arm64", glibc=(2, 17))[:cut] + junk)


def test_not_elf():
    """Text is no ELF file."""
    assert read_elf(b"print('hello')") is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a/x.cpython-313-x86_64-linux-gnu.so", True), ("lib/libz.so.1.2.13", True), ("a.solution", False), ("so", False)],
)
def test_names_of_shared_objects(path, expected):
    """Extension modules and versioned libraries are recognised by name."""
    assert is_shared_object(path) is expected
