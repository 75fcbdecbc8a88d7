// `npm run native [-- --measure | --remove]`: builds and tests, measures again or removes the native engine, in
// this folder only.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { UserError } from "../src/base/errors.ts";
import {
  NATIVE_BINDING,
  NATIVE_FOLDER,
  NATIVE_QUIET,
  NATIVE_RECORD,
  type NativeRecord,
  requireNativeRecord,
} from "../src/tensor/native/build.ts";
import { findTensorflow, removeTensorflow } from "./native-tensorflow.ts";

const root = path.resolve(import.meta.dirname, "..");

/** The tarballs whose contents are known to be right; the first of each list that can be fetched is used. */
const packages = {
  tfjsNode: [
    {
      name: "@tensorflow/tfjs-node-gpu",
      version: "4.22.0",
      sha512:
        "p//NN6DGiN4hInUmIkRffaFVMcdTREUMjPyjW04J7OXvB2zBlQimj61eFKSgRrH3f5TnOfKzb0n56he/B6a4bw==",
    },
    {
      name: "@tensorflow/tfjs-node",
      version: "4.22.0",
      sha512:
        "uHrXeUlfgkMxTZqHkESSV7zSdKdV0LlsBeblqkuKU9nnfxB1pC6DtoyYVaLxznzZy7WQSegjcohxxCjAf6Dc7w==",
    },
  ],
  // What its JavaScript loads besides tfjs.
  protobuf: [
    {
      name: "google-protobuf",
      version: "3.21.4",
      sha512:
        "MnG7N936zcKTco4Jd2PX2U96Kf9PxygAPKBug+74LHzmHXmceN16MmRcdgZv+DGef/S9YvQAfRsNCn4cjf9yyQ==",
    },
  ],
} as const;

interface Tarball {
  readonly name: string;
  readonly version: string;
  /** In base64. */
  readonly sha512: string;
}

/** What scripts/native-proof.ts prints. */
export interface Proof extends Pick<NativeRecord, "version" | "device" | "fasterFromWidth"> {
  /** The rate of a 19717 x 256 by 256 x 256 product. */
  readonly gigaflops: number;
}

function say(line: string): void {
  process.stderr.write(`abkd: ${line}\n`);
}

function lastLines(text: string, count = 8): string {
  return text.trim().split("\n").slice(-count).join("\n");
}

/** @throws UserError naming the compilers that were looked for */
function findCompiler(): string {
  const names = [process.env["CXX"], "g++", "c++", "clang++"].filter((name) => !!name) as string[];
  const found = names.find((name) => {
    return spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0;
  });
  if (found !== undefined) return found;
  throw new UserError(
    `the native engine needs a C++ compiler, and none is in PATH (looked for: ` +
      `${names.join(", ")}): install it (Debian, Ubuntu: \`apt-get install g++\`), ` +
      "then run `npm run native` again",
  );
}

/** Returns the folder of Node's headers: beside its binary, or in the npm package `node`. */
function findHeaders(): string {
  const prefix = path.resolve(process.execPath, "../..");
  const binaries = `node-${process.platform}-${process.arch}`;
  const prefixes = [
    prefix,
    path.join(prefix, "node_modules", binaries),
    `${prefix}/../${binaries}`,
  ];
  const folders = prefixes.map((folder) => path.join(folder, "include/node"));
  const headers = folders.find((folder) => existsSync(path.join(folder, "node_api.h")));
  if (headers !== undefined) return headers;
  throw new UserError(
    `the headers of this Node are missing: no node_api.h in ${folders[0]}; \`npm ci\` installs a ` +
      "Node that has them, then run `npm run native` again",
  );
}

/**
 * Unpacks the tarball into the native engine's node_modules. The package's install script does not run: it would
 * download a TensorFlow from 2022.
 */
function unpack(tarball: Tarball): void {
  const { name, version, sha512 } = tarball;
  const folder = path.join(NATIVE_FOLDER, "node_modules", name);
  mkdirSync(folder, { recursive: true });
  const flags = ["--ignore-scripts", "--json", "--pack-destination", NATIVE_FOLDER];
  const packed = spawnSync("npm", ["pack", `${name}@${version}`, ...flags], { encoding: "utf8" });
  if (packed.status !== 0) {
    const why = lastLines(packed.stderr ?? String(packed.error));
    throw new UserError(`npm could not fetch ${name}@${version}:\n${why}`, { exitCode: 1 });
  }
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
  const file = path.join(NATIVE_FOLDER, filename);
  try {
    const found = createHash("sha512").update(readFileSync(file)).digest("base64");
    if (found !== sha512) {
      const message = `${name}@${version} has changed: its sha512 is ${found}, not ${sha512}`;
      throw new UserError(message, { exitCode: 1 });
    }
    const args = ["-xzf", file, "--strip-components=1", "-C", folder];
    const { status, stderr, error } = spawnSync("tar", args, { encoding: "utf8" });
    if (status !== 0) {
      const why = lastLines(stderr ?? String(error));
      throw new UserError(`tar could not unpack ${filename}: ${why}`, { exitCode: 1 });
    }
  } finally {
    rmSync(file, { force: true });
  }
}

