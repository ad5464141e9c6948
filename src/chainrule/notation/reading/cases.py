"""Definitions by cases in one line: `1 if z > 0 else 0`, `1 if k = i and u = j, 0 otherwise`, `z > 0 ? 1 : 0`."""

from __future__ import annotations

from .clauses import IF, STATED, condition_in, first_word, outside
from .tokens import CLOSING, OPENING, Token, words

_ELSE = words("else otherwise")


def with_cases(tokens: list[Token]) -> list[Token]:
    """`1 if z > 0 else 0`, `1 if z > 0, 0 otherwise`, `z > 0 ? 1 : 0`, also in brackets, as a definition by cases."""
    asked = any(first_word(t) in IF or t.value == "?" for t in tokens if t.type == "WORD")
    if not asked and sum(t.type == "REL" for t in tokens) < 2:
        return tokens
    out: list[Token] = []
    for line in _lines(tokens):
        out += _line_with_cases(line)
    return out


def _lines(tokens: list[Token]) -> list[list[Token]]:
    """The tokens up to every line break and row, which end their line."""
    lines: list[list[Token]] = [[]]
    depth = 0
    for t in tokens:
        depth += (t.type in OPENING) - (t.type in CLOSING)
        lines[-1].append(t)
        if depth == 0 and (t.type == "ROW" or (t.type == "SEP" and t.value == "\n")):
            lines.append([])
    return lines


def _line_with_cases(line: list[Token]) -> list[Token]:
    line = _brackets_with_cases(line)
    at = _first_keyword(line)
    last = len(line)
    while last and (line[last - 1].type == "ROW" or (line[last - 1].type == "SEP" and line[last - 1].value in "\n.")):
        last -= 1
    begin = max(
        (
            k + 1
            for k in outside(line[:at] if at is not None else line)
            if line[k].type == "REL" and line[k].value in STATED
        ),
        default=0,
    )
    cases = _listed_cases(line[begin:last]) if at is None else _cases(line[begin:last])
    return line if cases is None else [*line[:begin], *cases, *line[last:]]


def _brackets_with_cases(line: list[Token]) -> list[Token]:
    """The same inside of round brackets and braces that are no scripts."""
    out: list[Token] = []
    stack: list[int] = []  # where in `out` each open bracket stands
    for t in line:
        if t.type in OPENING:
            stack.append(len(out))
        elif t.type in CLOSING and stack:
            begin = stack.pop()
            opened = out[begin]
            inner = out[begin + 1 :]
            script = begin > 0 and out[begin - 1].type in ("SUB", "SUP", "SQRT", "FRAC", "RBRACE")
            if opened.type in ("LPAR", "LBRACE") and not script and any(x.type in ("REL", "WORD") for x in inner):
                cases = _listed_cases(inner) if _first_keyword(inner) is None else _cases(inner)
                if cases is not None:
                    del out[begin + 1 :]
                    out[begin] = Token("LPAR", "(", opened.start, opened.end)
                    out += [*cases, Token("RPAR", ")", t.start, t.end)]
                    continue
        out.append(t)
    return out


def _first_keyword(tokens: list[Token]) -> int | None:
    return next((k for k in outside(tokens) if first_word(tokens[k]) in IF or tokens[k].value == "?"), None)


def _cases(tokens: list[Token]) -> list[Token] | None:
    """The tokens as a definition by two cases or more; None where they are none."""
    branches = _branches(_parts(tokens))
    if branches is None or len(branches) < 2 or any(not value for value, _ in branches):
        return None
    start, end = tokens[0].start, tokens[-1].end
    out = [Token("CASES", "cases", start, start)]
    for n, (value, condition) in enumerate(branches):
        if condition is None and n < len(branches) - 1:
            return None
        if condition is not None and (condition := _all_of(condition)) is None:
            return None
        beside = condition or [Token("WORD", "otherwise", end, end)]
        out += [*([Token("ROW", "\\\\", end, end)] if n else []), *value, Token("AMP", "&", end, end), *beside]
    return [*out, Token("ENDC", "cases", end, end)]


def _listed_cases(tokens: list[Token]) -> list[Token] | None:
    """`1, z > 0; 0, z <= 0` and `1 (z > 0), 0 (z <= 0)` as a definition by cases; None for other lists."""
    bare = set(outside(tokens))
    semicolons = any(tokens[k].type == "SEMI" for k in bare)
    parts: list[list[Token]] = [[]]
    for k, t in enumerate(tokens):
        if k in bare and t.type == ("SEMI" if semicolons else "COMMA"):
            parts.append([])
        else:
            parts[-1].append(t)
    if len(parts) < 2:
        return None
    written: list[Token] = []
    for n, part in enumerate(parts):
        commas = [k for k in outside(part) if part[k].type == "COMMA"]
        value, condition = part[: commas[0]] if commas else part, part[commas[0] + 1 :] if commas else []
        if not commas and part and part[-1].type == "RPAR":
            opened = max((k for k in range(len(part)) if part[k].type == "LPAR"), default=0)
            value, condition = part[:opened], part[opened + 1 : -1]
        otherwise = len(condition) == 1 and first_word(condition[0]) in _ELSE and n == len(parts) - 1
        if len(commas) > 1 or not value or not (otherwise or condition_in(condition)):
            return None
        end = value[-1].end
        written += [Token("SEMI", ";", end, end)] if n else []
        written += [*value, Token("WORD", "else" if otherwise else "if", end, end), *([] if otherwise else condition)]
    return _cases(written)


