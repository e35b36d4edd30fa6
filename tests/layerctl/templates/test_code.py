"""Layer versions that code puts together are read from its syntax, with the place of each digit."""

import pytest

from layerctl.scan.finder import find_pins
from layerctl.templates.source import Source

HEAD = "arn:aws:lambda:eu-west-1:123456789012"
OPEN = None

# name: (file, code, what is expected of each layer: name and version, or `OPEN`)
PYTHON = {
    "adjacent strings with a comment between": (f'ARN = (\n    "{HEAD}:"  # ours\n    "layer:demo:3"\n)', ["demo:3"]),
    "continued line": (f'ARN = "{HEAD}" \\\n  ":layer:demo:3"', ["demo:3"]),
    "plus, over lines": (f'H = "{HEAD}"\nARN = (H +\n  ":layer:" + "demo" +\n  ":" + str(V))\nV = 3', ["demo:3"]),
    "f-string in an f-string": (f"V = 3\nARN = f\"{{f'{HEAD}:layer'}}:{{'demo'}}:{{V}}\"", ["demo:3"]),
    "raw and bytes' neighbours": (f'ARN = r"{HEAD}:" "layer:demo:" rf"{{V}}"\nV: int = 3', ["demo:3"]),
    "join of a list that has a name": (f'P = ["{HEAD}", "layer", "demo", str(3)]\nARN = ":".join(P)', ["demo:3"]),
    "join with a list in it": (f'P = ["{HEAD}", "layer"]\nARN = ":".join([*P, "demo", "3"])', ["demo:3"]),
    "format": (f'ARN = "{HEAD}:{{}}:{{name}}:{{0}}{{{{}}}}".format("layer", name="demo")', []),
    "format by position and name": (f'ARN = "{HEAD}:layer:{{n}}:{{0}}".format(3, n="demo")', ["demo:3"]),
    "percent": (f'ARN = "%s:layer:%s:%d" % ("{HEAD}", "demo", 3)', ["demo:3"]),
    "percent with names": (f'ARN = "{HEAD}:layer:%(n)s:%(v)d" % {{"n": "demo", "v": 3}}', ["demo:3"]),
    "percent of percents": (f'ARN = "%%s {HEAD}:layer:%s:%d" % ("demo", 3)', ["demo:3"]),
    "a table": (f'V = {{"demo": 3, "other": 4}}\nARN = f"{HEAD}:layer:demo:{{V[\'demo\']}}"', ["demo:3"]),
    "a table by an open key": (f'V = {{"a": 3, "b": 4}}\nARN = f"{HEAD}:layer:demo:{{V[k]}}"', ["demo:3", "demo:4"]),
    "a class's constant": (f'class L:\n    V = 3\nARN = f"{HEAD}:layer:demo:{{L.V}}"', ["demo:3"]),
    "an enumeration": (f'class L(IntEnum):\n    V = 3\nARN = f"{HEAD}:layer:demo:{{L.V.value}}"', ["demo:3"]),
    "a field": (f'class S:\n  def f(self):\n    self.v = 3\n    g(f"{HEAD}:layer:demo:{{self.v}}")', ["demo:3"]),
    "a parameter's default": (f'def f(v=3):\n    return f"{HEAD}:layer:demo:{{v}}"', ["demo:3"]),
    "either of two": (f'ARN = f"{HEAD}:layer:" + ("a:3" if arm else "b:4")', ["a:3", "b:4"]),
    "a name in each function": (
        f'def f():\n  v = 3\n  g(f"{HEAD}:layer:a:{{v}}")\ndef h():\n  v = 4\n  g(f"{HEAD}:layer:b:{{v}}")',
        ["a:3", "b:4"],
    ),
    "format_arn": (
        'x = Arn.format(ArnComponents(service="lambda", resource="layer", resource_name="demo:3"), s)',
        ["demo:3"],
    ),
    "format_arn of constants": ('N = "demo"\nx = s.format_arn(service="lambda", resource=f"layer:{N}:3")', ["demo:3"]),
    "nested in a call": (
        f'A = f(g("{HEAD}:layer:" + "demo:3"), lambda: "x" + "{HEAD}:layer:" + "other:4")',
        ["demo:3", "other:4"],
    ),
    "beside what is broken": (f'def (:\nARN = "{HEAD}:layer:" + "demo:3"\n', ["demo:3"]),
    "form feed and tab": (f'\f\nARN = "{HEAD}:layer:"\t"demo:3"\f\n', ["demo:3"]),
    "a letter of several bytes": (f'größe = "ä€😀"; ARN = "{HEAD}:layer:" f"demo:{{maß}}"  # ü\nmaß = 3', ["demo:3"]),
    "set twice": (f'V = 3\nV = 4\nARN = f"{HEAD}:layer:demo:{{V}}"', [OPEN]),
    "added to": (f'V = 3\nV += 1\nARN = f"{HEAD}:layer:demo:{{V}}"', [OPEN]),
    "a sum": (f'V = 3\nARN = f"{HEAD}:layer:demo:{{V + 1}}"', [OPEN]),
    "a loop's variable": (f'for v in (3, 4):\n    f(f"{HEAD}:layer:demo:{{v}}")', [OPEN]),
    "a comprehension's, beside a constant": (f'v = 3\nA = [f"{HEAD}:layer:demo:{{v}}" for v in w]', [OPEN]),
    "a parameter, beside a constant": (f'v = 3\ndef f(v):\n    return f"{HEAD}:layer:demo:{{v}}"', [OPEN]),
    "further parameters, beside a constant": (
        f'v = w = 3\ndef f(*v: int, **w):\n    return f"{HEAD}:layer:a:{{v}}", f"{HEAD}:layer:b:{{w}}"',
        [OPEN, OPEN],
    ),
    "imported, or a constant": (
        f'try:\n  from a import b as v, w\nexcept A:\n  v = w = 3\nf(f"{HEAD}:layer:a:{{v}}", f"{HEAD}:layer:b:{{w}}")',
        [OPEN, OPEN],
    ),
    "a module of that name": (f'v = 3\nimport v.x\nARN = f"{HEAD}:layer:demo:{{v}}"', [OPEN]),
    "matched": (f'v = 3\nmatch x:\n  case {{"a": [v]}}:\n    g(f"{HEAD}:layer:demo:{{v}}")', [OPEN]),
    "printed otherwise": (f'V = 3\nARN = f"{HEAD}:layer:demo:{{V:02}}"', [OPEN]),
    "in two strings": (f'ARN = "{HEAD}:layer:demo:1" + "2"', [OPEN]),
    "goes on in a hole": (f'ARN = f"{HEAD}:layer:demo:1{{v}}"', [OPEN]),
    "leads back to itself": (f'a = b + "1"\nb = a + "2"\nARN = "{HEAD}:layer:demo:" + a', [OPEN]),
    "of a name that is open": (f'A = f"{HEAD}:layer:one:{{a}}"; B = f"{HEAD}:layer:two:{{a}}"', [OPEN, OPEN]),
}
TYPESCRIPT = {
    "template literal over lines": (
        f"const v = 3;\nconst a = `{HEAD}:layer:${{\n  'demo' /* x */\n}}:${{v}}`;",
        ["demo:3"],
    ),
    "template literal in one": (f"const a = `${{`{HEAD}:layer`}}:${{`demo:${{3}}`}}`;", ["demo:3"]),
    "plus with a comment between": (f"const a = '{HEAD}:layer:' + // ours\n  \"demo:\" + String(3);", ["demo:3"]),
    "casts": (f"const v = '3' as const; const a = `{HEAD}:layer:demo:${{v!}}` satisfies string;", ["demo:3"]),
    "join": (f"const p = ['{HEAD}', 'layer']; const a = [...p, 'demo', 3].join(':');", ["demo:3"]),
    "Fn.join": (f"const a = cdk.Fn.join(':', ['{HEAD}', 'layer', `demo`, '3']);", ["demo:3"]),
    "concat": (f"const a = '{HEAD}:layer:'.concat('demo', ':', (3).toString());", ["demo:3"]),
    "an object": (
        f"const l = {{ demo: {{ v: 3 }} }} as const; const a = `{HEAD}:layer:demo:${{l.demo.v}}`;",
        ["demo:3"],
    ),
    "an object by an open key": (
        "const v = { 'eu-west-1': 3, 'us-east-1': 4 }, a = `arn:aws:lambda:${r}:123456789012:layer:demo:${v[r]}`;",
        ["demo:3", "demo:4"],
    ),
    "an enumeration": (f"enum L {{ V = 3 }}\nconst a = `{HEAD}:layer:demo:${{L.V}}`;", ["demo:3"]),
    "static and this": (
        f"class S {{ static V = 3; w = 4; f() {{ g(`{HEAD}:layer:a:${{S.V}}`, `{HEAD}:layer:b:${{this.w}}`); }} }}",
        ["a:3", "b:4"],
    ),
    "either of two": (f"const a = `{HEAD}:layer:${{arm ? 'a:3' : 'b:4'}}`;", ["a:3", "b:4"]),
    "a fallback": (f"const a = `{HEAD}:layer:demo:${{process.env.V ?? 3}}`;", ["demo:3"]),
    "formatArn": (
        "const n = 3; x = Stack.of(t).formatArn({ service: 'lambda', resource: 'layer', resourceName: `demo:${n}` });",
        ["demo:3"],
    ),
    "formatArn of an object": (
        "const c = { resource: 'layer', resourceName: 'demo:3' }; x = Arn.format(c, this);",
        ["demo:3"],
    ),
    "a block's constant": (f"const v = f(); {{ const v = 3; g(`{HEAD}:layer:demo:${{v}}`); }}", ["demo:3"]),
    "set again": (f"let v = 3; v = 4; const a = `{HEAD}:layer:demo:${{v}}`;", [OPEN]),
    "set again with others": (f"let v = 3; [[w], {{x: v}}] = f(); const a = `{HEAD}:layer:demo:${{v}}`;", [OPEN]),
    "counted up": (f"let v = 3; v++; const a = `{HEAD}:layer:demo:${{v}}`;", [OPEN]),
    "a field that is counted up": (
        f"class S {{ v = 3; f() {{ this.v++; g(`{HEAD}:layer:a:${{this.v}}`); }} }}",
        [OPEN],
    ),
    "a sum": (f"const v = 3; const a = `{HEAD}:layer:demo:${{v + 1}}`;", [OPEN]),
    "a parameter": (f"const v = 3; const f = (v) => `{HEAD}:layer:demo:${{v}}`;", [OPEN]),
    "formatArn of what is open": (
        "x = this.formatArn({ service: 'lambda', resource: 'layer', resourceName: n });",
        [OPEN],
    ),
    "formatArn of another service": (
        "x = this.formatArn({ service: 'glue', resource: 'layer', resourceName: 'demo:3' });",
        [],
    ),
}
HCL = {
    "nested interpolation": (f'x = "${{"{HEAD}:${{"layer"}}"}}:demo:3"', ["demo:3"]),
    "comments inside": (f'x = join(":", [ # one\n "{HEAD}", // two\n "layer", /* three */ "demo", 3 ])', ["demo:3"]),
    "heredoc": (f'y = "demo"\nx = <<-EOT\n    {HEAD}:layer:${{local.y}}:3\n  EOT', ["demo:3"]),
    "for, over a local": (f'y = ["{HEAD}:layer:demo:3"]\nx = [for a in local.y : a if a != ""]', ["demo:3"]),
    "for, putting together": (f'y = "{HEAD}:layer"\nx = [for v in var.versions : "${{local.y}}:demo:${{v}}"]', [OPEN]),
    "for, an object": (
        f'y = "{HEAD}:layer"\nx = {{for k, v in var.versions : k => "${{local.y}}:demo:${{v}}"}}',
        [OPEN],
    ),
    "letters of several bytes": (f'grüße = "ä€😀" /* ü */\ny = "{HEAD}"\nx = "${{local.y}}:layer:demo:3"', ["demo:3"]),
    "format": (f'x = format("%s:layer:%[3]s:%[2]d", "{HEAD}", 3, "demo")', ["demo:3"]),
}
CASES = [
    *(("app.py", name, *case) for name, case in PYTHON.items()),
    *(("app.ts", name, *case) for name, case in TYPESCRIPT.items()),
    *(("main.tf", name, f"locals {{\n{code}\n}}\n", found) for name, (code, found) in HCL.items()),
]
ENCODINGS = {
    "utf-8": lambda text: text.encode(),
    "mark": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "latin-1": lambda text: (text.replace("€😀", "") + "\n# \xfc\n").encode("latin-1"),
    "windows": lambda text: text.replace("\n", "\r\n").encode(),
}


