"""The rules by id. SARIF shows the text; `docs/verifying.md` says more."""

from __future__ import annotations

__all__ = ["RULES"]

RULES: dict[str, str] = {
    "archive-damaged": "The archive and each file in it can be read, and the CRCs are right.",
    "archive-path": "No entry has an absolute name, or one that leaves the root.",
    "archive-link": "There are regular files and folders only: no links, no devices.",
    "archive-duplicate": "No two entries have the same name.",
    "archive-encrypted": "No entry is encrypted.",
    "archive-compression": "Entries are stored or deflated, as Lambda reads them.",
    "archive-limits": "The archive is no bomb: entries, sizes and ratios are those of a layer.",
    "layout-empty": "There is a python/ folder with something in it.",
    "layout-root": "Nothing lies beside python/.",
    "layout-nested": "There is no python/python: it would not be on sys.path.",
    "layout-name": "What lies in python/ can be imported, or is a distribution's metadata.",
    "mode-unreadable": "Another user can read each file and enter each folder: Lambda runs as one.",
    "mode-setuid": "No file has a setuid, setgid or sticky bit, or is writable for everyone.",
    "builder-path": "No file holds an absolute path of the machine that built it.",
    "size-budget": "The layer is within the budget of layer.toml.",
    "size-lambda": "The layer is within Lambda's limits.",
    "manifest-mismatch": "The files, the digest and the zip are those of the manifest.",
    "record-mismatch": "Each distribution has a RECORD, and the files are as it says.",
    "dependency-missing": "What a distribution needs is in the layer, or the runtime provides it.",
    "dependency-version": "What a distribution needs is there in a version that fits.",
    "sdk-partial": "The AWS SDK is in the layer completely or not at all.",
    "distribution-twice": "Each distribution is there once.",
    "licence": "Each distribution has a licence that layer.toml allows.",
    "bytecode-invalid": "Each .pyc can be loaded by the runtime that its name tells.",
    "bytecode-kind": "Each .pyc is of the unchecked-hash kind; others are stale in a layer, or cost a check.",
    "bytecode-stale": "Each .pyc was compiled from the source beside it.",
    "bytecode-orphan": "Each .pyc has its source.",
    "elf-invalid": "Each shared library is an ELF file that can be read.",
    "elf-machine": "Each shared library is for an architecture of the layer, and the one that its name tells.",
    "elf-glibc": "No shared library needs a newer C library than its runtimes have.",
    "elf-coverage": "Each extension module is there for every runtime and architecture of the layer.",
    "secret": "No file holds a private key or a credential.",
    "import-failed": "Every module of ours and every top-level package can be imported.",
    "rebuild-differs": "A rebuild from the checkout gives the same bytes.",
}
