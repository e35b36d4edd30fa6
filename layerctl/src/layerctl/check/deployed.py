"""What is deployed now, so that the sizes in the middle of an update can be worked out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from layerctl.core.errors import LayerctlError
from layerctl.templates.documents import TEMPLATES
from layerctl.templates.load import read_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["deployed_contents"]


def deployed_contents(given: Iterable[str], code: Mapping[str, Path] | None = None) -> Mapping[str, Path]:
    """Function name -> zip or folder of the code as it is deployed; ``*`` stands for every function.

    Args:
        given: ``PATH`` or ``FUNCTION=PATH``. A template, or a folder with one in it (such as `.aws-sam/build` of the
            deployed commit), stands for the code of its functions; any other folder or zip is code itself.
        code: what is known already, e.g. of the deployed stack.

    Raises:
        LayerctlError: something named is not there, or cannot be read.
    """
    contents = dict(code or {})
    for text in given:
        function, equals, rest = text.partition("=")
        path = Path(rest if equals else text)
        if not path.exists():
            raise LayerctlError(f"--deployed {path} does not exist", hint="name a template, a zip or a folder")
        template = next((path / name for name in TEMPLATES if (path / name).is_file()), path)
        if equals or (template.is_dir() or template.suffix == ".zip"):
            contents[function if equals else "*"] = path
        else:
            contents |= _of_template(template)
    return contents


def _of_template(path: Path) -> dict[str, Path]:
    template = read_template(path)
    if template.problems:
        problem = template.problems[0]
        raise LayerctlError(f"--deployed {path}:{problem.place.line or 1}: {problem.message}", hint=problem.hint)
    return {
        function.logical_id: function.code.path
        for function in template.functions
        if function.code.path is not None and not function.code.unknown and function.code.path.exists()
    }
