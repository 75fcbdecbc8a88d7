// A timing profile of the native engine: TensorFlow's operators by name, with their bytes.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { profile } from "../../src/figures/profile.ts";
import { SparseMatrix, spmm, startEngine } from "../../src/tensor/index.ts";
import { nativeBackend } from "../../src/tensor/native/backend.ts";
import { randomAdjacency } from "../tensor/support.ts";
import { whyNoNative } from "./support.ts";

describe("a profile of the native engine", { skip: whyNoNative() }, () => {
  test("names TensorFlow's operators and counts what they read and write", async () => {
    startEngine("native");
    const { binding } = nativeBackend();
    // Made before the profile: its size is found when it is read.
    const matrix = SparseMatrix.from(randomAdjacency(40, 5));
    const x = tf.ones<tf.Rank.R2>([40, 8]);
    const w = tf.ones<tf.Rank.R2>([8, 4]);
    const { operators, between, seconds } = await profile(() =>
      tf.tidy(() => tf.matMul(spmm(matrix, x), w).sum().dataSync()[0]),
    );
    const found = (wanted: string) => operators.find(({ name }) => name === wanted);
    assert.equal(found("BatchMatMulV2")?.kind, "tensorflow");
    assert.equal(found("BatchMatMulV2")?.bytes, 4 * (40 * 8 + 8 * 4 + 40 * 4));
    // The sparse matrix is a handle to TensorFlow's own form, which counts as one number.
    assert.equal(found("SparseMatrixMatMul")?.bytes, 4 * (1 + 2 * 40 * 8));
    const sum = operators.reduce((total, one) => total + one.seconds, 0);
    assert.ok(Math.abs(sum + between - seconds) < 1e-6);
    assert.equal(nativeBackend().binding, binding, "the wrapper is removed");
    tf.dispose([x, w]);
    matrix.dispose();
  });
});