def _ids(cases):
    return [f"{file}-{name}" for file, name, *_ in cases]


def _found(path):
    report = find_pins(path)
    assert report.problems == []
    text = Source.read(path).text
    assert all(text[pin.start : pin.end] == str(pin.version) for pin in report.pins)
    return [OPEN] * len(report.unresolved) + [f"{pin.name}:{pin.version}" for pin in report.pins]


@pytest.mark.parametrize(("file", "code", "expected"), [case[:1] + case[2:] for case in CASES], ids=_ids(CASES))
def test_put_together(tmp_path, file, code, expected):
    """What is put together is found, in any encoding, with the digits where they stand; what is open is named."""
    path = tmp_path / file
    for encoding, written in ENCODINGS.items():
        path.write_bytes(written(code + "\n"))
        assert sorted(_found(path), key=str) == sorted(expected, key=str), encoding


@pytest.mark.parametrize("suffix", [".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs"])
def test_dialects(tmp_path, suffix):
    """Each kind of file of TypeScript and JavaScript is read, JSX where it can stand."""
    jsx = "const e = <A b={`x`}>{c}</A>;\n" if "x" in suffix or "j" in suffix else "const e = <string>c;\n"
    path = tmp_path / f"app{suffix}"
    path.write_text(f"{jsx}const a = `{HEAD}:layer:` + 'demo:3';\n")
    assert _found(path) == ["demo:3"]


