// What a program may add to the package: a file that imports only `abkd`, as text to write anywhere.

/** A method "own-matching" with the option beta, and a kind of model "own-gcn" with the option width. */
export const OWN_MODULE = `import {
  type GraphInputs,
  type GraphShape,
  type Model,
  type Parameter,
  registerMethod,
  registerModel,
  type Shapes,
  spmm,
  tf,
} from "abkd";

interface Matching {
  readonly beta: number;
}

registerMethod<Matching>({
  name: "own-matching",
  summary: "the mean square of the logits' differences",
  version: 2,
  needsTeacher: true,
  defaults: { beta: 1 },
  options: { beta: { kind: "number", min: 0, description: "weight of the term" } },
  presets: { light: { beta: 0.1 } },
  create({ teacher }, { beta }) {
    const target = tf.tidy(() => tf.clone(teacher.outputs("logits").logits));
    const term = (logits: tf.Tensor2D) => tf.mean(tf.squaredDifference(logits, target));
    return {
      parameters: [],
      reads: "logits",
      loss: ({ logits }, crossEntropy) => tf.add(crossEntropy, tf.mul(beta, term(logits))),
      inspect: ({ logits }) => ({
        scalars: { term: tf.tidy(() => term(logits).dataSync()[0]!) },
        matrices: {},
        warnings: [],
      }),
      dispose: () => target.dispose(),
    };
  },
});

interface OwnConfig {
  readonly kind: "own-gcn";
  readonly width: number;
}

function shapesOf({ width }: OwnConfig, { features, classes }: GraphShape): Shapes {
  return {
    outline: { kind: "own-gcn", widths: [width, classes], endsInLogits: true, hidden: width, classes },
    parameters: new Map([
      ["first", [features, width]],
      ["second", [width, classes]],
    ]),
    buffers: new Map(),
    perNode: 2 * width,
  };
}

/** logits = P relu(P X W) V */
function create(config: OwnConfig, shape: GraphShape, seed: number): Model<GraphInputs> {
  const { outline, parameters } = shapesOf(config, shape);
  const [first, second] = [...parameters].map(([name, [rows, columns]], k): Parameter => {
    const start = tf.randomUniform([rows!, columns!], -0.3, 0.3, "float32", seed + k);
    const variable = tf.variable(start);
    start.dispose();
    return { name, variable };
  }) as [Parameter, Parameter];
  return {
    outline,
    parameters: [first, second],
    forward({ adjacency, features }, { reads = "logits" } = {}) {
      const map = spmm(adjacency, spmm(features, first.variable as unknown as tf.Tensor2D));
      const hidden = tf.relu(map);
      const logits = spmm(adjacency, tf.matMul(hidden, second.variable as unknown as tf.Tensor2D));
      const maps = [map, logits];
      const activated = [hidden, logits];
      const layers = {
        widths: outline.widths,
        at: (i: number) => maps[i]!,
        activated: (i: number) => activated[i]!,
      };
      return { logits, hidden, ...(reads === "layers" && { layers }) };
    },
    dispose() {
      first.variable.dispose();
      second.variable.dispose();
    },
  };
}

registerModel<OwnConfig, GraphInputs, Model<GraphInputs>>({
  name: "own-gcn",
  label: "own GCN",
  summary: "two layers without bias",
  defaults: { width: 8 },
  options: { width: { kind: "number", min: 1, max: 64, whole: true, description: "hidden width" } },
  size: ({ width }) => \`2L-\${width}H\`,
  prepare: (forms) => forms,
  shapes: shapesOf,
  create,
  forwardText: "logits = P @ relu(P @ X @ first) @ second",
});
`;
