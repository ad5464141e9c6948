"""Programs in documents: their assignments as formulas."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .changes import Changed, Values, copied, labelled
from .found import Found
from .lists import of_lists
from .tex import words

_STATEMENT = re.compile(r"([A-Za-z_][\w.]*(?:\[[^\]=]*\])*)\s*([-+*/]?)=(?!=)\s*(.+)", re.DOTALL)
_KEYWORD = re.compile(r"(?:if|elif|else|for|while|def|class|return|import|from|print|assert|with|raise|try|except)\b")
_CHANGE = re.compile(r"[-+*/]=|\[[^\]]*\]\s*=")
_LAMBDA = re.compile(r"([A-Za-z]\w*)\s*=\s*lambda\s+([A-Za-z]\w*)\s*:\s*(.+)", re.DOTALL)
_DEF = re.compile(r"def\s+([A-Za-z]\w*)\(\s*([A-Za-z]\w*)[^,()]*\)[^:()]*:\s*(.*)", re.DOTALL)
_RETURN = re.compile(r"return\s+(.+)", re.DOTALL)
_LONGEST = 4_000  # characters of one statement
_ROWS = 20  # lines of one statement
# Calls that make numbers, where they are all that is assigned; and those that no formula contains.
_MADE = words(
    "copy clone deepcopy len array asarray zeros ones empty eye full arange linspace zeros_like ones_like dict list"
)
_DRAWN = re.compile(r"rand\w*|load\w*|seed|normal|uniform|choice|permutation|shuffle|open|read\w*|input")


def of_code(block: str, first: int) -> Iterator[Found]:
    """The assignments of a block of code; what is no assignment of an expression is passed over."""
    found: list[Found] = []
    values, given = Values(), dict[str, int]()  # of each name, where its value was found
    rewritten = of_lists(block)
    for start, statement, following in _statements(block):
        if start in rewritten:
            if rewritten[start]:
                found.append(Found(first + start, " ".join(statement.split()), rewritten[start], "code"))
            continue
        if (defined := _function(statement, following)) is not None:
            found.append(Found(first + start + defined[1], defined[2], defined[0], "code"))
            continue
        printed = " ".join(statement.split())
        indent = len(statement) - len(statement.lstrip())
        for part in statement.split(";"):
            text = printed if ";" not in statement else part.strip()
            if values.another(part, indent):
                continue
            changed = values.after(part, indent)
            if changed is not None:
                _change(found, given, changed, Found(first + start, text, changed.formula, "code", name=changed.name))
            elif formula := values.put(assignment(part.strip())):
                found.append(Found(first + start, text, formula, "code"))
                given[formula.partition(" ")[0]] = len(found) - 1
            elif copied := values.put(copy_of(part.strip())):  # listed where it is changed
                found.append(Found(first + start, text, copied, "code", certain=False))
                given[copied.partition(" ")[0]] = len(found) - 1
    yield from (f for f in found if f.certain or f.then)


def _change(found: list[Found], given: dict[str, int], changed: Changed, now: Found) -> None:
    """Append a change of a value; where nobody used it since it was given, both say one thing."""
    base = given.get(changed.name)
    if base is None or changed.begins:
        given[changed.name] = len(found)
    else:
        now = replace(now, after=found[base].line)
        found[base] = replace(found[base], then=(*found[base].then, now), name=changed.name)
    found.append(now)


def with_changes(found: Sequence[Found]) -> list[Found]:
    """Lines of a text that are a program: `d /= m` right behind `d = P - Y`."""
    new: list[Found] = []
    values, given, last = Values(), dict[str, int](), 0
    for each in found:
        statement = each.text if each.display and each.syntax != "latex" else ""
        if not statement or each.line > last + 1:
            values, given = Values(), {}
        last = each.line
        changed = values.after(statement, 0) if statement else None
        if changed is not None and _CHANGE.search(statement):
            _change(new, given, changed, replace(each, formula=changed.formula, syntax="code", name=changed.name))
            continue
        if statement:
            given[statement.partition(" ")[0]] = len(new)
        new.append(each)
    return new


def _statements(block: str) -> Iterator[tuple[int, str, str]]:
    """The statements of a block: the number of the first line, the statement, the line behind it."""
    lines = block.split("\n")
    i = 0
    while i < len(lines):
        start, statement = i, _without_comment(lines[i])
        while i - start < _ROWS and i + 1 < len(lines) and _goes_on(statement):
            i += 1
            statement = statement.rstrip().removesuffix("\\") + " " + _without_comment(lines[i]).strip()
        i += 1
        yield start, statement, lines[i] if i < len(lines) else ""


def _function(statement: str, following: str) -> tuple[str, bool, str] | None:
    """`def f(z): return …` and `f = lambda z: …` as f(z) = …; whether its value stands in the next line; its text."""
    match = _LAMBDA.fullmatch(statement.strip())
    if match is not None:
        return f"{match[1]}({match[2]}) = {match[3]}", False, " ".join(statement.split())
    match = _DEF.fullmatch(statement.strip())
    if match is None:
        return None
    below = not match[3]
    said = _RETURN.fullmatch((_without_comment(following) if below else match[3]).strip())
    if said is None or _parsed(said[1]) is None or len(said[1]) > _LONGEST:
        return None
    return f"{match[1]}({match[2]}) = {said[1]}", below, said[0] if below else " ".join(statement.split())


def of_matlab(block: str, first: int) -> Iterator[Found]:
    """The assignments of a block of MATLAB or Octave, in the signs that formulas have."""
    for number, line in enumerate(block.split("\n"), first):
        for part in re.sub(r"%.*|#.*|\.\.\.$", "", line).split(";"):
            match = _STATEMENT.fullmatch(part.strip())
            if match is None or len(part) > _LONGEST or _KEYWORD.match(part.strip()) or match[2]:
                continue
            if re.search(r"[\"{}]|\bend\b", part):
                continue
            right = match[3].strip()
            if re.match(r"(?:zeros|ones|rand\w*|load|eye|size|numel|length)\s*\(", right):
                continue
            yield Found(number, " ".join(part.split()), f"{match[1]} = {_from_matlab(right)}", "code")


def _from_matlab(text: str) -> str:
    """Entries are multiplied by .*, matrices by *, and ' transposes; the first dimension is 1."""
    text = re.sub(r"(\./\s*)sum\(((?:[^(),]|\([^()]*\))*)\)(?!\s*\))", r"\1sum(\2, 1)", text)  # of columns
    text = re.sub(r"(?<=[\w)\]'])'", ".T", text)
    text = re.sub(r"(?<![.*])\*(?!\*)", " · ", text)
    text = re.sub(r"\.\*", "*", text)
    text = re.sub(r"\.([/^])", r"\1", text)
    text = re.sub(r"\bsize\(\s*(\w+)\s*,\s*([12])\s*\)", lambda m: f"shape({m[1]}, {int(m[2]) - 1})", text)
    return re.sub(
        r"\b(sum|mean)\(([^()]*(?:\([^()]*\)[^()]*)*),\s*([12])\s*\)",
        lambda m: f"{m[1]}({m[2]}, axis={int(m[3]) - 1}, keepdims=True)",
        text,
    )


