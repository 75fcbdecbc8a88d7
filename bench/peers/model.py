"""GCNII as parametrised in src/models/gcnii.ts, with PyG's GCN2Conv and with plain torch."""

import math

import torch
import torch.nn.functional as F
from graph import Csr, Graph
from torch import Tensor, nn
from torch_geometric.nn import GCN2Conv


class _SparseProduct(torch.autograd.Function):
    """matrix @ x, whose gradient by x is a CSR product too, with a transpose that is made once."""

    @staticmethod
    def forward(ctx, x: Tensor, matrix: Tensor, transpose: Tensor) -> Tensor:
        ctx.transpose = transpose
        return matrix @ x

    @staticmethod
    def backward(ctx, gradient: Tensor):
        return ctx.transpose @ gradient.contiguous(), None, None


class Features:
    """dropout(X) W, for dense X or X in one of torch's sparse layouts."""

    def __init__(self, features: Csr, layout: str):
        self.layout = layout
        self.features = features
        if layout == "dense":
            self.matrix = features.csr().to_dense()
        elif layout == "coo":
            self.matrix = features.coo()
        else:
            self.matrix = features.csr()
            transpose, self.order = features.transposed()
            self.transpose_structure = transpose
            self.transpose = transpose.csr()

    def product(self, weight: Tensor, rate: float) -> Tensor:
        if self.layout == "dense":
            return F.dropout(self.matrix, rate) @ weight if rate else self.matrix @ weight
        f = self.features
        values = F.dropout(f.values, rate) if rate else f.values
        if self.layout == "coo":
            matrix = self.matrix
            if rate:
                index, shape = matrix.indices(), matrix.shape
                matrix = torch.sparse_coo_tensor(
                    index, values, shape, is_coalesced=True, check_invariants=False
                )
            return torch.sparse.mm(matrix, weight)
        if not rate:
            return _SparseProduct.apply(weight, self.matrix, self.transpose)
        t = self.transpose_structure
        matrix = torch.sparse_csr_tensor(
            f.indptr, f.indices, values, (f.rows, f.columns), check_invariants=False
        )
        transpose = torch.sparse_csr_tensor(
            t.indptr, t.indices, values[self.order], (t.rows, t.columns), check_invariants=False
        )
        return _SparseProduct.apply(weight, matrix, transpose)


class TorchConvolution(nn.Module):
    """A GCNII layer without PyG's message passing. P is symmetric, so the gradient needs no transpose."""

    def __init__(self, width: int, alpha: float, theta: float, layout: str):
        super().__init__()
        self.weight1 = nn.Parameter(torch.empty(width, width))
        self.alpha, self.theta, self.layout = alpha, theta, layout

    def forward(self, x: Tensor, scaled_start: Tensor, adjacency: Tensor) -> Tensor:
        # Scaling the narrower factor once is cheaper than a pass over the product.
        if self.layout == "torch-coo":
            product = torch.sparse.mm(adjacency, x)
        else:
            product = _SparseProduct.apply(x, adjacency, adjacency)
        z = torch.add(scaled_start, product, alpha=1 - self.alpha)
        return torch.addmm(z, z, self.weight1, beta=1 - self.theta, alpha=self.theta)


#: How P may be given: PyG's layer with CSR or with an edge list, or plain torch.
ADJACENCIES = ("pyg-csr", "pyg-edges", "torch-coo", "torch-csr")


class Gcnii(nn.Module):
    def __init__(self, graph: Graph, config: dict, variant: dict, features: Features):
        super().__init__()
        width, layers = config["width"], config["layers"]
        self.rate, self.alpha = config["dropout"], config["alpha"]
        self.features, self.layout = features, variant["adjacency"]
        self.input = nn.Linear(graph.features.columns, width)
        self.output = nn.Linear(width, graph.classes)
        lam = config["lambda"]
        self.edges = self.edge_weight = self.adjacency = None
        if self.layout == "pyg-edges":
            # PyG's arcs go from source to target: row 1 is where messages arrive.
            self.edges = torch.stack([graph.adjacency.indices, graph.adjacency.row_of()])
            self.edge_weight = graph.adjacency.values
        else:
            coo = self.layout == "torch-coo"
            self.adjacency = graph.adjacency.coo() if coo else graph.adjacency.csr()
        self.convolutions = nn.ModuleList()
        for layer in range(layers):
            if self.layout.startswith("pyg"):
                conv = GCN2Conv(width, self.alpha, lam, layer + 1, normalize=False)
            else:
                conv = TorchConvolution(
                    width, self.alpha, math.log(lam / (layer + 1) + 1), self.layout
                )
            nn.init.uniform_(conv.weight1, -1 / math.sqrt(width), 1 / math.sqrt(width))
            self.convolutions.append(conv)

    def load(self, weights: dict[str, Tensor]) -> None:
        """Loads our weights, which are inputs x outputs; torch.nn.Linear's are the other way round."""
        with torch.no_grad():
            for name in ("input", "output"):
                linear = getattr(self, name)
                linear.weight.copy_(weights[f"{name}.weight"].T)
                linear.bias.copy_(weights[f"{name}.bias"])
            for layer, conv in enumerate(self.convolutions):
                conv.weight1.copy_(weights[f"convolution.{layer}.weight"])

    def forward(self, maps: bool = False) -> tuple[Tensor, list[Tensor]]:
        """Returns the logits, and the layer maps before activation if requested."""
        rate = self.rate if self.training else 0.0
        dropped = (lambda x: F.dropout(x, rate)) if rate else (lambda x: x)
        start = F.relu(self.features.product(self.input.weight.T, rate) + self.input.bias)
        hidden, taps = start, []
        scaled_start = None if self.layout.startswith("pyg") else self.alpha * start
        for conv in self.convolutions:
            dropped_hidden = dropped(hidden)
            if self.layout == "pyg-csr":
                out = conv(dropped_hidden, start, self.adjacency)
            elif self.layout == "pyg-edges":
                out = conv(dropped_hidden, start, self.edges, self.edge_weight)
            else:
                out = conv(dropped_hidden, scaled_start, self.adjacency)
            if maps:
                taps.append(out)
            # The requested maps must stay as they are; otherwise the pass may work in place.
            hidden = F.relu(out) if maps else F.relu_(out)
        return self.output(dropped(hidden)), taps
