"""Named expressions in order, and the groups (layers) they belong to.

Names live here, not in nodes: `A[1]` is the name of an expression within one table, and its cotangent is named
`dA[1]` in the table of the derivation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from ..errors import unknown_name
from .node import Node, variables, walk
from .printing import text


class Graph(Mapping[str, Node]):
    """An immutable, ordered table of named nodes with groups.

    nodes   name -> expression, inputs before outputs, e.g. {"Z[1]": W @ A + b, "A[1]": tanh(Z)}
    groups  name of a group -> names of its nodes, e.g. {"layer 1": ("Z[1]", "A[1]")}

    Raises `UnknownNameError` for a group over names that are not in the table, `ShapeError` when one variable name
    has two shapes.
    """

    def __init__(self, nodes: Mapping[str, Node], groups: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._nodes = MappingProxyType(dict(nodes))
        self.groups: Mapping[str, tuple[str, ...]] = MappingProxyType({k: tuple(v) for k, v in (groups or {}).items()})
        for group, members in self.groups.items():
            for member in members:
                if member not in self._nodes:
                    raise unknown_name(f"member of group {group!r}", member, self._nodes)
        self.variables: Mapping[str, Node] = MappingProxyType(variables(*self._nodes.values()))
        self.names: Mapping[Node, str] = MappingProxyType(
            {node: name for name, node in reversed(list(self._nodes.items()))}
        )

    def __getitem__(self, name: str) -> Node:
        try:
            return self._nodes[name]
        except KeyError:
            raise unknown_name("name", name, self._nodes) from None

    def __contains__(self, name: object) -> bool:
        return name in self._nodes

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def joined(self, other: Graph) -> Graph:
        """This table followed by another; a shared name must mean the same node."""
        for name in self._nodes.keys() & other._nodes.keys():
            if self._nodes[name] is not other._nodes[name]:
                raise unknown_name("second meaning of", name, ())
        return Graph({**self._nodes, **other._nodes}, {**self.groups, **other.groups})

    def equation(self, name: str) -> str:
        """`A[1] = tanh(Z[1])`."""
        return f"{name} = {text(self[name], self.names, inside=True)}"

    def edges(self, opened: frozenset[str] | set[str] | None = None) -> list[tuple[str, str]]:
        """Arrows between the things shown: variables, named nodes, and groups that are not in `opened`.

        With `opened=set()` a layer is a single node, as a framework shows it; with `opened=None` all groups are open.
        """
        owner: dict[Node, str] = {}
        for group, members in self.groups.items():
            if opened is not None and group not in opened:
                owner.update({self._nodes[m]: group for m in members})
        for node, name in self.names.items():
            owner.setdefault(node, name)
        for name, node in self.variables.items():
            owner.setdefault(node, name)
        arrows: dict[tuple[str, str], None] = {}
        sources: dict[Node, frozenset[str]] = {}
        for node in walk(*self._nodes.values()):
            below: frozenset[str] = (
                frozenset().union(*(sources[x] for x in node.inputs)) if node.inputs else frozenset()
            )
            if node in owner:
                me = owner[node]
                arrows.update({(s, me): None for s in sorted(below) if s != me})
                sources[node] = frozenset((me,))
            else:
                sources[node] = below
        return list(arrows)

    def collapsed(self) -> list[tuple[str, str]]:
        """The arrows with every group drawn as one node."""
        return self.edges(set())

    def __str__(self) -> str:
        lines = []
        grouped = {m: g for g, members in self.groups.items() for m in members}
        current = None
        for name in self._nodes:
            group = grouped.get(name)
            if group != current and group is not None:
                lines.append(f"{group}:")
            current = group
            indent = "  " if group else ""
            lines.append(f"{indent}{self.equation(name):<60}  {self[name].shape}".rstrip())
        return "\n".join(lines)
