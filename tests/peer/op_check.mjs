// Every op that the exporter writes, run by onnxruntime: node tests/peer/op_check.mjs --export-test build/.../export_test
//   [--work build/peer/ops] [--list 1]
// The unit tests of lib/export save their cases: a model, its inputs, and what our reference kernels (float ops) or our
// integer programs (quantized ones) compute. Float results may differ by rounding, integers not at all, tables included.
// Ops that onnxruntime has no kernel for are counted. Prints JSON; exit code 1 on a miss, 77 without onnxruntime-node.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { nodeTensors } from "./onnx_outputs.mjs";
import { readNpz } from "./npz.mjs";
import { fromTensor, openSession, parseArguments, toTensor, usage } from "./session.mjs";

const tolerance = 1e-4, halfTolerance = 2e-3; // relative to 1 or the value, whichever is larger
const options = parseArguments();
if (!options["export-test"]) usage("op_check.mjs --export-test PROGRAM [--work DIR] [--list 1]");
const { work = "build/peer/ops" } = options;

function halfToFloat(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

// Elements that are not the same; integers may differ by `step`.
function differences({ dtype, data }, other, step) {
  if (data.length !== other.length) return Math.max(data.length, other.length);
  const isFloat = dtype === "<f4" || dtype === "<f2", read = dtype === "<f2" ? halfToFloat : Number;
  const allowed = dtype === "<f2" ? halfTolerance : tolerance;
  let count = 0;
  for (let i = 0; i < data.length; ++i) {
    const a = read(data[i]), b = read(other[i]);
    const same = a === b || (Number.isNaN(a) && Number.isNaN(b));
    if (!same && !(isFloat && Math.abs(a - b) <= allowed * Math.max(1, Math.abs(a))) && !(!isFloat && Math.abs(a - b) <= step)) ++count;
  }
  return count;
}

async function check(stem) {
  const model = path.join(work, `${stem}.onnx`), arrays = readNpz(path.join(work, `${stem}.npz`));
  const plain = await openSession(model);
  const stored = Object.keys(arrays).filter((name) => name.endsWith("_QuantizeLinear_Output"));
  const session = stored.length ? await openSession(model, { tensors: stored.join(",") }) : plain;
  const results = await session.run(Object.fromEntries(plain.inputNames.map((name) => [name, toTensor(arrays[name])])));
  // Behind a float island a function may round to the neighbour, and the float result follows.
  const hasIsland = stem.endsWith("qnn.dequantize");
  const expected = [...(hasIsland ? [] : plain.outputNames), ...stored].filter((name) => arrays[name]);
  const wrong = expected.map((name) => [name, differences(arrays[name], fromTensor(results[name]).data, hasIsland ? 1 : 0)])
    .filter(([, count]) => count);
  return { compared: expected.length, wrong: Object.fromEntries(wrong) };
}

fs.rmSync(work, { recursive: true, force: true });
fs.mkdirSync(work, { recursive: true });
execFileSync(options["export-test"], ["--gtest_brief=1"], { env: { ...process.env, BURIN_EXPORT_CASES: work }, stdio: "ignore" });
const stems = fs.readdirSync(work).filter((file) => file.endsWith(".onnx")).map((file) => file.slice(0, -5))
  .sort((a, b) => Number.parseInt(a) - Number.parseInt(b));
const report = { cases: stems.length, equal: 0, noKernel: {}, misses: [], tables: { asFunction: 0, asGather: 0 } };
for (const stem of stems) {
  try {
    const { compared, wrong } = await check(stem);
    if (compared && !Object.keys(wrong).length) ++report.equal;
    else report.misses.push({ stem, compared, wrong });
  } catch ({ message }) {
    const missing = /Could not find an implementation for \w+|NOT_IMPLEMENTED|Unsupported data type: 16/.exec(message); // 16: bf16
    if (missing) report.noKernel[stem] = missing[0];
    else report.misses.push({ stem, error: message.slice(0, 300) });
  }
  if (stem.endsWith("qnn.lut")) {
    const gathers = nodeTensors(fs.readFileSync(path.join(work, `${stem}.onnx`))).some(({ opType }) => opType.startsWith("Gather"));
    ++report.tables[gathers ? "asGather" : "asFunction"];
  }
}
console.log(JSON.stringify(report, null, 1));
process.exit(report.cases && !report.misses.length ? 0 : 1);
