// The ONNX format: a graph of operators and constants as protobuf messages (onnx.proto of onnx.ai, IR version 8).
import { PbfWriter } from "pbf";

export interface OnnxTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array | BigInt64Array;
}

/** An operator's attribute: whole numbers, a text, or a tensor. */
export type OnnxAttribute = number | string | readonly number[] | OnnxTensor;

/** An input or output; a text in the shape names a size that is known only when the model runs. */
export interface OnnxValue {
  readonly name: string;
  readonly type: "float32" | "int64";
  readonly shape: readonly (number | string)[];
}

interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** The operators that a model consists of, in their order; each call adds one and returns its output's name. */
export class OnnxGraph {
  readonly nodes: OnnxNode[] = [];
  readonly constants = new Map<string, OnnxTensor>();

  /** @param output its name; by default the operator's with its place */
  add(
    operator: string,
    inputs: readonly string[],
    attributes: OnnxNode["attributes"] = {},
    output = `${operator.toLowerCase()}_${this.nodes.length}`,
  ): string {
    this.nodes.push({ operator, inputs, output, attributes });
    return output;
  }

  constant(name: string, tensor: OnnxTensor): string {
    this.constants.set(name, tensor);
    return name;
  }

  scalar(value: number): string {
    return this.constant(`number_${value}`, { shape: [], values: Float32Array.of(value) });
  }

  integers(...values: readonly number[]): string {
    const tensor = { shape: [values.length], values: BigInt64Array.from(values, BigInt) };
    return this.constant(`integers_${values.join("_")}`, tensor);
  }
}

export interface OnnxModel {
  readonly name: string;
  readonly opset: number;
  readonly graph: OnnxGraph;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: Readonly<Record<string, string>>;
}

const IR_VERSION = 8;
const TYPES = { float32: 1, int64: 7 } as const;
const ATTRIBUTES = { integer: 2, text: 3, tensor: 4, integers: 7 } as const;

/** Encodes a model; the same one gives the same bytes. */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, IR_VERSION);
  pbf.writeStringField(2, "abkd");
  pbf.writeMessage(7, writeGraph, model);
  pbf.writeMessage(8, (opset, to) => to.writeVarintField(2, opset), model.opset);
  for (const entry of Object.entries(model.metadata)) {
    pbf.writeMessage(
      14,
      ([key, value], to) => {
        to.writeStringField(1, key);
        to.writeStringField(2, value);
      },
      entry,
    );
  }
  return pbf.finish();
}

function writeGraph({ name, graph, inputs, outputs }: OnnxModel, pbf: PbfWriter): void {
  for (const node of graph.nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, name);
  for (const [name, tensor] of graph.constants)
    pbf.writeMessage(5, writeTensor, { ...tensor, name });
  for (const value of inputs) pbf.writeMessage(11, writeValue, value);
  for (const value of outputs) pbf.writeMessage(12, writeValue, value);
}

function writeNode({ operator, inputs, output, attributes }: OnnxNode, pbf: PbfWriter): void {
  for (const input of inputs) pbf.writeStringField(1, input);
  pbf.writeStringField(2, output);
  pbf.writeStringField(3, output);
  pbf.writeStringField(4, operator);
  for (const entry of Object.entries(attributes)) pbf.writeMessage(5, writeAttribute, entry);
}

function writeAttribute([name, value]: [string, OnnxAttribute], pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  if (typeof value === "number") {
    pbf.writeVarintField(3, value);
    pbf.writeVarintField(20, ATTRIBUTES.integer);
  } else if (typeof value === "string") {
    pbf.writeStringField(4, value);
    pbf.writeVarintField(20, ATTRIBUTES.text);
  } else if ("values" in value && "shape" in value) {
    pbf.writeMessage(5, writeTensor, { ...value, name: "" });
    pbf.writeVarintField(20, ATTRIBUTES.tensor);
  } else {
    for (const number of value) pbf.writeVarintField(8, number);
    pbf.writeVarintField(20, ATTRIBUTES.integers);
  }
}

function writeTensor({ name, shape, values }: OnnxTensor & { name: string }, pbf: PbfWriter): void {
  for (const size of shape) pbf.writeVarintField(1, size);
  pbf.writeVarintField(2, values instanceof Float32Array ? TYPES.float32 : TYPES.int64);
  pbf.writeStringField(8, name);
  pbf.writeBytesField(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

function writeValue({ name, type, shape }: OnnxValue, pbf: PbfWriter): void {
  const sizes = (to: PbfWriter): void => {
    for (const size of shape) {
      to.writeMessage(
        1,
        (given, dim) => {
          if (typeof given === "number") dim.writeVarintField(1, given);
          else dim.writeStringField(2, given);
        },
        size,
      );
    }
  };
  pbf.writeStringField(1, name);
  pbf.writeMessage(
    2,
    (_, to) => {
      to.writeMessage(
        1,
        (_, tensor) => {
          tensor.writeVarintField(1, TYPES[type]);
          tensor.writeMessage(2, (_, shape) => sizes(shape), null);
        },
        null,
      );
    },
    null,
  );
}
