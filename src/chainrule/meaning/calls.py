"""Calls: activations, functions with a name, functions that a document defines, the loss of given arguments."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from ..notation.formula import Array as Entries
from ..notation.formula import At, Binary, Call, Dots, Equation, Formula, Index, Number, Partial, Symbol, Transpose
from . import functions
from .context import Context, argument_names
from .defined_functions import called, named_argument, values_of
from .letters import LOSSES, PER_SAMPLE, is_defined, place_of
from .lists import STACKS, is_list, stacked, unreadable
from .named_losses import NAMED, in_order, value_of
from .sums import OVER, kronecker, over_indices
from .values import SAMPLE, Labels, NoValueError, Value, misfit, size, spread, undefined

ACTIVATIONS = frozenset({"g", "f", "h", "phi", "psi"})


def is_function(c: Context, symbol: Symbol) -> bool:
    name = symbol.name
    if symbol.layer is not None or symbol.sample is not None:
        return False
    if name in c.model.definitions:
        given = argument_names(c.model.definitions[name])
        return len(given) == 1 and isinstance(given[0], Symbol) and given[0].name not in c.model.definitions
    if ("local", name) in c.overrides or name in c.model.depends:
        return False
    return functions.is_known(name) or (c.model.structure.is_network and name in ACTIVATIONS)


def call(c: Context, part: Call) -> Value:
    f = part.function
    count = len(part.arguments) - len(part.names)
    if isinstance(f, Partial):  # dg/dz (z): evaluated at its argument
        return c.eval(At(f, Equation((f.denominator, part.arguments[0]), ("=",))))
    if isinstance(f, Index) and isinstance(f.base, Symbol) and f.base.name in OVER and count == 1 and not part.names:
        return over_indices(c, f.base.name, f.entries, part.arguments[0])
    if isinstance(f, Index):
        return c.eval(Index(Call(f.base, part.arguments, part.names), f.entries))
    if not isinstance(f, Symbol):
        raise unreadable("a call of something that is no letter")
    name = f.name
    if name == "d" and len(part.arguments) == 1:
        return c.differential(part.arguments[0])
    if name in ("kronecker", "delta") and len(part.arguments) == 2 and name not in c.model.definitions:
        return kronecker(c, part.arguments)
    if name == "nabla" and len(part.arguments) == 1 and name not in c.model.definitions:
        return _gradient(c, part.arguments[0])
    if name in STACKS and not part.names and name not in c.model.definitions:
        return stacked(c, name, part.arguments)
    if name == "hessian" and 1 <= len(part.arguments) <= 2 and name not in c.model.definitions:
        return _hessian(c, *part.arguments)
    special = _of_letter(c, f, part)
    if special is not None:
        return special
    nested = _written_out(c, part)
    if nested is not None:
        return c.eval(nested)
    values = tuple(c.eval(named_argument(x)) for x in part.arguments[:count])
    if functions.is_of_columns(name) and not c.convention.rows and is_list(part.arguments[0]):
        values = (values[0].T, *values[1:])  # softmax([a, b]): the entries of one column
    s = c.model.structure
    if s.is_network and (f.layer is not None or (name in ACTIVATIONS and not functions.is_known(name))):
        layer = _layer_of(c, f, part.arguments)
        g = s.functions.get(layer)
        if g is None or len(values) != 1:
            raise undefined(f"{name}[{layer}] is no activation of this network")
        return functions.applied(g, values[0], f.prime, rows=c.convention.rows, width=s.widths[layer])
    if functions.is_known(name):
        options = dict(zip(part.names, part.arguments[count:], strict=True))
        return functions.call(c, name, f.prime, values, options)
    if c.model.is_free(name):
        return c.generic(name, values, f.prime)
    raise undefined(f"{name} is not defined")


def _written_out(c: Context, part: Call) -> Formula | None:
    """`g[L](g[L-1](… g[1](x)))` with the functions that the dots leave out; None where there are no dots."""
    f = part.function
    if not isinstance(f, Symbol) or f.layer is None or len(part.arguments) != 1:
        return None
    inner = part.arguments[0]
    factors: list[Formula] = []
    while isinstance(inner, Binary) and inner.sign == " ":
        factors.append(inner.right)
        inner = inner.left
    factors.append(inner)
    rest = [x for x in factors if not isinstance(x, Dots)]
    if len(rest) == len(factors) or len(rest) != 1 or not isinstance(rest[0], Call):
        return None
    inside, last = rest[0], rest[0].function
    if not isinstance(last, Symbol) or last.layer is None or last.name != f.name:
        raise unreadable("dots between two functions")
    layers = range(c.layer(last.layer) + 1, c.layer(f.layer))
    if not layers and c.layer(last.layer) + 1 != c.layer(f.layer):
        raise undefined("dots between functions whose layers do not fall")
    for number in layers:
        inside = Call(replace(f, layer=Number(Fraction(number))), (inside,))
    return Call(f, (inside,))


def _of_letter(c: Context, f: Symbol, part: Call) -> Value | None:
    """Functions that the document or the network defines: h(x) = …, L(ŷ, y), J(θ)."""
    name = f.name
    plain = f.layer is None and f.sample is None
    if plain and (f"def {name}", None) in c.overrides and not f.prime:
        return c.overrides[(f"def {name}", None)]
    if is_defined(c, f):
        return called(c, f, part)
    if plain and name in NAMED and not f.prime and len(part.arguments) == 2 and not part.names:
        yhat, y = (c.eval(named_argument(x)) for x in in_order(name, part.arguments))
        return value_of(name, yhat, y, rows=c.convention.rows, one=c.one)
    if plain and name in c.model.depends:
        if part.arguments == c.model.depends[name] and not f.prime:
            return c.eval(f)
        return c.generic(name, values_of(c, part.arguments, c.model.depends[name]), f.prime)
    if c.model.structure.is_network and name in LOSSES and not f.prime and f.layer is None:
        return _loss(c, f, part)
    return None


def _gradient(c: Context, of: Formula) -> Value:
    """∇f(x, y), and ∇f of an f that depends on x, y: the column of the derivatives by all of them."""
    if isinstance(of, Transpose):  # ∇f(x)ᵀ
        return _gradient(c, of.operand).T
    given: tuple[Formula, ...] = ()
    if isinstance(of, Symbol):
        known = c.model.definitions.get(of.name, of)
        given = known.arguments if isinstance(known, Call) else argument_names(known)
        alone = any(isinstance(x, Equation) and x.sides[0] == Call(Symbol("nabla"), (of,)) for x in c.roots[:1])
        given = given or (c.model.depends.get(of.name, ()) if alone else ())  # `df/dt = ∇f · dx/dt` says not on what
    elif isinstance(of, Call) and not of.names:
        given = of.arguments
    if not given or not all(isinstance(x, Symbol) for x in given):
        raise undefined("nabla without the letters by which it differentiates")
    top = of if isinstance(of, Call) else Call(of, given)
    parts = [c.eval(Partial(top, x)) for x in given]
    columns = [v if v.shape[1] == 1 else v.T for v in parts]
    if any(v.shape[1] != 1 or v.labels for v in columns):
        raise undefined("the gradient by a matrix beside other letters")
    return Value(np.concatenate([v.array for v in columns], axis=-2))


def _hessian(c: Context, of: Formula, by: Formula | None = None) -> Value:
    """∇²f: the second derivatives of a number by the entries of a column, or by those of which f is a function."""
    if by is None:
        given = of.arguments if isinstance(of, Call) and not of.names else _arguments_of(c, of)
        if len(given) != 1:
            raise undefined("∇² without the letter by which it differentiates")
        by = given[0]
    if not c.eval(of).is_scalar:
        raise undefined("∇² of more than one number")
    return c.eval(Partial(Partial(of, by), by))


def _arguments_of(c: Context, of: Formula) -> tuple[Formula, ...]:
    return argument_names(c.model.definitions.get(of.name, of)) if isinstance(of, Symbol) else ()


def _loss(c: Context, f: Symbol, part: Call) -> Value:
    """L(ŷ, y) is the loss of these arguments; J(θ) is J; L(i) is the loss of sample i."""
    arguments = tuple(named_argument(x) for x in part.arguments if not isinstance(x, Dots))
    other = [x for x in arguments if not isinstance(x, Symbol | Index | Number | Entries)]
    if len(other) == 1 and (len(arguments) == 1 or _is_of_parameters(arguments)):
        there = _moved(c, other[0])
        if there is not None:
            return there.eval(f)
        raise undefined(f"{f.name} of other arguments than its own")
    tape = c.model.structure.loss
    if len(arguments) == 1 and isinstance(arguments[0], Symbol | Number):
        inner = arguments[0]
        known = isinstance(inner, Symbol) and (inner.layer is not None or inner.name in PER_SAMPLE)
        if not known and (isinstance(inner, Number) or len(inner.name) == 1):
            return c.eval(Symbol(f.name, None, inner))
    told = any(isinstance(x, Equation) for x in part.arguments)  # L(yhat = a, y): of what it is taken
    if len(arguments) != 2 or tape is None or (not told and all(_name(x) in _ADJUSTED for x in arguments)):
        return c.eval(f)
    first, second = arguments
    if _name(first) in _TARGETS and _name(second) not in _TARGETS:  # L(y, ŷ), in the order of some texts
        first, second = second, first
    yhat, y = c.eval(first), c.eval(second)
    if c.convention.rows:
        yhat, y = yhat.T, y.T
    if yhat.shape != y.shape:
        raise misfit(f"{size(yhat.shape)} against {size(y.shape)}")
    union: Labels = tuple(dict.fromkeys(yhat.labels + y.labels))

    losses = tape({"Yhat": spread(yhat, union), "Y": spread(y, union)})
    if c.convention.minus_dropped:
        losses = -losses
    if losses.shape[-1] != 1 and LOSSES[f.name] == "J":
        total = losses.sum(axis=-1, keepdims=True)
        return Value(total if c.convention.summed else total / losses.shape[-1], union)
    if losses.shape[-1] != 1:
        losses = np.moveaxis(losses, -1, 0)[..., None]
        union = (SAMPLE, *union)
    elif LOSSES[f.name] == "J" and SAMPLE in union and not c.one:
        value = Value(losses, union)
        each = value.last(SAMPLE)
        return Value(each.sum(axis=-1) if c.convention.summed else each.mean(axis=-1), value.without(SAMPLE))
    return Value(losses, union)


_TARGETS = frozenset({"y", "Y", "t", "T"})
_ADJUSTED = frozenset({"W", "w", "b", "theta", "Theta", "beta"})


def _name(part: Formula) -> str:
    """y of y_k and y(i)."""
    base = part.base if isinstance(part, Index) else part
    return base.name if isinstance(base, Symbol) else ""


def _is_of_parameters(arguments: tuple[Formula, ...]) -> bool:
    """`J(w + ε, b)`: no outputs or targets among the arguments."""
    inside = {x.name for part in arguments for x in part.parts if isinstance(x, Symbol)}
    return bool(inside & _ADJUSTED) and not inside & (_TARGETS | {"yhat", "Yhat"})


def _moved(c: Context, argument: Formula) -> Context | None:
    """The network of `L(…, W_kl + ε, …)`, in which a quantity, or each entry of it in turn, is moved; else None."""
    if not isinstance(argument, Binary) or argument.sign not in "+-":
        return None
    base = argument.left.base if isinstance(argument.left, Index) else argument.left
    if not isinstance(base, Symbol):
        return None
    try:
        place = place_of(c, base)
    except NoValueError:
        return None
    if place.key not in {**c.model.structure.leaves, **c.model.structure.tapes}:
        return None
    stored, step = c.stored(place.key), c.eval(argument.right)
    if stored.labels or not step.is_scalar or (stored.samples and not isinstance(argument.left, Symbol)):
        return None
    by = step.array if argument.sign == "+" else -step.array
    own: Labels = ()
    units = np.ones(stored.shape)
    if isinstance(argument.left, Index):
        rows, cols = stored.shape
        each = np.eye(rows * cols).reshape(rows, cols, rows, cols)  # of every entry: itself alone
        each = each.transpose(1, 0, 2, 3) if place.turned else each
        first, *second = argument.left.entries
        if not second and 1 not in (rows, cols):
            return None
        own, each = c.picked(own, each, -4 if second or each.shape[0] > 1 else -3, first)
        own, each = c.picked(own, each, -3, second[0]) if second else (own, each)
        units = each[..., 0, 0, :, :]
    labels: Labels = (*step.labels, *own)
    array = by.reshape((*by.shape[:-2], *(1 for _ in own), 1, 1)) * units
    return c.child({place.key: Value(stored.array + array, labels, samples=stored.samples)}, stepped=c.complex)


def _layer_of(c: Context, f: Symbol, arguments: tuple[Formula, ...]) -> int:
    """The layer of an activation; one without it belongs to the layer of its argument."""
    if f.layer is not None:
        return c.layer(f.layer)
    inner = [p for x in arguments for p in x.parts if isinstance(p, Symbol) and p.layer is not None]
    for preferred in (("z", "Z", "W", "w", "b"), ("a", "A")):  # g(W[l] A[l-1] + b[l]) is that of layer l
        for part in inner:
            if part.name in preferred and part.layer is not None:
                return c.layer(part.layer)
    names = {g.name for g in c.model.structure.functions.values()}
    if len(names) == 1:
        return c.model.structure.layers
    raise undefined(f"{f.name} has no layer")
