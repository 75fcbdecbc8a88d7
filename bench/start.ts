// What a program waits for before its first result with this package.
import * as tf from "@tensorflow/tfjs";
import "../src/index.ts";
import { startEngine } from "../src/tensor/index.ts";

startEngine();
tf.matMul(tf.ones([8, 8]), tf.ones([8, 8])).dataSync();
