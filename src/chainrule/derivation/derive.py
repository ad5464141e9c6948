"""`derive`: the gradient of a network, a model, a saved run or an expression, as an object that prints and verifies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .. import reverse
from ..errors import ConfigurationError, DerivationError, unknown_name
from ..graph import Graph, Node, substitute, text, variable
from ..laws import simplify
from ..nn import Dense, Loss, Network, Objective
from ..nn import loss as loss_of
from ..nn.losses import LOSSES
from ..notation.style import Notation
from ..notation.write import GREEK
from ..ops import ACTIVATIONS
from .conventions import Conventions, rows_as_samples, transposed
from .document import Document, Section
from .sections import document
from .steps import NamedStep
from .subject import Subject, natural_loss, of_expression, of_network

if TYPE_CHECKING:
    from ..train import Model
    from .pages import Page
    from .verify import Report


@dataclass(frozen=True)
class Derivation(reverse.Derivation):
    """A derivation that prints: `print(d.text())`, `d.latex()`, `d.markdown()`, `d.html()`, `d.numpy()`; in Jupyter it
    shows itself. `d["dW[2]"]`, `d.steps`, `d.of(node)` are those of `chainrule.reverse.Derivation`; with samples as
    rows its expressions are transposed.
    """

    subject: Subject | None = field(default=None, repr=False)
    layer: int | None = None

    def __getitem__(self, name: str) -> Node:
        """The derivative of that name; of a fused loss, dA[L] is that of the loss as it was written."""
        subject = self.subject
        early = None if subject is None else dict(subject.early).get(name)
        stem = name.removeprefix("d")
        if (
            subject is None
            or early is None
            or stem == subject.letter("Z", subject.layers)
            or stem not in subject.forward
        ):
            return super().__getitem__(name)
        node = subject.forward[stem]
        whole = substitute(early, {variable(stem, *node.shape): node})
        return transposed(whole, {}) if subject.conventions.rows else whole

    def equation(self, name: str) -> str:
        """`dW[2] = 1/m * dZ[2] @ A[1].T`; where one derivative has several names, `db[2] = dz[2]`."""
        node, order = self[name], self.ordered()
        usual: dict[Node, str] = {}  # of several names that of the logits, then the first on the way back
        for n in sorted(order, key=lambda n: (self.names[n[1:]].is_variable, not n.startswith(("dZ", "dz")))):
            if not self[n].is_constant:
                usual.setdefault(self[n], n)
        first = next((n for n in order if self[n] is node), name)
        if node in usual and name != first and self.names[name[1:]].is_variable:
            return f"{name} = {first if usual[node] == name else usual[node]}"
        return f"{name} = {text(node, {x: n for n, x in self.names.items()} | usual, inside=True)}"

    @property
    def _subject(self) -> Subject:
        assert self.subject is not None
        return self.subject

    @cached_property
    def _document(self) -> Document:
        return document(self._subject, only=self.layer)

    def document(self, *, steps: bool = True) -> Document:
        """What is printed: sections of lines. Without `steps`, the section of every single step is left out."""
        return self._document if steps else document(self._subject, steps=False, only=self.layer)

    def page(
        self,
        *,
        steps: bool = False,
        proofs: bool = False,
        two_ways: bool = False,
        numbers: bool | str | Path | Mapping[str, Any] = False,
        digits: int = 4,
        seed: int = 0,
    ) -> Page:
        """The derivation as a page that prints and verifies, with what is asked for besides.

        steps     every single step, rule by rule and law by law
        proofs    the matrix rules in indices, every activation from its definition
        two_ways  the last layer by the chain rule and by substitution
        numbers   every line with numbers put in: True draws them by `seed`; a file or a mapping gives your own, see
                  `values.with_numbers`; `digits` decimals are printed

        Raises `DerivationError` for what does not exist here, such as two ways of an expression.
        """
        from .pages import Page

        found = self.document(steps=steps)
        sections = list(found.sections)
        if two_ways or proofs:
            from .proofs.explained import both_ways
            from .proofs.explained import proofs as proved

            sections += [both_ways(self._subject)] if two_ways else []
            sections += [proved(self._subject)] if proofs else []
        if numbers is not False:
            sections.append(self._numbers(numbers, digits, seed))
        whole = replace(found, sections=tuple(sections))
        return Page(whole, self._subject.conventions.writing(), self._subject)

    def numbers(self, given: bool | str | Path | Mapping[str, Any] = True, *, digits: int = 4, seed: int = 0) -> Page:
        """The lines with numbers put in, alone: `d.numbers("x=2, y=1, W1=0.5, b1=-1")`; arguments as for `page`."""
        from .pages import Page

        subject = self._document.subject
        only = Document(self._document.title, subject, (self._numbers(given, digits, seed),))
        return Page(only, self._subject.conventions.writing(), self._subject)

    def _numbers(self, given: bool | str | Path | Mapping[str, Any], digits: int, seed: int) -> Section:
        from .values import with_numbers

        return with_numbers(self, None if isinstance(given, bool) else given, digits=digits, seed=seed)

    def lines(self, name: str) -> Page:
        """The lines about one name, such as "dW[2]": a page that prints as text, LaTeX and HTML.

        Raises `UnknownNameError` for a name about which there is no line.
        """
        from .pages import Page

        every = self.document(steps=False)
        found = tuple(x for s in every.sections for x in s.lines if x.label == name)
        if not found:
            raise unknown_name("name of a line", name, [x.label for s in every.sections for x in s.lines])
        kind = next(s.kind for s in every.sections for x in s.lines if x.label == name)
        page = Document(f"{name} in {every.subject}", every.subject, (Section("", kind, lines=found),))
        return Page(page, self._subject.conventions.writing(), self._subject)

    def verify(self, *, steps: bool = True, seed: int = 0) -> Report:
        """Read every printed line back from its text and its LaTeX and evaluate it; `report.check()` raises."""
        return self.page(steps=steps).verify(seed=seed)

    def text(self, width: int = 80, **sections: Any) -> str:
        """Unicode text for a terminal of `width` columns; `sections` as for `page`."""
        return self.page(**sections).text(width)

    def latex(self, *, standalone: bool = True, **sections: Any) -> str:
        """A LaTeX document, or the fragment between its begin and end."""
        return self.page(**sections).latex(standalone=standalone)

    def markdown(self, **sections: Any) -> str:
        """Markdown with formulas between dollars."""
        return self.page(**sections).markdown()

    def html(self, *, standalone: bool = True, **sections: Any) -> str:
        """A page with MathML that needs no network."""
        return self.page(**sections).html(standalone=standalone)

    def program(self, language: str = "numpy") -> str:
        """The gradient as a program that stands alone: "numpy", "torch" or "jax"."""
        from .programs import program as programs

        return programs.program(self, language)

    def numpy(self) -> str:
        """The gradient as a NumPy program."""
        return self.program("numpy")

    def torch(self) -> str:
        """The gradient as a PyTorch program without automatic derivatives."""
        return self.program("torch")

    def jax(self) -> str:
        """The gradient as a JAX program without automatic derivatives."""
        return self.program("jax")

    def _repr_html_(self) -> str:
        return self.page()._repr_html_()

    def _repr_markdown_(self) -> str:
        return self.page()._repr_markdown_()


MOST_LAYERS = 50  # a page of a thousand lines, seconds of verification; more is a mistake in typing


def derive(
    given: str | Path | Network | Objective | Model | Node,
    wrt: str | Node | Sequence[Node | str] | None = None,
    loss: str | Loss | None = None,
    *,
    labels: bool = False,
    place: Literal["parameters", "dZ"] = "parameters",
    samples: Literal["columns", "rows", "one"] = "columns",
    layout: Literal["numerator", "denominator"] = "denominator",
    style: Notation = "ng",
    layer: int | Literal["l"] | None = None,
    seed: Node | None = None,
    names: Mapping[str, Node] | Graph | None = None,
) -> Derivation:
    """Derive the gradient of a network's cost, or of any matrix expression.

    given    a network string such as "4-3:sigmoid-1:sigmoid", a `Network`, an `Objective` (with labels, weights of
             samples), a `train.Model`, a `Sequential`, an `MLP`, a fitted estimator, the folder of a saved run, an
             expression such as "sum((W @ x - y)**2)", or a graph node
    wrt      names or nodes by which an expression is differentiated; None: by all its letters
    loss     of a network; None takes the one made for its output activation
    labels   targets are integers 0..K-1
    place    where 1/m stands: at the "parameters" (dZ, dA are derivatives of the loss per sample), or in "dZ"
    samples  "columns", "rows", or "one" sample; layout "denominator" or "numerator" of derivatives
    style    notation: "ng", "delta", "leibniz", "components"
    layer    "l": the recursion of a general layer, derived with symbolic sizes; a number: only that layer's lines
    seed     cotangent of a node that is not 1 × 1; names: named parts of a node

    Returns a `Derivation`. Raises `ConfigurationError` or `UnknownNameError` for what cannot be read,
    `DerivationError` for what cannot be derived, `ShapeError` for shapes that do not fit.
    """
    conventions = Conventions(place, samples, layout, style)
    wanted = [wrt] if isinstance(wrt, str | Node) else wrt
    if isinstance(given, Node):
        return _presented(of_expression(given, wanted, conventions, seed=seed, names=names))
    if seed is not None or names is not None:
        raise ConfigurationError("seed and names belong to a graph node; a network and a text have their own")
    found = _objective(given, loss, labels)
    if found is None:
        if layer is not None or loss is not None:
            raise ConfigurationError(f"{given!r} is an expression: layer and loss belong to a network")
        if samples == "rows":
            raise ConfigurationError("samples='rows' belongs to a network: an expression is derived as it is written")
        from .expressions import expression, letters_by

        output, title = expression(str(given))
        by = letters_by(wanted, output)
        return _presented(of_expression(simplify(output), by, conventions, title=title, given=output))
    if wanted is not None:
        raise ConfigurationError(_misplaced(wanted))
    _refuse_without_value(found)
    if layer == "l":
        from .recursion import recursion

        return _presented(recursion(found, conventions))
    dense = sum(isinstance(x, Dense) for x in found.network.layers)
    if dense > MOST_LAYERS:
        raise DerivationError(
            f"the network has {dense:,} layers, and at most {MOST_LAYERS} are written one by one: "
            "derive a general layer with layer='l' (--layer l)"
        )
    subject = of_network(found, conventions)
    if layer is not None and not 1 <= layer <= subject.layers:
        raise ConfigurationError(f"layer {layer!r} does not exist: the network {found.network} has {subject.layers}")
    return _presented(subject, layer)


def _presented(subject: Subject, layer: int | None = None) -> Derivation:
    found = subject.found
    if subject.names:
        found = reverse.Derivation(found.output, found.cotangents, found.steps, subject.names)
    if subject.conventions.rows:
        found = rows_as_samples(found)
    shown = {found[n]: n for n in reversed(list(found)) if not found[n].is_constant}
    shown |= {node: n for n, node in reversed(list(found.names.items()))}
    steps = tuple(
        NamedStep(s.rule, s.target, s.before, s.after, s.why, subject=subject, origin=origin, shown=shown)
        for s, origin in zip(found.steps, subject.found.steps, strict=True)
    )
    return Derivation(found.output, found.cotangents, steps, found.names, subject, layer)


def _refuse_without_value(objective: Objective) -> None:
    """A loss that has no value at any output, such as the logarithm of logarithms."""
    network, loss = objective.network, objective.loss
    activation = network.output_activation
    if activation not in ACTIVATIONS or activation == loss.output_activation:
        return
    from .trials.points import has_a_point

    if not has_a_point(activation, network.outputs, loss):
        raise ConfigurationError(
            f"{loss.name.replace('_', ' ')} has no value at the outputs of {activation} with {network.outputs} "
            f"{'unit' if network.outputs == 1 else 'units'}: its derivative does not exist; take :softmax with several "
            "units or :sigmoid"
        )


def _misplaced(wanted: Sequence[Node | str]) -> str:
    """What to say of a second argument after a network."""
    name = wanted[0] if len(wanted) == 1 and isinstance(wanted[0], str) else ""
    if name in LOSSES:
        return f"the second argument of derive is wrt, and {name!r} is a loss: write derive(network, loss={name!r})"
    return "wrt belongs to an expression; a network is derived by all its parameters: leave it out"


def _objective(given: Any, loss: str | Loss | None, labels: bool) -> Objective | None:
    """The objective of a network, or None for a text that is an expression."""
    if isinstance(given, Objective):
        return given
    if isinstance(given, Network):
        return Objective(given, loss_of(loss if loss is not None else natural_loss(given)), labels)
    if isinstance(given, str) and "-" in given and given.strip()[:1].isdigit() and not set(given) & set("()@*+/ "):
        return _objective(Network.parse(given), loss, labels)
    if isinstance(given, Path) or (isinstance(given, str) and _is_run(given)):
        from ..tabular.saved import SavedRun

        return _replaced(SavedRun.load(given).model.objective, loss)
    if isinstance(given, str):
        if _looks_like_a_path(given):
            raise ConfigurationError(
                f"{given!r} does not exist: give the folder of a finished run, a network such as 4-3:sigmoid-1, or an "
                "expression such as sum((W @ x - y)**2)"
            )
        return None
    objective = _behind(given)
    if objective is None:
        unfitted = ": fit it first" if hasattr(given, "fit") and hasattr(given, "get_params") else ""
        raise ConfigurationError(
            f"derive was given a {type(given).__name__}{unfitted or ' that holds no network'}; it takes a network "
            "string, a Network, an Objective, a Model, a Sequential, an MLP, a fitted estimator, the folder of a run, "
            "an expression as text, or a graph node"
        )
    return _replaced(objective, loss)


def _behind(given: Any) -> Objective | None:
    """The objective of what people train with: a Model, a Sequential, a fitted estimator, an MLP of the slides."""
    for holder in (given, getattr(given, "_machine", None)):
        for found in (holder, getattr(holder, "model", None)):
            objective = getattr(found, "objective", None)
            if isinstance(objective, Objective):
                return objective
    layers, cost = getattr(given, "layers", None), getattr(given, "cost_function", None)
    if not layers or cost is None:
        return None
    named = [x.activ_func.name if x.activ_func.name in ACTIVATIONS else x.activ_func.function for x in layers]
    dense = tuple(Dense(len(x.weights), g) for x, g in zip(layers, named, strict=True))
    return Objective(Network(layers[0].weights.shape[1], dense), cost.loss)


def _replaced(objective: Objective, loss: str | Loss | None) -> Objective:
    return objective if loss is None else replace(objective, loss=loss_of(loss))


def _looks_like_a_path(given: str) -> bool:
    """Names between slashes and hyphens, such as runs/customers-001: letters of an expression are no words."""
    words = re.findall(r"[^\W\d_]{3,}", given)
    return bool(re.fullmatch(r"[\w./\\-]+", given.strip())) and any(w not in GREEK for w in words)


def _is_run(given: str) -> bool:
    try:
        return bool(given.strip()) and (Path(given).is_dir() or Path(given).suffix == ".safetensors")
    except (OSError, ValueError):
        return False


__all__ = ["Derivation", "DerivationError", "derive"]
