// QDQ exports against our own integer programs: node tests/peer/qdq_check.mjs --burin build/release/bin/burin
//   [--zoo DIR] [--unpacked DIR] [--work build/peer/qdq] [--views 100] [--flags "--symmetric"] [--list 3] [NETWORK...]
// `burin quantize` makes the program and saves its plan, from which comes the export (--flags go to both). A view runs through
// `burin run --raw --all-tensors`, and its float inputs through onnxruntime. Compared: the first class, and every stored
// tensor T of the program with the export's T_QuantizeLinear_Output. Floors: the first class equal on 99 % of the views,
// 99.5 % of the elements of the last integer tensor equal, and no element off by more than 1 in any tensor before the
// first float island, whose functions two executors may round differently. Prints JSON; exit code 1 on a miss, 77 without
// a zoo or onnxruntime-node.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { nodeTensors } from "./onnx_outputs.mjs";
import { readNpz } from "./npz.mjs";
import { fromTensor, openSession, parseArguments, toTensor, usage } from "./session.mjs";
import { classifiers, modelPath, networks, pictures, reportAll, requireZoo } from "./zoo.mjs";

const lowestSameClass = 0.99, lowestFinalEqual = 0.995, largestDifference = 1;
const options = parseArguments();
if (!options.burin) usage("qdq_check.mjs --burin BURIN [--zoo DIR] [--views 100] [--flags FLAGS] [--list 3] [NETWORK...]");
const { work = "build/peer/qdq" } = options, views = Number(options.views ?? 100);
const wanted = options.positional.length ? options.positional : classifiers;
const zoo = requireZoo(options, wanted.length);
const suffix = "_QuantizeLinear_Output";
fs.mkdirSync(work, { recursive: true });
const burin = (...words) => execFileSync(options.burin, [...words, "--quiet"], { maxBuffer: 1 << 28 }).toString();

// The program and the export of one plan.
function prepare(name) {
  const { calibration, flags } = networks[name], more = options.flags?.split(" ") ?? [];
  const [net, plan, program, model] = ["mlir", "plan.json", "burin", "onnx"].map((extension) => path.join(work, `${name}.${extension}`));
  burin("import", modelPath(zoo, options, name), "-o", net, ...flags);
  burin("quantize", net, "--data", pictures(zoo, calibration), ...more, "--save-plan", plan, "-o", program);
  burin("export", net, "--format", "onnx-qdq", "--plan", plan, ...more, "-o", model);
  return { program, model };
}

// The integer tensors that ops compute, in order: {name, exact}; exact ones come before the first float result. Copies
// into another memory order are left out.
function integerTensors(program) {
  const { tensors, ops } = JSON.parse(burin("dump", program, "--json"));
  const shape = (tensor) => tensors[tensor].shape.join();
  const result = [];
  let exact = true;
  for (const { type, inputs, outputs } of ops) {
    const isCopy = type === "nn.reshape" && shape(inputs[0]) === shape(outputs[0]);
    for (const { name, dtype } of outputs.map((tensor) => tensors[tensor])) {
      if (dtype === "f32") exact &&= isCopy;
      else if (!isCopy) result.push({ name, exact });
    }
  }
  return result;
}

function firstMaximum(values) {
  let best = 0;
  for (let i = 1; i < values.length; ++i) if (values[i] > values[best]) best = i;
  return best;
}

// The export stores signed tensors as unsigned, 128 higher.
function compare(total, ours, theirs) {
  const lift = ours instanceof Int8Array && theirs instanceof Uint8Array ? 128 : 0;
  if (ours.length !== theirs.length) throw new Error(`${total.tensor}: ${ours.length} elements, ${theirs.length} in the export`);
  for (let i = 0; i < ours.length; ++i) {
    const off = Math.abs(ours[i] + lift - theirs[i]);
    if (off) ++total.different;
    if (off > total.largest) total.largest = off;
  }
  total.elements += ours.length;
}

// The name of the export's tensor: the source's, without the suffix that the integers of a float tensor have here.
const exportedName = (name) => name.replace(/\/quantized?$/, "") + suffix;

async function check(name) {
  const { program, model } = prepare(name);
  const written = new Set(nodeTensors(fs.readFileSync(model)).map((tensor) => tensor.name));
  const totals = integerTensors(program).map(({ name, exact }) => ({ tensor: name, exact, elements: 0, different: 0, largest: 0 }));
  const missing = totals.filter(({ tensor }) => !written.has(exportedName(tensor))).map(({ tensor }) => tensor);
  if (missing.length) throw new Error(`the export has no ${missing.join(", ")}`);
  const session = await openSession(model);
  const inner = await openSession(model, { tensors: totals.map(({ tensor }) => exportedName(tensor)).join(",") });
  const file = path.join(work, "view.npz"), data = pictures(zoo, networks[name].views);
  let sameClass = 0;
  for (let index = 0; index < views; ++index) {
    burin("run", program, "--input", data, "--sample", String(index), "--raw", "--all-tensors", "-o", file);
    const view = readNpz(file), output = session.outputNames[0];
    const feeds = Object.fromEntries(session.inputNames.map((input) => [input, toTensor(view[input])]));
    const plain = fromTensor((await session.run(feeds))[output]);
    sameClass += firstMaximum(plain.data) === firstMaximum(view[output].data);
    const results = await inner.run(feeds);
    for (const total of totals) compare(total, view[total.tensor].data, fromTensor(results[exportedName(total.tensor)]).data);
  }
  return summary(name, sameClass / views, totals);
}

function summary(network, sameClass, totals) {
  const share = ({ different, elements }) => different / elements;
  const exact = totals.filter((total) => total.exact), last = totals.at(-1), finalEqual = 1 - share(last);
  const largest = Math.max(...exact.map((total) => total.largest));
  return {
    network, views, sameClass, tensors: totals.length, exactTensors: exact.length, finalTensor: last.tensor, finalEqual, largest,
    ok: sameClass >= lowestSameClass && finalEqual >= lowestFinalEqual && largest <= largestDifference,
    differing: totals.filter((total) => total.different).length,
    first: totals.filter((total) => total.different).slice(0, options.list ?? 3)
      .map((total) => ({ tensor: total.tensor, different: total.different, equal: 1 - share(total), largest: total.largest })),
  };
}

await reportAll(wanted, check);
