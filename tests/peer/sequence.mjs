// Runs a streaming model frame by frame with its state fed back: node tests/peer/sequence.mjs MODEL.onnx IN.npz OUT.npz
//   --feedback state_out=state_in[,..] [--threads N]
// IN.npz holds the frame inputs stacked as [frames, ...shape of the input]; states begin as zeros. OUT.npz holds,
// stacked the same way, every state input as it was before each frame, and every output that is not fed back.
import { elementCount, readNpz, writeNpz } from "./npz.mjs";
import { fromTensor, inputShape, openSession, parseArguments, toTensor, usage } from "./session.mjs";

const options = parseArguments();
const [modelPath, inputPath, outputPath] = options.positional;
if (!outputPath || !options.feedback) {
  usage("sequence.mjs MODEL.onnx IN.npz OUT.npz --feedback state_out=state_in[,..]");
}
const feedback = options.feedback.split(",").map((pair) => pair.split("="));

const session = await openSession(modelPath, { threads: Number(options.threads ?? 1) });
const stacked = readNpz(inputPath);
const frameCount = Object.values(stacked)[0].shape[0];

function zeros(name) {
  const shape = inputShape(session.inputMetadata.find((meta) => meta.name === name), {});
  return { dtype: "<f4", shape, data: new Float32Array(elementCount(shape)) };
}

function frame({ dtype, shape, data }, index) {
  const size = elementCount(shape.slice(1));
  return { dtype, shape: shape.slice(1), data: data.slice(index * size, (index + 1) * size) };
}

function stack(arrays) {
  const { dtype, shape, data } = arrays[0];
  const all = new data.constructor(arrays.length * data.length);
  arrays.forEach((array, index) => all.set(array.data, index * data.length));
  return { dtype, shape: [arrays.length, ...shape], data: all };
}

const kept = {};
const keep = (name, array) => (kept[name] ??= []).push(array);
let states = Object.fromEntries(feedback.map(([, input]) => [input, zeros(input)]));
for (let index = 0; index < frameCount; ++index) {
  const inputs = { ...states };
  for (const [name, array] of Object.entries(stacked)) inputs[name] = frame(array, index);
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, array]) => [name, toTensor(array)]));
  const results = await session.run(feeds);
  for (const [name, state] of Object.entries(states)) keep(name, state);
  const next = {};
  for (const [name, tensor] of Object.entries(results)) {
    const input = feedback.find(([output]) => output === name)?.[1];
    if (input) next[input] = fromTensor(tensor);
    else keep(name, fromTensor(tensor));
  }
  states = next;
}
writeNpz(outputPath, Object.fromEntries(Object.entries(kept).map(([name, arrays]) => [name, stack(arrays)])));
