"""Writes pyg.json: outputs and gradients of PyTorch Geometric's layers on a small graph.

    python test/models/pyg.py      (with what `npm run bench -- --install-peers` installs)

models/pyg.test.ts compares this project's models with it. All in float64, so that only our float32 rounds.
"""
import json
import math
import pathlib

import torch
import torch_geometric
from torch.nn.functional import cross_entropy, leaky_relu, relu
from torch_geometric.nn import GATConv, GCN2Conv, GCNConv, SAGEConv
from torch_geometric.utils import add_self_loops, degree, scatter, softmax

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)
NODES, FEATURES, CLASSES, WIDTH = 9, 6, 3, 4
# A triangle, a tail, a hub, and an isolated node (8).
EDGES = [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (5, 4), (5, 6), (5, 7), (5, 0), (5, 1)]
TRAIN = [0, 3, 5, 8]

raw = torch.randint(0, 4, (NODES, FEATURES)).double()
raw[:, 0] += 1
x = raw / raw.sum(1, keepdim=True)
labels = torch.randint(0, CLASSES, (NODES,))
both = torch.tensor(EDGES + [(b, a) for a, b in EDGES]).T


def linear(inputs, outputs):
    layer = torch.nn.Linear(inputs, outputs)
    torch.nn.init.normal_(layer.bias)
    return layer


def run(name, config, modules, forward):
    """modules: (prefix, module, {our part: (its parameter, transposed)})"""
    for module in modules.values():
        module.train()
    loss = cross_entropy(forward(True)[TRAIN], labels[TRAIN])
    parameters, gradients = {}, {}
    for key, (parameter, transposed) in config.pop("map").items():
        gradient, = torch.autograd.grad(loss, parameter, retain_graph=True)
        flip = (lambda t: t.T) if transposed else (lambda t: t)
        parameters[key] = flip(parameter.detach()).tolist()
        gradients[key] = flip(gradient).tolist()
    buffers = {
        f"{prefix}.{ours}": getattr(module, theirs).tolist()
        for prefix, module in modules.items()
        if isinstance(module, torch.nn.BatchNorm1d)
        for ours, theirs in (("mean", "running_mean"), ("variance", "running_var"))
    }
    for module in modules.values():
        module.eval()
    return {
        "name": name,
        "model": config,
        "parameters": parameters,
        "loss": loss.item(),
        "gradients": gradients,
        # After the one training pass.
        "buffers": buffers,
        "logits": forward(False).detach().tolist(),
    }

def norm_parts(norms):
    parts = {}
    for l, one in enumerate(norms):
        torch.nn.init.normal_(one.weight)
        torch.nn.init.normal_(one.bias)
        parts[f"norm.{l}.gain"] = (one.weight, False)
        parts[f"norm.{l}.shift"] = (one.bias, False)
    return parts



def layered(kind, norm):
    sizes = [FEATURES, WIDTH, WIDTH, CLASSES]
    make = {"gcn": GCNConv, "sage": SAGEConv, "mlp": linear}[kind]
    layers = [make(i, o) for i, o in zip(sizes, sizes[1:])]
    norms = [torch.nn.BatchNorm1d(WIDTH) for _ in range(2)] if norm else []
    parts = {}
    for l, layer in enumerate(layers):
        own = {"gcn": "lin", "sage": "lin_l"}.get(kind)
        biased = layer.lin_l if kind == "sage" else layer
        if kind != "mlp":
            torch.nn.init.normal_(biased.bias)
        parts[f"layer.{l}.weight"] = ((getattr(layer, own) if own else layer).weight, True)
        parts[f"layer.{l}.bias"] = (biased.bias, False)
        if kind == "sage":
            parts[f"layer.{l}.root"] = (layer.lin_r.weight, True)
    parts |= norm_parts(norms)

    def forward(_training):
        h = x
        for l, layer in enumerate(layers):
            h = layer(h) if kind == "mlp" else layer(h, both)
            if l < len(layers) - 1:
                h = relu(norms[l](h) if norms else h)
        return h

    config = {"kind": kind, "layers": 3, "width": WIDTH, "dropout": 0, "batchNorm": norm, "map": parts}
    modules = {f"layer.{l}": m for l, m in enumerate(layers)}
    modules |= {f"norm.{l}": m for l, m in enumerate(norms)}
    return run(f"{kind}{' with batch norm' if norm else ''}", config, modules, forward)