/** @returns the name of the first that could be fetched */
function unpackFirst([first, ...others]: readonly Tarball[]): string {
  try {
    unpack(first!);
    return first!.name;
  } catch (error) {
    if (!(error instanceof UserError) || others.length === 0) throw error;
    say(`${error.message.split("\n")[0]}; trying ${others[0]!.name}`);
    return unpackFirst(others);
  }
}

/** Compiles the C++ that the npm package ships against TensorFlow's own libraries. */
function compile(compiler: string, headers: string, packageName: string, tensorflow: string): void {
  const binding = path.join(NATIVE_FOLDER, "node_modules", packageName, "binding");
  const sources = ["tfjs_backend.cc", "tfjs_binding.cc"].map((file) => path.join(binding, file));
  // If the project folder moves, its .venv moves too.
  const inside = !path.relative(root, tensorflow).startsWith("..");
  const rpath = inside ? `$ORIGIN/${path.relative(NATIVE_FOLDER, tensorflow)}` : tensorflow;
  const module = (target: string, files: readonly string[], libraries: readonly string[]): void => {
    const args = [
      ...["-O2", "-std=c++17", "-fPIC", "-shared", "-w"],
      ...["-DNAPI_VERSION=8", "-DNODE_GYP_MODULE_NAME=tfjs_binding"],
      ...[`-I${headers}`, `-I${path.join(tensorflow, "include")}`, ...files, "-o", target],
      ...[`-L${tensorflow}`, `-Wl,-rpath,${rpath}`, ...libraries.map((name) => `-l:${name}`)],
    ];
    const { status, stderr, error } = spawnSync(compiler, args, { encoding: "utf8" });
    if (status === 0) return;
    const why = lastLines(stderr ?? String(error), 12);
    const message = `${compiler} could not compile the binding against ${tensorflow}:\n${why}`;
    throw new UserError(message, { exitCode: 1 });
  };
  const [cc, framework] = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];
  module(NATIVE_QUIET, [path.join(import.meta.dirname, "native-quiet.cc")], []);
  module(NATIVE_BINDING, sources, [cc, framework]);
}

/** Tests the build in a process of its own, since a binding that does not fit may crash it. */
function prove(packageName: string): Proof {
  const script = path.join(import.meta.dirname, "native-proof.ts");
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script, packageName], {
    encoding: "utf8",
    timeout: 10 * 60_000,
  });
  if (status === 0) return JSON.parse(stdout) as Proof;
  const message = `the native engine was built but fails (${signal ?? `exit code ${status}`}):`;
  throw new UserError(`${message}\n${lastLines(stderr)}`, { exitCode: 1 });
}

async function build(): Promise<string> {
  if (process.platform !== "linux") {
    throw new UserError(
      `the native engine is built on Linux only, not on ${process.platform}; --engine wasm needs no build`,
    );
  }
  const compiler = findCompiler();
  const headers = findHeaders();
  // Until the record is written again, there is no native engine.
  for (const file of [NATIVE_RECORD, NATIVE_BINDING]) rmSync(file, { force: true });
  rmSync(path.join(NATIVE_FOLDER, "node_modules"), { recursive: true, force: true });
  const tensorflow = await findTensorflow(root, say);
  const packageName = unpackFirst(packages.tfjsNode);
  unpackFirst(packages.protobuf);
  say(`compiling ${packageName}'s binding against ${tensorflow}`);
  compile(compiler, headers, packageName, tensorflow);
  return measure(packageName, tensorflow);
}

/** Tests a build, and records from which width on it is the faster engine. */
function measure(packageName: string, tensorflow: string): string {
  say("testing it, and measuring from which width on it is faster");
  const { gigaflops, ...proved } = prove(packageName);
  const record: NativeRecord = { package: packageName, tensorflow, ...proved };
  writeFileSync(NATIVE_RECORD, `${JSON.stringify(record, null, 2)}\n`);
  const { version, device, fasterFromWidth } = record;
  const auto =
    fasterFromWidth === null
      ? "--engine auto does not use it: the wasm engine is faster at every width here"
      : `--engine auto uses it from width ${fasterFromWidth} on`;
  return (
    `native engine ready: TensorFlow ${version} on ${device}; a product and gradients are right; ` +
    `${gigaflops.toFixed(0)} GFLOP/s (19717 x 256 x 256); ${auto}`
  );
}

/** Measures an existing build again, for when the wasm engine has become faster. */
function again(): string {
  const { package: packageName, tensorflow } = requireNativeRecord();
  return measure(packageName, tensorflow);
}

function remove(): string {
  const there = existsSync(NATIVE_FOLDER);
  const from = removeTensorflow(root);
  rmSync(NATIVE_FOLDER, { recursive: true, force: true });
  if (!there && from === undefined) return "there is no native engine to remove";
  return `native engine removed: build/native${from === undefined ? "" : ` and ${from}`}`;
}

async function main(): Promise<void> {
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({ options: { remove: flag, measure: flag } });
  console.log(`abkd: ${values.remove ? remove() : await (values.measure ? again() : build())}`);
}

main().catch((error: unknown) => {
  const wrongOption = error instanceof TypeError && "code" in error;
  if (!(error instanceof UserError) && !wrongOption) throw error;
  console.error(`abkd: ${error.message}`);
  process.exitCode = error instanceof UserError ? error.exitCode : 2;
});
