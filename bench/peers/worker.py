"""The peer's side of the race: one JSON request per line on stdin, one JSON answer per line on stdout."""

import gc
import json
import platform
import resource
import sys
import time

import torch
import torch_geometric
from graph import Graph, read_graph
from tasks import Training, call_of

graphs: dict[str, Graph] = {}
calls: dict = {}


def graph_of(task: dict) -> Graph | None:
    folder = task.get("graph")
    if folder is None:
        return None
    if folder not in graphs:
        graphs[folder] = read_graph(folder)
    return graphs[folder]


def status_megabytes(field: str) -> float:
    for line in open("/proc/self/status"):
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def info(_request: dict) -> dict:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__.split("+")[0],
        "torch_geometric": torch_geometric.__version__,
    }


def prepare(request: dict) -> dict:
    """Makes the call and warms it up; returns the milliseconds of the last call."""
    torch.set_num_threads(request["threads"])
    task = request["task"]
    call = call_of(graph_of(task), task, request["variant"])
    for _ in range(request["warmUp"]):
        began = time.perf_counter()
        call()
        took = time.perf_counter() - began
    calls[request["key"]] = call
    return {"milliseconds": took * 1000}


def sample(request: dict) -> dict:
    """Returns milliseconds per call, by the clock and of processor time, over a number of calls."""
    torch.set_num_threads(request["threads"])
    call, count = calls[request["key"]], request["calls"]
    began, processor = time.perf_counter(), time.process_time()
    for _ in range(count):
        call()
    took, spent = time.perf_counter() - began, time.process_time() - processor
    return {"milliseconds": took * 1000 / count, "processor": spent * 1000 / count}


def losses(request: dict) -> dict:
    """Returns the loss before each of the first steps, from the given weights and without dropout."""
    task = request["task"]
    training = Training(graph_of(task), task, request["variant"], dropout=False)
    return {"losses": [training.step() for _ in range(request["steps"])]}


def peak(request: dict) -> dict:
    """Returns the most memory that calls take beyond what was resident before the task was made."""
    torch.set_num_threads(request["threads"])
    task = request["task"]
    graph = graph_of(task)
    gc.collect()
    before = peak_reset()
    call = call_of(graph, task, request["variant"])
    for _ in range(request["calls"]):
        call()
    return {"megabytes": peak_megabytes(), "before": before}


def peak_reset() -> float:
    """Resets the peak, if the system can; returns the megabytes that are resident now."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        return status_megabytes("VmRSS")
    except OSError:
        return peak_megabytes()


def peak_megabytes() -> float:
    try:
        return status_megabytes("VmHWM")
    except OSError:
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def forget(request: dict) -> dict:
    calls.pop(request["key"], None)
    if request.get("graphs"):
        graphs.clear()
    gc.collect()
    return {}


OPERATIONS = {f.__name__: f for f in (info, prepare, sample, losses, peak, forget)}


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = OPERATIONS[request["operation"]](request)
        except Exception as error:
            # A variant that torch cannot run is a result for the report and does not end the race.
            answer = {"error": f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
