"""Writes outputs and weights of PyTorch Geometric's models on a graph, beside what their layers give one by one.

    python test/training/pytorch.py FOLDER     (FOLDER has graph.json and block.py, the code of docs/teachers.md)

test/training/pytorch.test.ts runs it.
"""
import json
import pathlib
import sys

import numpy
import torch
from safetensors.torch import save_file
from torch.nn import Linear, Module, ModuleList
from torch.nn.functional import relu
from torch_geometric.nn import APPNP, GAT, GCN, GIN, MLP, GCN2Conv, GraphSAGE

folder = pathlib.Path(sys.argv[1])
exec((folder / "block.py").read_text())
torch.manual_seed(3)
graph = json.loads((folder / "graph.json").read_text())
x = torch.tensor(graph["features"]).float()
# As T.NormalizeFeatures() does.
x = x / x.sum(1, keepdim=True)
edges = torch.tensor(graph["edges"])
FEATURES, CLASSES, WIDTH = x.shape[1], graph["classes"], 8


class Appnp(Module):
    def __init__(self):
        super().__init__()
        self.lin1, self.lin2, self.prop = Linear(FEATURES, WIDTH), Linear(WIDTH, CLASSES), APPNP(10, 0.1)

    def forward(self, x, edges):
        return self.prop(self.lin2(relu(self.lin1(x))), edges)


class Gcn2(Module):
    """As PyG's example gcn2_cora.py."""

    def __init__(self, alpha, theta):
        super().__init__()
        self.lins = ModuleList([Linear(FEATURES, WIDTH), Linear(WIDTH, CLASSES)])
        self.convs = ModuleList([GCN2Conv(WIDTH, alpha, theta, l + 1) for l in range(12)])

    def forward(self, x, edges):
        h = h0 = relu(self.lins[0](x))
        for conv in self.convs:
            h = relu(conv(h, h0, edges))
        return self.lins[1](h)


def one_by_one(model):
    """The maps of a model of torch_geometric.nn, without any hook."""
    maps, h = [], x
    for l, conv in enumerate(model.convs):
        maps.append(conv(h, edges))
        if l < len(model.convs) - 1:
            hidden = h = relu(maps[-1])
    return {"logits": maps[-1], "hidden": hidden} | {f"layer.{l}": m for l, m in enumerate(maps[:-1])}


def warmed(model):
    """The model after a step of training, which moves what BatchNorm keeps."""
    model.train()
    model(x, edges) if not isinstance(model, MLP) else model(x)
    return model.eval()


with torch.no_grad():
    for kind in (GCN, GAT, GraphSAGE, GIN):
        model = warmed(kind(FEATURES, WIDTH, 3, CLASSES, dropout=0.5, **({"heads": 2} if kind is GAT else {})))
        save_outputs(folder / f"{kind.__name__}.npz", model.train(), model.convs, x, edges)
        numpy.savez(folder / f"{kind.__name__}.expected.npz", **{k: v.numpy() for k, v in one_by_one(model.eval()).items()})
    model = warmed(Appnp())
    save_outputs(folder / "APPNP.npz", model, [model.lin1, model.lin2], x, edges)
    first = model.lin1(x)
    expected = {"logits": model.prop(model.lin2(relu(first)), edges), "hidden": relu(first), "layer.0": first}
    numpy.savez(folder / "APPNP.expected.npz", **{k: v.numpy() for k, v in expected.items()})

    weights = {
        "gcn": (GCN(FEATURES, WIDTH, 3, CLASSES), {"kind": "gcn"}),
        "gcn-norm": (GCN(FEATURES, WIDTH, 3, CLASSES, norm="batch_norm"), {"kind": "gcn", "norm": "batch_norm"}),
        "sage": (GraphSAGE(FEATURES, WIDTH, 2, CLASSES), {"kind": "sage"}),
        "mlp": (MLP([FEATURES, WIDTH, WIDTH, CLASSES]), {"kind": "mlp", "norm": "batch_norm"}),
        "gcn2": (Gcn2(0.2, 0.5), {"kind": "gcnii", "alpha": 0.2, "theta": 0.5}),
    }
    for name, (model, note) in weights.items():
        warmed(model)
        save_file(model.state_dict(), folder / f"{name}.safetensors")
        (folder / f"{name}.json").write_text(json.dumps(note))
        logits = model(x) if name == "mlp" else model(x, edges)
        numpy.savez(folder / f"{name}.logits.npz", logits=logits.numpy())
