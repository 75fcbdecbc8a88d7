"""What is timed: one call of a product, a training step or an evaluation, depending on the task."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from distillation import Abkd, SoftKd
from graph import Graph
from model import Features, Gcnii
from safetensors.torch import load_file


def product(task: dict) -> Callable[[], None]:
    a = torch.rand(task["rows"], task["inner"])
    b = torch.rand(task["inner"], task["columns"])
    return lambda: a @ b


def sparse_product(graph: Graph, task: dict, variant: dict) -> Callable[[], None]:
    matrix = graph.adjacency.coo() if variant["adjacency"] == "coo" else graph.adjacency.csr()
    x = torch.rand(graph.nodes, task["columns"])
    return lambda: matrix @ x


class Training:
    """A model, its method and Adam, trained step by step as in src/training/train.ts."""

    def __init__(self, graph: Graph, task: dict, variant: dict, dropout: bool = True):
        config = task["config"]
        model = config["model"] if dropout else {**config["model"], "dropout": 0}
        self.graph = graph
        self.model = Gcnii(graph, model, variant, Features(graph.features, variant["features"]))
        weights = load_file(task["weights"]) if "weights" in task else {}
        if weights:
            self.model.load(weights)
        self.model.train()
        self.method = None
        training = config["training"]
        groups = [
            {
                "params": list(self.model.parameters()),
                "lr": training["learningRate"],
                "weight_decay": training["weightDecay"],
            }
        ]
        if "teacher" in task:
            self.method = _method(task, weights)
        if self.method and self.method.parameters:
            rate = config["method"]["options"].get("learningRate") or training["learningRate"]
            groups.append({"params": self.method.parameters, "lr": rate, "weight_decay": 0})
        self.adam = torch.optim.Adam(groups, fused=True)
        self.loss = torch.compile(self._loss) if variant.get("compile") else self._loss

    def _loss(self) -> torch.Tensor:
        method = self.method
        logits, maps = self.model(maps=bool(method and method.needs_maps))
        loss = F.cross_entropy(logits[self.graph.train], self.graph.labels[self.graph.train])
        return method.loss(logits, maps, loss) if method else loss

    def step(self) -> float:
        self.adam.zero_grad(set_to_none=True)
        loss = self.loss()
        loss.backward()
        self.adam.step()
        return loss.item()

    def evaluate(self, *sets: torch.Tensor) -> list[tuple[float, float]]:
        """Returns cross-entropy and accuracy on each set of nodes, without dropout."""
        self.model.eval()
        with torch.inference_mode():
            logits, _ = self.model()
            found = []
            for nodes in sets:
                chosen, labels = logits[nodes], self.graph.labels[nodes]
                accuracy = (chosen.argmax(dim=1) == labels).float().mean().item()
                found.append((F.cross_entropy(chosen, labels).item(), accuracy))
        self.model.train()
        return found


def _method(task: dict, weights: dict[str, torch.Tensor]):
    method = task["config"]["method"]
    if method["name"] == "student":
        return None
    teacher = load_file(task["teacher"])
    if method["name"] == "softkd":
        return SoftKd(teacher, method["options"])
    return Abkd(teacher, weights, method["options"], task.get("form", "collapsed"))


def call_of(graph: Graph | None, task: dict, variant: dict) -> Callable[[], object]:
    """Returns the task as a function; what is made only once is made here."""
    kind = task["kind"]
    if kind == "product":
        return product(task)
    assert graph is not None
    if kind == "sparse product":
        return sparse_product(graph, task, variant)
    training = Training(graph, task, variant)
    if kind == "training":
        return training.step
    return lambda: training.evaluate(graph.train, graph.val)
