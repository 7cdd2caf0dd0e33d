// QDQ exports of networks that are quantized already: node tests/peer/asis_check.mjs --burin build/release/bin/burin
//   [--zoo DIR] [--work build/peer/asis] [--list 3] [NETWORK...]
// A quantized TensorFlow Lite file is compiled as it is, and exported likewise, as QDQ ONNX and as the source's own float
// graph. Integers of its input's type go through `burin run --raw --all-tensors` and through onnxruntime. Compared for the
// target cpu, whose arithmetic is onnxruntime's: every stored tensor T with the export's T_QuantizeLinear_Output, at most 1
// apart before the first float island, and the outputs, at most 2 apart (what follows a last unit). Of the float graph, whose
// every operator onnxruntime may round for itself, 98 % of the output's elements are equal. The target tflite, whose
// requantisation rounds otherwise, is only reported. NETWORK+16 is the network with 16-bit activations over the same ranges.
// Prints JSON; exit code 1 on a miss, 77 without a zoo or onnxruntime-node.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { readNpz, writeNpz } from "./npz.mjs";
import { nodeTensors } from "./onnx_outputs.mjs";
import { fromTensor, openSession, parseArguments, toTensor, usage } from "./session.mjs";
import { reportAll, requireZoo } from "./zoo.mjs";

// 16-bit layers run in float32 there: units 256 times as fine may differ by a sixteenth of the coarse one.
const largest = { 8: { inside: 1, output: 2 }, 16: { inside: 16, output: 32 } }, leastEqual = 0.98;
const networks = ["pretrainedResnet_quant", "kws_ref_model", "vww_96_int8", "ad01_int8", "person_detect",
                  "mobilenet_v1_0.25_128_quant", "mobilenet_v2_1.0_224_quant", "tf2_mobilenet_v2_1.0_224_ptq",
                  "pretrainedResnet_quant+16", "kws_ref_model+16", "vww_96_int8+16"];
const options = parseArguments();
if (!options.burin) usage("asis_check.mjs --burin BURIN [--zoo DIR] [--work DIR] [--list 3] [NETWORK...]");
const { work = "build/peer/asis" } = options;
const wanted = options.positional.length ? options.positional : networks;
const zoo = requireZoo(options, wanted.length);
const suffix = "_QuantizeLinear_Output";
fs.mkdirSync(work, { recursive: true });
const burin = (...words) => execFileSync(options.burin, [...words, "--quiet"], { maxBuffer: 1 << 28 }).toString();

// Integers that rise and fall over the whole range, the same in every run.
const stored = { i8: ["|i1", Int8Array, -128, 1], u8: ["|u1", Uint8Array, 0, 1], i16: ["<i2", Int16Array, -32768, 256] };
function writeInput(file, { name, shape, dtype }) {
  const count = shape.reduce((product, size) => product * size, 1), [code, Elements, low, step] = stored[dtype];
  const data = new Elements(count);
  for (let i = 0; i < count; ++i) data[i] = low + Math.floor(step * (127.5 + 80 * Math.sin(i / 97) + 47 * Math.sin(i * 1.7)));
  writeNpz(file, { [name]: { dtype: code, shape, data } });
}

// The network's file; of NETWORK+16 one that is written here.
function sourceOf(name, file) {
  const [network, wide] = name.split("+"), source = path.join(zoo, "models/tflite", `${network}.tflite`);
  if (!wide) return source;
  execFileSync("/usr/bin/python3", ["tests/e2e/tflite_cases16.py", source, file("tflite")]);
  return file("tflite");
}

// Largest difference and share of equal elements.
function compare(ours, theirs) {
  const lift = ours instanceof Int8Array && theirs instanceof Uint8Array ? 128 : 0; // exports store unsigned integers
  if (ours.length !== theirs.length) throw new Error(`${ours.length} elements, ${theirs.length} in the export`);
  let different = 0, most = 0;
  for (let i = 0; i < ours.length; ++i) {
    const off = Math.abs(Number(ours[i]) + lift - Number(theirs[i]));
    if (off) ++different;
    if (off > most) most = off;
  }
  return { largest: most, equal: 1 - different / Math.max(ours.length, 1) };
}

// The integer tensors that a program's ops compute, before the first float result.
function exactTensors(program) {
  const { tensors, ops } = JSON.parse(burin("dump", program, "--json"));
  const made = ops.map(({ outputs }) => tensors[outputs[0]]);
  const end = made.findIndex(({ dtype }) => dtype === "f32");
  return made.slice(0, end < 0 ? made.length : end).map(({ name }) => name);
}

async function feedsOf(session, input) {
  const stored = readNpz(input);
  return Object.fromEntries(session.inputNames.map((name) => [name, toTensor(stored[name])]));
}

async function outputsAgree(model, input, view) {
  const session = await openSession(model), results = await session.run(await feedsOf(session, input));
  return session.outputNames.map((name) => ({ output: name, ...compare(view[name].data, fromTensor(results[name]).data) }));
}

async function tensorsAgree(model, input, view, names) {
  const written = new Set(nodeTensors(fs.readFileSync(model)).map((tensor) => tensor.name));
  const exported = (name) => name.replace(/\/quantized?$/, "") + suffix;
  const known = names.filter((name) => written.has(exported(name)));
  const session = await openSession(model, { tensors: known.map(exported).join(",") });
  const results = await session.run(await feedsOf(session, input));
  return known.map((name) => ({ tensor: name, ...compare(view[name].data, fromTensor(results[exported(name)]).data) }));
}

async function check(name) {
  const file = (rest) => path.join(work, `${name}.${rest}`), source = sourceOf(name, file);
  const report = { network: name, ok: true };
  burin("export", source, "--format", "onnx", "-o", file("onnx"));
  for (const target of ["cpu", "tflite"]) {
    const program = file(`${target}.burin`), model = file(`${target}.onnx`), flags = ["--precision", "as-is", "--target", target];
    burin("compile", source, ...flags, "-o", program);
    burin("export", source, "--format", "onnx-qdq", ...flags, "-o", model);
    writeInput(file("in.npz"), JSON.parse(burin("info", program, "--json")).inputs[0]);
    burin("run", program, "--input", file("in.npz"), "--raw", "--all-tensors", "-o", file("out.npz"));
    const view = readNpz(file("out.npz")), input = file("in.npz");
    const inner = await tensorsAgree(model, input, view, exactTensors(program));
    const outputs = await outputsAgree(model, input, view);
    report[target] = { tensors: inner.length, equal: inner.filter((tensor) => !tensor.largest).length, outputs };
    if (target !== "cpu") continue;
    const floats = await outputsAgree(file("onnx"), input, view);
    report.float = floats;
    report.apart = inner.filter((tensor) => tensor.largest).slice(0, options.list ?? 3);
    const bound = largest[name.includes("+") ? 16 : 8];
    report.ok = inner.length > 3 && inner.every((tensor) => tensor.largest <= bound.inside) &&
      outputs.every((output) => output.largest <= bound.output) && floats.every(({ equal }) => equal >= leastEqual);
  }
  return report;
}

await reportAll(wanted, check);
