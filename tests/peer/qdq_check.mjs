// A QDQ export against our own integer program: node tests/peer/qdq_check.mjs EXPORT.onnx PROGRAM.burin DATA
//   [--burin build/release/bin/burin] [--views 100] [--threads 1] [--optimize all]
//   [--until TENSOR] [--list 1]
// Both must come from one plan (burin compile --save-plan, burin export --plan). Each view of the data set runs through
// `burin run --raw --all-tensors`; its float inputs then run through onnxruntime. Compared: the first class, and every
// stored tensor T of the program with the export's T_QuantizeLinear_Output. The final integer tensor is the last one
// the export writes. Prints JSON; exit code 1 when a floor is missed: first class equal on 99 % of the views, 99.5 % of
// the final elements equal, no element off by more than 1. --until names the last tensor before the first float island,
// whose functions two executors may round differently: what follows is not held to the last floor.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { nodeTensors } from "./onnx_outputs.mjs";
import { readNpz } from "./npz.mjs";
import { fromTensor, openSession, parseArguments, toTensor, usage } from "./session.mjs";

const options = parseArguments();
const [modelPath, programPath, dataPath] = options.positional;
if (!dataPath) usage("qdq_check.mjs EXPORT.onnx PROGRAM.burin DATA [--burin BURIN] [--views 100]");
const burin = options.burin ?? "build/release/bin/burin", views = Number(options.views ?? 100);
const scratch = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "qdq-")), "view.npz");

const suffix = "_QuantizeLinear_Output";
const stored = nodeTensors(fs.readFileSync(modelPath)).map(({ name }) => name).filter((name) => name.endsWith(suffix));
const session = await openSession(modelPath, { optimize: options.optimize ?? "all", threads: Number(options.threads ?? 1) });
const outputName = session.outputNames[0];
const inner = await openSession(modelPath, {
  tensors: stored.join(","), optimize: options.optimize ?? "all", threads: Number(options.threads ?? 1),
});

function ourView(index) {
  execFileSync(burin, ["run", programPath, "--input", dataPath, "--sample", String(index), "--raw", "--all-tensors",
    "-o", scratch, "--quiet"]);
  return readNpz(scratch);
}

function firstMaximum(values) {
  let best = 0;
  for (let i = 1; i < values.length; ++i) if (values[i] > values[best]) best = i;
  return best;
}

// The export stores signed tensors as unsigned, 128 higher.
function compare(a, b) {
  const lift = a instanceof Int8Array && b instanceof Uint8Array ? 128 : 0;
  let different = 0, largest = 0;
  for (let i = 0; i < a.length; ++i) {
    const off = Math.abs(a[i] + lift - b[i]);
    if (off) ++different;
    if (off > largest) largest = off;
  }
  return { elements: a.length, different, largest };
}

// Our name of a stored tensor: the source's, or with a suffix where the float has it.
const ours = (view, name) => [name, `${name}/quantized`, `${name}/quantize`].map((key) => view[key])
  .find((array) => array && (array.dtype === "|i1" || array.dtype === "|u1"));

const totals = new Map();
let sameClass = 0;
for (let index = 0; index < views; ++index) {
  const view = ourView(index);
  const feeds = Object.fromEntries(session.inputNames.map((name) => [name, toTensor(view[name])]));
  const plain = fromTensor((await session.run(feeds))[outputName]);
  sameClass += firstMaximum(plain.data) === firstMaximum(view[outputName].data);
  const results = await inner.run(feeds);
  for (const name of stored) {
    const own = name.slice(0, -suffix.length), array = ours(view, own);
    if (!array) continue;
    const other = fromTensor(results[name]);
    if (other.data.length !== array.data.length) throw new Error(`${own}: ${array.data.length} elements here, ${other.data.length} in the export`);
    const { elements, different, largest } = compare(array.data, other.data);
    const total = totals.get(own) ?? { tensor: own, elements: 0, different: 0, largest: 0 };
    total.elements += elements;
    total.different += different;
    total.largest = Math.max(total.largest, largest);
    totals.set(own, total);
  }
}
fs.rmSync(path.dirname(scratch), { recursive: true });

const list = [...totals.values()];
const inputs = new Set(session.inputNames);
const exact = options.until ? list.slice(0, list.findIndex(({ tensor }) => tensor === options.until) + 1) : list;
if (!exact.length) throw new Error(`--until ${options.until}: there is no such stored tensor`);
const final = list.at(-1);
const report = {
  views, sameClass: sameClass / views, tensors: list.length, finalTensor: final.tensor,
  finalEqual: 1 - final.different / final.elements,
  largest: Math.max(...exact.map((t) => t.largest)),
  worst: list.filter((t) => t.different).sort((a, b) => b.different / b.elements - a.different / a.elements).slice(0, 5)
    .map((t) => ({ tensor: t.tensor, equal: 1 - t.different / t.elements, largest: t.largest })),
  tensorsInOrder: options.list ? list.map((t) => `${t.tensor} ${t.different}/${t.elements} max ${t.largest}`) : undefined,
  firstDifferent: list.find((t) => t.different && !inputs.has(t.tensor)) ?? null,
};
console.log(JSON.stringify(report, null, 1));
process.exit(report.sameClass >= 0.99 && report.finalEqual >= 0.995 && report.largest <= 1 ? 0 : 1);