@pytest.mark.parametrize(
    ("file", "code", "line"),
    [
        ("app.py", f'x = 1\nARN = ("{HEAD}:" ) "layer:demo:" ) + (\n', 2),
        ("app.ts", f"const x = 1;\nconst a = '{HEAD}' + ) ':layer:' ];\n", 2),
        ("main.tf", f'locals {{\n  x = "{HEAD}:layer:${{ }}:" ))\n', 1),
    ],
)
def test_what_is_not_understood_is_named(tmp_path, file, code, line):
    """Broken code that speaks of layers is a problem with its place, or an open reference; never silence."""
    path = tmp_path / file
    path.write_text(code)
    report = find_pins(path)
    assert report.pins == []
    assert [problem.line for problem in report.problems] == [line] or report.unresolved


def test_only_what_is_put_together_is_parsed(tmp_path, monkeypatch):
    """A program with whole ARNs alone, or none, costs no parser."""
    monkeypatch.setattr("layerctl.templates.code.trees.parse_tree", lambda *_: pytest.fail("parsed"))
    monkeypatch.setattr("layerctl.templates.code.programs.parse_tree", lambda *_: pytest.fail("parsed"))
    path = tmp_path / "app.py"
    path.write_text(f'A = {{"a": "{HEAD}:layer:demo:3", "b": ["{HEAD}:layer:demo:4"]}}\nimport layer; layer("x")\n')
    assert _found(path) == ["demo:3", "demo:4"]
