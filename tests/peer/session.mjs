// onnxruntime-node as tests/peer/setup.sh installs it, and tensors in the form of npz.mjs.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { nodeTensors, withOutputs } from "./onnx_outputs.mjs";
import { skipped } from "./zoo.mjs";

process.on("uncaughtException", ({ message }) => {
  console.error(`peer: error: ${message}`);
  process.exit(1);
});

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const installation = path.join(root, "build/peer/");

function loadRuntime() {
  try {
    return createRequire(path.join(installation, "package.json"))("onnxruntime-node");
  } catch (error) {
    console.error(`peer: skipped: onnxruntime-node cannot be loaded (${error.code}); run tests/peer/setup.sh`);
    process.exit(skipped);
  }
}
export const ort = loadRuntime();

// The tensors to fetch: "all", "quantized" (what QuantizeLinear nodes write), or names with commas.
function wantedTensors(model, wanted) {
  if (wanted === "all") return nodeTensors(model).map(({ name }) => name);
  if (wanted === "quantized") {
    return nodeTensors(model).filter(({ opType }) => opType === "QuantizeLinear").map(({ name }) => name);
  }
  return wanted.split(",");
}

// options: tensors (see above; default the model's own outputs), threads (1), optimize ("all", or "disabled").
export async function openSession(modelPath, { tensors, threads = 1, optimize = "all" } = {}) {
  const sessionOptions = {
    executionProviders: ["cpu"], intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: "sequential",
    graphOptimizationLevel: optimize, logSeverityLevel: 3,
  };
  if (!tensors) return ort.InferenceSession.create(modelPath, sessionOptions);
  const model = fs.readFileSync(modelPath);
  return ort.InferenceSession.create(withOutputs(model, wantedTensors(model, tensors)), sessionOptions);
}

const typeOfDtype = {
  "<f4": "float32", "<f8": "float64", "<f2": "float16", "|i1": "int8", "|u1": "uint8", "<i2": "int16",
  "<u2": "uint16", "<i4": "int32", "<u4": "uint32", "<i8": "int64", "<u8": "uint64", "|b1": "bool",
};
const dtypeOfType = Object.fromEntries(Object.entries(typeOfDtype).map(([dtype, type]) => [type, dtype]));

export function toTensor({ dtype, shape, data }) {
  return new ort.Tensor(typeOfDtype[dtype], data, shape);
}

export function fromTensor(tensor) {
  const { buffer, byteOffset, byteLength } = tensor.data;
  // onnxruntime reuses buffers; what is kept has to be a copy.
  const data = new tensor.data.constructor(buffer.slice(byteOffset, byteOffset + byteLength));
  return { dtype: dtypeOfType[tensor.type], shape: [...tensor.dims], data };
}

// "name:1x3x224x224,other:1x10" or "1x3x224x224" -> {name: [..]}; the nameless one stands under "".
export function parseShapes(text) {
  return Object.fromEntries((text ? text.split(",") : []).map((part) => {
    const colon = part.lastIndexOf(":");
    return [colon < 0 ? "" : part.slice(0, colon), part.slice(colon + 1).split("x").map(Number)];
  }));
}

export function inputShape(meta, shapes) {
  const given = shapes[meta.name] ?? shapes[""];
  if (given) return given;
  return meta.shape.map((size, axis) => {
    if (typeof size === "number" && size > 0) return size;
    if (axis === 0) return 1;
    throw new Error(`${meta.name}: dimension ${axis} is dynamic; give --input-shapes ${meta.name}:1x..`);
  });
}

// {positional: [...], name: value}; an option named in `flags` takes no value. Repeated options make an array.
export function parseArguments(flags = []) {
  const result = { positional: [] };
  const words = process.argv.slice(2);
  while (words.length) {
    const word = words.shift();
    if (!word.startsWith("--")) {
      result.positional.push(word);
      continue;
    }
    const key = word.slice(2);
    const value = flags.includes(key) ? true : words.shift();
    if (value === undefined) throw new Error(`${word} needs a value`);
    result[key] = key in result ? [].concat(result[key], value) : value;
  }
  return result;
}

export function usage(text) {
  console.error(`usage: ${text}`);
  process.exit(2);
}
