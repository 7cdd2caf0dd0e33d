// First classes over a batch of preprocessed inputs: node tests/peer/classify.mjs MODEL.onnx INPUTS.npy
//   [--output NAME] [--logits OUT.npy] [--tensors T --tensor-dir DIR] [--threads N] [--optimize LEVEL]
// INPUTS.npy is [samples, ...one input without its batch dimension]; it is read sample by sample. Prints JSON:
// {"n":..,"top1":[..]}. --logits writes [samples, classes]; --tensor-dir writes one npz of the fetched tensors each.
import fs from "node:fs";
import path from "node:path";
import { elementBytes, elementCount, formatNpy, parseNpyHeader, typedArray, writeNpz } from "./npz.mjs";
import { fromTensor, openSession, parseArguments, toTensor, usage } from "./session.mjs";

const options = parseArguments();
const [modelPath, inputPath] = options.positional;
if (!inputPath) {
  usage("classify.mjs MODEL.onnx INPUTS.npy [--output NAME] [--logits OUT.npy] [--tensors T --tensor-dir DIR]");
}

function* samples(file) {
  const handle = fs.openSync(file);
  const head = Buffer.alloc(4096);
  fs.readSync(handle, head, 0, head.length, 0);
  const { dtype, shape, dataOffset } = parseNpyHeader(head, file);
  const sampleShape = shape.slice(1);
  const bytes = Buffer.alloc(elementCount(sampleShape) * elementBytes(dtype));
  for (let index = 0; index < shape[0]; ++index) {
    if (fs.readSync(handle, bytes, 0, bytes.length, dataOffset + index * bytes.length) !== bytes.length) {
      throw new Error(`${file}: cut short at sample ${index}`);
    }
    yield { dtype, shape: [1, ...sampleShape], data: typedArray(dtype, bytes) };
  }
  fs.closeSync(handle);
}

// The first of equal maxima, as everywhere else in the project.
function firstMaximum(values) {
  let best = 0;
  for (let index = 1; index < values.length; ++index) if (values[index] > values[best]) best = index;
  return best;
}

const session = await openSession(modelPath, {
  tensors: options.tensors, optimize: options.optimize, threads: Number(options.threads ?? 1),
});
const outputName = options.output ?? session.outputNames[0];
if (options["tensor-dir"]) fs.mkdirSync(options["tensor-dir"], { recursive: true });
const top1 = [], rows = [];
for (const sample of samples(inputPath)) {
  const results = await session.run({ [session.inputNames[0]]: toTensor(sample) });
  const row = fromTensor(results[outputName]);
  if (options["tensor-dir"]) {
    const arrays = Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, fromTensor(tensor)]));
    writeNpz(path.join(options["tensor-dir"], `${String(top1.length).padStart(4, "0")}.npz`), arrays);
  }
  top1.push(firstMaximum(row.data));
  if (options.logits) rows.push(row);
}
if (options.logits) {
  const { dtype, data } = rows[0];
  const all = new data.constructor(rows.length * data.length);
  rows.forEach((row, index) => all.set(row.data, index * data.length));
  fs.writeFileSync(options.logits, formatNpy({ dtype, shape: [rows.length, data.length], data: all }));
}
console.log(JSON.stringify({ n: top1.length, top1 }));