def _all_of(tokens: list[Token]) -> list[Token] | None:
    """A condition, or several joined by "and" as a product of brackets, 1 where all of them hold; None for others."""
    parts: list[list[Token]] = [[]]
    for t in tokens:
        if _joins(t):
            parts.append([])
        else:
            parts[-1].append(t)
    if any(condition_in(part) is None for part in parts):
        return None
    if len(parts) == 1:
        return tokens
    out: list[Token] = []
    for part in parts:
        start, end = part[0].start, part[-1].end
        inner = [t._replace(value="==") if t[:2] == ("REL", "=") else t for t in part]
        out += [Token("LPAR", "(", start, start), *inner, Token("RPAR", ")", end, end)]
    return out


def _joins(t: Token) -> bool:
    """Whether a sign says "and"."""
    return t[:2] == ("SEP", "and") or first_word(t) == "and"


_Part = tuple[str, list[Token]]  # "if", "else", "sep", "?", ":" or "value" with its tokens


def _parts(tokens: list[Token]) -> list[_Part]:
    found: list[_Part] = []
    bare = set(outside(tokens))
    for k, t in enumerate(tokens):
        kind = ""
        in_condition = len(found) > 1 and found[-1][0] == "value" and found[-2][0] == "if"
        if k in bare and _joins(t) and in_condition and _compares(tokens, k + 1):
            found[-1][1].append(t)
            continue
        if k in bare:
            word = first_word(t)
            known = {**dict.fromkeys(IF, "if"), **dict.fromkeys(_ELSE, "else"), "?": "?", "then": "sep", "and": "sep"}
            kind = known.get(word, "")
            kind = "sep" if t.type in ("COMMA", "SEMI", "SEP") else ":" if t.type == "COLON" else kind
        if kind == "if" and found and found[-1][0] in ("if", "else"):  # else if; if … for
            found[-1] = ("if", [])
        elif kind:
            found.append((kind, []))
        elif t.type == "AMP" or (t.type == "WORD" and found and found[-1][0] == "if"):  # for all
            continue
        elif found and found[-1][0] == "value":
            found[-1][1].append(t)
        else:
            found.append(("value", [t]))
    return found


def _compares(tokens: list[Token], k: int) -> bool:
    """Whether a comparison stands from place k on, up to the next word or comma."""
    for t in tokens[k:]:
        if t.type in ("WORD", "COMMA", "SEMI", "SEP", "COLON"):
            return False
        if t.type == "REL":
            return True
    return False


def _branches(parts: list[_Part]) -> list[tuple[list[Token], list[Token] | None]] | None:
    """(value, condition) of every case, the condition None for "otherwise"; None where the parts make no sense."""
    found: list[tuple[list[Token], list[Token] | None]] = []
    otherwise = False
    i = 0

    def behind(k: int) -> int:
        """The next part from k that is no mere sign between."""
        while k < len(parts) and parts[k][0] == "sep":
            k += 1
        return k

    while (i := behind(i)) < len(parts):
        kind, tokens = parts[i]
        k = behind(i + 1)
        after = parts[k][0] if k < len(parts) else ""
        if kind in ("else", ":"):
            otherwise = True
            i += 1
        elif kind == "if":  # if z > 0 then 1
            k = behind(i + 2) if i + 1 < len(parts) else len(parts)
            k = behind(k + 1) if k < len(parts) and parts[k][0] == ":" else k
            if k >= len(parts) or parts[i + 1][0] != "value" or parts[k][0] != "value":
                return None
            found.append((parts[k][1], parts[i + 1][1]))
            i = k + 1
        elif kind == "value" and after == "if":
            if k + 1 >= len(parts) or parts[k + 1][0] != "value":
                return None
            found.append((tokens, parts[k + 1][1]))
            i = k + 2
        elif kind == "value" and after == "?":
            if k + 1 >= len(parts) or parts[k + 1][0] != "value":
                return None
            found.append((parts[k + 1][1], tokens))
            i = k + 2
        elif kind == "value" and (otherwise or after == "else"):
            found.append((tokens, None))
            i = i + 1 if otherwise else k + 1
            if behind(i) < len(parts):
                return None
        else:
            return None
    return found
