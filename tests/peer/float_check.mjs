// Float exports against the zoo's golden outputs: node tests/peer/float_check.mjs --burin build/release/bin/burin
//   [--zoo DIR] [--unpacked DIR] [--work build/peer/float] [MODEL_STEM...]
// Each of the zoo's sixteen ONNX models goes through `burin export --format onnx`, runs on the stored inputs, and every
// output is compared: cosine at least 0.99999. Exit code 1 on a miss, 77 without a zoo or onnxruntime-node.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { readNpz } from "./npz.mjs";
import { fromTensor, openSession, parseArguments, toTensor, usage } from "./session.mjs";
import { onnxModels, requireZoo, stemOf } from "./zoo.mjs";

const lowestCosine = 0.99999, modelsInZoo = 16;
const options = parseArguments();
if (!options.burin) usage("float_check.mjs --burin BURIN [--zoo DIR] [--unpacked DIR] [--work DIR] [MODEL_STEM...]");
const { work = "build/peer/float" } = options;
const zoo = requireZoo(options, modelsInZoo);
fs.mkdirSync(work, { recursive: true });

function cosine(a, b) {
  let ab = 0, aa = 0, bb = 0, same = a.length === b.length;
  for (let i = 0; i < a.length; ++i) {
    const x = Number(a[i]), y = Number(b[i]);
    same &&= x === y;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return same ? 1 : ab / Math.sqrt(aa * bb);
}

const shapeFlags = Object.fromEntries(fs.readFileSync(path.join(zoo, "shapes.txt"), "utf8").split("\n")
  .map((line) => line.split("\t")).filter(([, flags]) => flags?.startsWith("--"))
  .map(([file, flags]) => [path.basename(file), flags.split(" ")]));

async function check(model) {
  const stem = stemOf(model), exported = path.join(work, `${stem}.onnx`);
  const golden = readNpz(path.join(zoo, "golden", `${stem}.npz`));
  execFileSync(options.burin, ["export", model, "--format", "onnx", "-o", exported, "--quiet", ...(shapeFlags[path.basename(model)] ?? [])]);
  const session = await openSession(exported);
  const results = await session.run(Object.fromEntries(session.inputNames.map((name) => [name, toTensor(golden[name])])));
  const names = session.outputNames.filter((name) => golden[name]);
  const worst = Math.min(...names.map((name) => cosine(fromTensor(results[name]).data, golden[name].data)));
  return { worst, compared: names.length, outputs: session.outputNames.length };
}

const models = onnxModels(zoo, options)
  .filter((model) => !options.positional.length || options.positional.includes(stemOf(model)));
let misses = (options.positional.length || modelsInZoo) - models.length; // asked for and not there
for (const model of models) {
  const stem = stemOf(model);
  try {
    const { worst, compared, outputs } = await check(model);
    const good = compared > 0 && compared === outputs && worst >= lowestCosine;
    misses += !good;
    console.log(`${good ? "ok  " : "MISS"} ${stem}: cosine ${worst.toFixed(7)} over ${compared} of ${outputs} outputs`);
  } catch (error) {
    ++misses;
    console.log(`MISS ${stem}: ${error.message}`);
  }
}
console.log(JSON.stringify({ models: models.length, misses }));
process.exit(misses ? 1 : 0);
