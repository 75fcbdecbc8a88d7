"""Writes rgcn.json: outputs and gradients of PyTorch Geometric's relational layers on small graphs.

    python test/models/rgcn.py      (with what `npm run bench -- --install-peers` installs)

models/pyg.test.ts compares this project's RGCN with it. All in float64, so that only our float32 rounds.
ogbn-mag's form is composed of torch's Linear and PyG's scatter, as OGB's example has it.
"""
import json
import pathlib

import torch
import torch_geometric
from torch.nn.functional import cross_entropy, relu
from torch_geometric.nn import FastRGCNConv, RGCNConv
from torch_geometric.utils import scatter

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)
NODES, CLASSES, WIDTH, TRAIN = 9, 3, 4, [0, 2, 3]
# Several arcs into a node, one to itself, a node (8) without any.
RELATIONS = {
    "knows": [(0, 1), (1, 2), (3, 2), (4, 2), (2, 0), (5, 5)],
    "likes": [(0, 1), (6, 1), (7, 3), (3, 4)],
    "quotes": [(5, 0), (5, 6), (7, 0)],
}


def ends(pairs):
    return {"from": [a for a, _ in pairs], "to": [b for _, b in pairs]}


def one(tensors):
    return tensors[0]


def turned(tensors):
    return torch.stack([tensor.T for tensor in tensors])


def result(name, model, graph, labels, parameters, forward):
    """parameters: {our name: (its tensors, how they are put together)}"""
    loss = cross_entropy(forward()[TRAIN], labels[TRAIN])

    def slopes(tensors):
        found = torch.autograd.grad(loss, tensors, retain_graph=True, allow_unused=True)
        return [torch.zeros_like(t) if slope is None else slope for slope, t in zip(found, tensors)]

    return {
        "name": name,
        "model": {"kind": "rgcn", "layers": 2, "width": WIDTH, "dropout": 0, "batchNorm": False} | model,
        "graph": graph | {"labels": labels.tolist(), "classes": CLASSES},
        "train": TRAIN,
        "parameters": {key: pack([t.detach() for t in own]).tolist() for key, (own, pack) in parameters.items()},
        "loss": loss.item(),
        "gradients": {key: pack(slopes(own)).tolist() for key, (own, pack) in parameters.items()},
        "buffers": {},
        "logits": forward().detach().tolist(),
    }


def entities(name, make, bases, features):
    """AIFB's form: one type of nodes; each relation is followed by its inverse. @param features None: unit vectors"""
    arcs, kinds = [], []
    for r, pairs in enumerate(RELATIONS.values()):
        arcs += pairs + [(b, a) for a, b in pairs]
        kinds += [2 * r] * len(pairs) + [2 * r + 1] * len(pairs)
    edges, types = torch.tensor(arcs).T, torch.tensor(kinds)
    sizes = [features or NODES, WIDTH, CLASSES]
    convs = [make(i, o, 2 * len(RELATIONS), num_bases=bases) for i, o in zip(sizes, sizes[1:])]
    x = torch.rand(NODES, features) if features else None
    parameters = {}
    for l, conv in enumerate(convs):
        torch.nn.init.normal_(conv.bias)
        parameters[f"layer.{l}.weight"] = ([conv.weight], one)
        if bases:
            parameters[f"layer.{l}.coefficients"] = ([conv.comp], one)
        parameters[f"layer.{l}.root"] = ([conv.root], torch.stack)
        parameters[f"layer.{l}.bias"] = ([conv.bias], torch.stack)
    graph = {
        "types": {"entity": NODES},
        "relations": {
            key: {"source": "entity", "target": "entity"} | ends(pairs) for key, pairs in RELATIONS.items()
        },
        "features": (torch.eye(NODES) if x is None else x).tolist(),
        "featuresAsIs": True,
    }
    model = {"bases": bases or 0, "undirected": False, "start": "glorot"}
    labels = torch.randint(0, CLASSES, (NODES,))
    return result(
        name, model, graph, labels, parameters, lambda: convs[1](relu(convs[0](x, edges, types)), edges, types)
    )


def typed():
    """ogbn-mag's form: several types, cites both ways, learned features of the last type."""
    sizes, inputs = {"paper": 5, "author": 4, "field": 3}, 3
    # (source, target, arcs); written: each relation's inverse comes after it, except that of cites.
    relations = {
        "writes": ("author", "paper", [(0, 0), (1, 0), (2, 3), (2, 4)]),
        "cites": ("paper", "paper", [(0, 1), (1, 2), (3, 1), (1, 0)]),
        "topic": ("paper", "field", [(0, 2), (1, 2), (4, 0), (2, 1)]),
    }
    own = torch.rand(sizes["paper"] + sizes["author"], inputs)
    field = torch.nn.Parameter(torch.randn(sizes["field"], inputs))
    read = []
    for key, (source, target, pairs) in relations.items():
        back = [(b, a) for a, b in pairs]
        if source == target:
            read.append((source, target, sorted({*pairs, *back})))
        else:
            read += [(source, target, pairs), (target, source, back)]
    widths = [inputs, WIDTH, CLASSES]
    rels = [[torch.nn.Linear(i, o, bias=False) for _ in read] for i, o in zip(widths, widths[1:])]
    roots = [[torch.nn.Linear(i, o) for _ in sizes] for i, o in zip(widths, widths[1:])]

    def layer(l, x):
        out = {name: roots[l][t](x[name]) for t, name in enumerate(sizes)}
        for (source, target, pairs), lin in zip(read, rels[l]):
            a, b = torch.tensor(pairs).T
            out[target] = out[target] + scatter(lin(x[source])[a], b, dim_size=sizes[target], reduce="mean")
        return out

    def forward():
        x = {"paper": own[: sizes["paper"]], "author": own[sizes["paper"] :], "field": field}
        hidden = {name: relu(h) for name, h in layer(0, x).items()}
        return layer(1, hidden)["paper"]

    parameters = {}
    for l in range(2):
        parameters[f"layer.{l}.weight"] = ([lin.weight for lin in rels[l]], turned)
        parameters[f"layer.{l}.root"] = ([lin.weight for lin in roots[l]], turned)
        parameters[f"layer.{l}.bias"] = ([lin.bias for lin in roots[l]], torch.stack)
    parameters["layer.0.embedding.2"] = ([field], one)
    graph = {
        "types": sizes,
        "relations": {
            key: {"source": source, "target": target} | ends(pairs)
            for key, (source, target, pairs) in relations.items()
        },
        "features": own.tolist() + [[0.0] * inputs] * sizes["field"],
        "featuresAsIs": True,
    }
    labels = torch.randint(0, CLASSES, (sizes["paper"],))
    model = {"bases": 0, "undirected": True, "start": "linear"}
    return result("rgcn as on ogbn-mag", model, graph, labels, parameters, forward)


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return {k: rounded(v) for k, v in value.items()} if isinstance(value, dict) else value


oracle = {
    "versions": {"torch": torch.__version__.split("+")[0], "torch_geometric": torch_geometric.__version__},
    "cases": [
        entities("rgcn without features", RGCNConv, None, None),
        entities("rgcn without features, with bases", FastRGCNConv, 2, None),
        entities("rgcn with features", FastRGCNConv, None, 5),
        entities("rgcn with features and bases", RGCNConv, 3, 5),
        typed(),
    ],
}
path = pathlib.Path(__file__).with_name("rgcn.json")
path.write_text(json.dumps(rounded(oracle)) + "\n")
print(path.stat().st_size, "bytes")
