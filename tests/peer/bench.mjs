// Speed against onnxruntime, alternating in one run: node tests/peer/bench.mjs --models a.onnx,b.onnx
//   [--burin 'build/release/bin/burin bench x.burin --threads 1 --runs 50 --json']...
//   [--rounds 5] [--runs 50] [--threads 1] [--input-shapes S]
// A round times every model and every command, one after the other, so that a change of the machine's speed meets all
// of them. Per round the median of the runs counts; of the rounds, again the median. Prints JSON: rounds, median_ms,
// best_peer (the fastest model) and ratio (command / best peer; below 1 the command is faster).
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { inputShape, openSession, ort, parseArguments, parseShapes, usage } from "./session.mjs";
import { elementCount } from "./npz.mjs";

const options = parseArguments();
if (!options.models) {
  usage("bench.mjs --models A.onnx,B.onnx [--burin COMMAND]... [--rounds 5] [--runs 50] [--threads 1]");
}
const rounds = Number(options.rounds ?? 5), runs = Number(options.runs ?? 50), threads = Number(options.threads ?? 1);
const commands = [].concat(options.burin ?? []);
const shapes = parseShapes(options["input-shapes"]);
const runCommand = promisify(execFile);

function median(values) {
  const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// Values in 0..1 from a fixed linear congruential sequence; timing does not depend on them.
function someTensor(meta) {
  const shape = inputShape(meta, shapes);
  return new ort.Tensor(meta.type, someData(meta.type, shape), shape);
}

function someData(type, shape) {
  const arrays = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array, int64: BigInt64Array, int32: Int32Array };
  const data = new arrays[type](elementCount(shape));
  if (type !== "float32") return data;
  for (let index = 0, state = 1; index < data.length; ++index) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[index] = state / 2 ** 32;
  }
  return data;
}

async function timeSession({ session, feeds }) {
  const times = [];
  for (let run = -5; run < runs; ++run) { // five to warm up
    const start = process.hrtime.bigint();
    await session.run(feeds);
    if (run >= 0) times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  return median(times);
}

async function timeCommand(command) {
  const [program, ...words] = command.trim().split(/\s+/);
  const { stdout } = await runCommand(program, words, { maxBuffer: 1 << 26 });
  return JSON.parse(stdout).median_ms;
}

const sessions = [];
for (const name of options.models.split(",")) {
  const session = await openSession(name, { threads });
  const feeds = Object.fromEntries(session.inputMetadata.map((meta) => [meta.name, someTensor(meta)]));
  sessions.push({ name, session, feeds });
}
const results = [];
for (let round = 0; round < rounds; ++round) {
  const result = {};
  for (const entry of sessions) result[entry.name] = await timeSession(entry);
  for (const command of commands) result[command] = await timeCommand(command);
  results.push(result);
}

const overRounds = (key) => median(results.map((round) => round[key]));
const medians = Object.fromEntries(Object.keys(results[0]).map((key) => [key, overRounds(key)]));
const bestPeer = sessions.map(({ name }) => name).reduce((a, b) => (medians[b] < medians[a] ? b : a));
const ratio = Object.fromEntries(commands.map((command) => [command, medians[command] / medians[bestPeer]]));
const report = { threads, runs, rounds: results, median_ms: medians, best_peer: bestPeer, ratio };
console.log(JSON.stringify(report, null, 1));
