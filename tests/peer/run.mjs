// Runs an ONNX model on stored inputs: node tests/peer/run.mjs MODEL.onnx IN.npz OUT.npz
//   [--tensors all|quantized|NAME,..]  also fetch intermediate tensors (they become graph outputs)
//   [--optimize all|extended|basic|disabled] [--threads N]
// Keys of IN.npz that are no input of the model are ignored, so a golden file can be given as it is.
import { readNpz, writeNpz } from "./npz.mjs";
import { fromTensor, openSession, parseArguments, toTensor, usage } from "./session.mjs";

const options = parseArguments();
const [modelPath, inputPath, outputPath] = options.positional;
if (!outputPath) usage("run.mjs MODEL.onnx IN.npz OUT.npz [--tensors T] [--optimize LEVEL] [--threads N]");

const session = await openSession(modelPath, {
  tensors: options.tensors, optimize: options.optimize, threads: Number(options.threads ?? 1),
});
const stored = readNpz(inputPath);
const missing = session.inputNames.filter((name) => !stored[name]);
if (missing.length) {
  const present = Object.keys(stored).join(", ");
  console.error(`run.mjs: error: ${inputPath} lacks input ${missing.join(", ")}; it has ${present}`);
  process.exit(3);
}
const feeds = Object.fromEntries(session.inputNames.map((name) => [name, toTensor(stored[name])]));
const results = await session.run(feeds);
writeNpz(outputPath, Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, fromTensor(tensor)])));
