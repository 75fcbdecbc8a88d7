"""Runs ONNX files by onnxruntime and prints what they give as JSON.

    python test/deployment/run_onnx.py FOLDER     (pip install onnx onnxruntime)

FOLDER has inputs.json and *.onnx; `node test/deployment/onnx-cases.ts PYTHON` makes it and keeps the answers in
onnx.json, with which onnx.test.ts compares the engine.
"""
import hashlib
import json
import pathlib
import sys

import numpy
import onnx
import onnxruntime

folder = pathlib.Path(sys.argv[1])
inputs = json.loads((folder / "inputs.json").read_text())
given = {
    "x": numpy.array(inputs["x"], "float32"),
    "edge_index": numpy.array(inputs["edge_index"], "int64"),
}
cases = {}
for file in sorted(folder.glob("*.onnx")):
    onnx.checker.check_model(str(file), full_check=True)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    logits, probabilities = session.run(["logits", "probabilities"], {name: given[name] for name in names})
    cases[file.stem] = {
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "inputs": names,
        "logits": logits.ravel().tolist(),
        "probabilities": probabilities.ravel().tolist(),
    }
print(json.dumps({"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__, "cases": cases}))
