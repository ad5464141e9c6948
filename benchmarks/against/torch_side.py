"""PyTorch, eager and compiled."""

from __future__ import annotations

from typing import Any

from .case import RATES, Case, Epoch


def torch_step(case: Case, optimizer: str, threads: int, *, compiled: bool = False) -> Epoch:
    """Eager or compiled forward and backward pass, the fused optimizer."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.set_default_dtype(getattr(torch, case.dtype))
    X, y = map(torch.from_numpy, case.data())
    layers: list[nn.Module] = []
    for i, W in enumerate(case.weights(), 1):
        dense = nn.Linear(*W.shape)
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(W.T.copy()))
            dense.bias.zero_()
        layers.append(dense)
        if i < len(case.widths) - 1:
            layers += [nn.BatchNorm1d(W.shape[1]), nn.ReLU(), nn.Dropout(case.dropout)] if case.tabular else [nn.ReLU()]
    model = nn.Sequential(*layers)
    if case.tabular:
        y = y.to(X.dtype)[:, None]
    loss = nn.BCEWithLogitsLoss() if case.tabular else nn.CrossEntropyLoss()

    def cost(x: Any, target: Any) -> Any:
        return loss(model(x), target)

    objective = torch.compile(cost) if compiled else cost
    kinds: Any = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}
    update = kinds[optimizer](model.parameters(), lr=RATES[optimizer], fused=True)

    def epoch(number: int) -> float:
        total = torch.zeros(())
        for rows in torch.from_numpy(case.order(number)).view(-1, case.batch):
            update.zero_grad(set_to_none=True)
            cost = objective(X[rows], y[rows])
            cost.backward()
            update.step()
            total += cost.detach()
        return float(total) / case.steps

    return epoch
