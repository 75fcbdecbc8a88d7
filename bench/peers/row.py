"""Trains one whole row of table 3: a teacher once, then every student, all with fixed epochs.

Reads a JSON file: {"graph", "teacher": {"config", "epochs"}, "students": [...], "threads",
"processes", "variants": {"teacher", "student"}}; prints the students' test accuracies as JSON.
"""

import copy
import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import torch
from graph import Graph, read_graph
from safetensors.torch import save_file
from tasks import Training

_graph: Graph | None = None


def graph_once(folder: str) -> Graph:
    global _graph
    _graph = _graph or read_graph(folder)
    return _graph


def train(graph: Graph, task: dict, variant: dict) -> Training:
    """Trains all epochs: a step, an evaluation; keeps the best epoch's parameters (by validation loss)."""
    torch.manual_seed(task["config"]["seed"])
    training = Training(graph, task, variant)
    best, best_state = float("inf"), None
    for _ in range(task["config"]["training"]["epochs"]):
        training.step()
        (_, _), (loss, _) = training.evaluate(graph.train, graph.val)
        if loss < best:
            best, best_state = loss, copy.deepcopy(training.model.state_dict())
    if best_state is not None:
        training.model.load_state_dict(best_state)
    return training


def outputs(training: Training) -> dict[str, torch.Tensor]:
    training.model.eval()
    with torch.no_grad():
        logits, maps = training.model(maps=True)
    return {"logits": logits, "maps": torch.stack(maps)}


def student(folder: str, threads: int, task: dict, variant: dict) -> float:
    torch.set_num_threads(threads)
    graph = graph_once(folder)
    training = train(graph, task, variant)
    return training.evaluate(graph.test)[0][1]


def main(request: dict) -> None:
    threads, processes = request["threads"], request["processes"]
    variants, folder = request["variants"], request["graph"]
    # Started first, so that the children import torch while the teacher trains.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context) if processes > 1 else None
    if pool:
        for _ in range(processes):
            pool.submit(graph_once, folder)
    torch.set_num_threads(threads)
    graph = graph_once(folder)
    # Passed in a file: tensors between processes would go through /dev/shm, which is small in containers.
    teacher = f"{folder}/row-teacher.safetensors"
    save_file(outputs(train(graph, request["teacher"], variants["teacher"])), teacher)
    tasks = [{**task, "teacher": teacher} for task in request["students"]]
    share = max(1, threads // processes)
    arguments = [(folder, share, task, variants["student"]) for task in tasks]
    if pool:
        with pool:
            found = [pool.submit(student, *each) for each in arguments]
            accuracies = [future.result() for future in found]
    else:
        accuracies = [student(*each) for each in arguments]
    print(json.dumps({"accuracies": accuracies}))


if __name__ == "__main__":
    main(json.loads(open(sys.argv[1]).read()))