class TeacherConv(torch.nn.Module):
    """The layer of chaitjo/efficient-gnns, arxiv_dgl/gat.py (f0b079d), without dropout, in PyG's operators."""

    def __init__(self, inputs, outputs, heads):
        super().__init__()
        self.lin, self.res = [torch.nn.Linear(inputs, heads * outputs, bias=False) for _ in range(2)]
        self.att_src = torch.nn.Parameter(torch.randn(1, heads, outputs))

    def forward(self, h, edges):
        (source, target), _ = add_self_loops(edges, num_nodes=NODES)
        degrees = degree(target, NODES).double()
        _, heads, outputs = self.att_src.shape
        z = self.lin(h).view(NODES, heads, outputs) * degrees.pow(-0.5).view(-1, 1, 1)
        scores = leaky_relu((z * self.att_src).sum(-1)[source], 0.2)
        alpha = softmax(scores, target, num_nodes=NODES)
        sums = scatter(alpha.unsqueeze(-1) * z[source], target, dim=0, dim_size=NODES)
        return (sums * degrees.pow(0.5).view(-1, 1, 1)).flatten(1) + self.res(h)


def gat(name, heads, residual, norm, teacher=False):
    sizes = [FEATURES, heads * WIDTH, heads * WIDTH]
    outs = [(WIDTH, heads), (WIDTH, heads), (CLASSES, 1)]
    convs = [
        TeacherConv(i, o, h) if teacher
        else GATConv(i, o, h, residual=residual, bias=not norm or o == CLASSES)
        for i, (o, h) in zip(sizes, outs)
    ]
    norms = [torch.nn.BatchNorm1d(heads * WIDTH) for _ in range(2)] if norm else []
    # The teacher's one bias comes after the last layer.
    biases = [None, None, torch.nn.Parameter(torch.randn(CLASSES))] if teacher else [c.bias for c in convs]
    parts = {}
    for l, (conv, bias) in enumerate(zip(convs, biases)):
        parts[f"layer.{l}.weight"] = (conv.lin.weight, True)
        parts[f"layer.{l}.source"] = (conv.att_src, False)
        if not teacher:
            parts[f"layer.{l}.target"] = (conv.att_dst, False)
        if residual:
            parts[f"layer.{l}.residual"] = (conv.res.weight, True)
        if bias is not None:
            torch.nn.init.normal_(bias)
            parts[f"layer.{l}.bias"] = (bias, False)
    parts |= norm_parts(norms)

    def forward(_training):
        h = x
        for l, conv in enumerate(convs):
            h = conv(h, both)
            if l < 2:
                h = relu(norms[l](h) if norms else h)
        return h + biases[2] if teacher else h

    config = {
        "kind": "gat", "layers": 3, "width": WIDTH, "dropout": 0, "batchNorm": norm, "heads": heads,
        "destination": not teacher, "residual": residual, "symmetric": teacher, "inputDropout": 0,
        "edgeDropout": 0, "start": "uniform", "map": parts,
    }
    modules = {f"layer.{l}": m for l, m in enumerate(convs)}
    modules |= {f"norm.{l}": m for l, m in enumerate(norms)}
    return run(name, config, modules, forward)


def gcnii():
    alpha, lamda, count = 0.2, 0.5, 3
    first, last = linear(FEATURES, WIDTH), linear(WIDTH, CLASSES)
    convs = [GCN2Conv(WIDTH, alpha, theta=lamda, layer=l + 1) for l in range(count)]
    parts = {"input.weight": (first.weight, True), "input.bias": (first.bias, False)}
    parts |= {f"convolution.{l}.weight": (conv.weight1, False) for l, conv in enumerate(convs)}
    parts |= {"output.weight": (last.weight, True), "output.bias": (last.bias, False)}

    def forward(_training):
        h = h0 = relu(first(x))
        for conv in convs:
            h = relu(conv(h, h0, both))
        return last(h)

    config = {"kind": "gcnii", "layers": count, "width": WIDTH, "alpha": alpha, "lambda": lamda, "dropout": 0, "map": parts}
    assert all(math.isclose(conv.beta, math.log(lamda / (l + 1) + 1)) for l, conv in enumerate(convs))
    modules = {"first": first, "last": last} | {f"c{l}": c for l, c in enumerate(convs)}
    return run("gcnii", config, modules, forward)


oracle = {
    "versions": {"torch": torch.__version__.split("+")[0], "torch_geometric": torch_geometric.__version__},
    "graph": {
        "edges": {"from": [a for a, _ in EDGES], "to": [b for _, b in EDGES]},
        "features": raw.tolist(),
        "labels": labels.tolist(),
        "classes": CLASSES,
    },
    "train": TRAIN,
    "cases": [
        *[layered(kind, norm) for kind in ("gcn", "mlp") for norm in (False, True)],
        gcnii(),
        *[layered("sage", norm) for norm in (False, True)],
        gat("gat", 2, False, False),
        gat("gat with residual and batch norm", 3, True, True),
        gat("gat as the Arxiv teacher", 3, True, True, teacher=True),
    ],
}


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return {k: rounded(v) for k, v in value.items()} if isinstance(value, dict) else value


path = pathlib.Path(__file__).with_name("pyg.json")
path.write_text(json.dumps(rounded(oracle)) + "\n")
print(path.stat().st_size, "bytes")