def _goes_on(statement: str) -> bool:
    """Whether a statement has an open bracket or ends in a backslash."""
    opened = sum(statement.count(x) for x in "([{") - sum(statement.count(x) for x in ")]}")
    return opened > 0 or statement.rstrip().endswith("\\")


_GRADIENT = re.compile(r"(?<![\w.])(self\.)?(?!self\b)([A-Za-z]\w*)\.(?:g|grad)(?![\w(])")


def assignment(statement: str) -> str:
    """`W -= x` as `W = W - (x)`; empty where a statement assigns no expression of quantities.

    The attribute of a tensor that holds its derivative, `w.g`, is dw.
    """
    statement = _GRADIENT.sub(r"\1d\2", statement)
    match = _STATEMENT.fullmatch(statement)
    if match is None or _KEYWORD.match(statement) or len(statement) > _LONGEST:
        return ""
    left, operation, right = match[1], match[2], match[3].strip()
    tree = _parsed(right)
    if (tree is None and re.search(r"['\"]|\bNone\b", right)) or (tree is not None and not _computes(tree)):
        return ""
    return labelled(f"{left} = {right}" if not operation else f"{left} = {left} {operation} ({right})")


def copy_of(statement: str) -> str:
    """`d = P.copy()` as d = P; empty where a statement is no copy."""
    match = _STATEMENT.fullmatch(statement)
    tree = _parsed(match[3]) if match is not None and not match[2] and not _KEYWORD.match(statement) else None
    of = copied(tree) if tree is not None else ""
    return f"{match[1]} = {of}" if match is not None and of else ""


def fault_of(program: str) -> str:
    """Where and why a text is no program of Python, "line 3: invalid syntax"; empty where it is one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            ast.parse(program)
    except SyntaxError as error:
        return f"line {error.lineno or 1}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"line 1: {error}"
    return ""


def is_python(line: str) -> bool:
    """Whether a line is a whole statement of Python, or none at all."""
    return _tree(line.strip()) is not None


def _parsed(text: str) -> ast.expr | None:
    tree = _tree(text)
    return tree.body[0].value if tree and len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr) else None


def _tree(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _computes(tree: ast.expr) -> bool:
    """Whether an expression computes with quantities: no data, no texts, nothing drawn at random or read."""
    if isinstance(tree, ast.Constant | ast.List | ast.Dict | ast.Set | ast.Tuple | ast.Lambda | ast.ListComp):
        return isinstance(tree, ast.Constant) and isinstance(tree.value, int | float) and tree.value is not True
    if isinstance(tree, ast.Call) and _called(tree) in _MADE:
        return False
    if isinstance(tree, ast.Subscript) and isinstance(tree.slice, ast.Constant):
        sized = isinstance(tree.value, ast.Attribute) and tree.value.attr == "shape"
        if sized or isinstance(tree.slice.value, str):
            return False  # a size, or a quantity taken out of its box
    keys = {id(n) for x in ast.walk(tree) if isinstance(x, ast.Subscript) for n in ast.walk(x.slice)}
    keys |= {id(x.args[0]) for x in ast.walk(tree) if isinstance(x, ast.Call) and _called(x) == "einsum" and x.args}
    for part in ast.walk(tree):
        if isinstance(part, ast.Constant) and isinstance(part.value, str | bytes) and id(part) not in keys:
            return False
        if isinstance(part, ast.Call) and _DRAWN.fullmatch(_called(part)):
            return False
    return True


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _without_comment(line: str) -> str:
    return line if "#" not in line else re.sub(r"(?<!['\"])#.*", "", line)
