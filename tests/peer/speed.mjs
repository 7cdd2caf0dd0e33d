// Our speed against onnxruntime's best: node tests/peer/speed.mjs --burin build/release/bin/burin [NETWORK...]
//   [--zoo ../shared/zoo] [--unpacked build/zoo] [--work build/peer/speed] [--rounds 5] [--runs 50] [--prepare only]
// For each network one run of bench.mjs, in which all of these take turns on one thread: our INT8 and float programs,
// and in onnxruntime the float export and the quantized one in every form that it has kernels for. Prepared files in
// --work are used again. Floors: our INT8 is at most as slow as the best of onnxruntime's and faster than our float;
// our float takes at most 1.3 times onnxruntime's. Exit code 1 on a miss.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { parseArguments, usage } from "./session.mjs";
import { modelPath, networks, pictures, requireZoo } from "./zoo.mjs";

const highestInt8Ratio = 1, highestFloatRatio = 1.3;
// What the peer may choose from: flags of `burin export`, and how the target differs from `cpu`.
const perTensorWeights = (target) => {
  for (const rule of Object.values(target.weights)) if (rule.granularity) rule.granularity = "per_tensor";
  target.activations.channel_scales = "none";
};
const signedOnly = (target) => {
  target.activations.schemes.symmetric.unsigned = null;
};
const forms = {
  u8s8: { flags: [] },
  u8s8_per_tensor: { flags: [], change: perTensorWeights },
  s8s8: { flags: ["--symmetric", "--activations", "s8"], change: signedOnly },
  s8s8_per_tensor: {
    flags: ["--symmetric", "--activations", "s8"],
    change: (target) => [perTensorWeights, signedOnly].forEach((change) => change(target)),
  },
};

const options = parseArguments();
if (!options.burin) usage("speed.mjs --burin BURIN [--zoo DIR] [--unpacked DIR] [--work DIR] [--rounds 5] [--runs 50] [NETWORK...]");
const { work = "build/peer/speed", rounds = 5, runs = 50 } = options;
const wanted = options.positional.length ? options.positional : Object.keys(networks);
const zoo = requireZoo(options, wanted.length);
fs.mkdirSync(work, { recursive: true });
const file = (name) => path.join(work, name);
const burin = (...words) => execFileSync(options.burin, [...words, "--quiet"], { stdio: ["ignore", "ignore", "inherit"] });
const once = (output, make) => fs.existsSync(output) || make();

function prepare(name) {
  const { calibration, flags } = networks[name], data = pictures(zoo, calibration);
  const net = file(`${name}.mlir`), table = file(`${name}.cali`), float = file(`${name}.f32.burin`), int8 = file(`${name}.burin`);
  once(net, () => burin("import", modelPath(zoo, options, name), "-o", net, ...flags));
  once(table, () => burin("calibrate", net, "--data", data, "--samples", "20", "-o", table));
  once(float, () => burin("compile", net, "-o", float));
  once(int8, () => burin("compile", net, "--precision", "int8", "--calibration", table, "-o", int8));
  once(file(`${name}.f32.onnx`), () => burin("export", net, "-o", file(`${name}.f32.onnx`)));
  for (const [form, { flags, change }] of Object.entries(forms)) {
    const target = JSON.parse(fs.readFileSync("targets/cpu.json", "utf8"));
    change?.(target);
    fs.writeFileSync(file(`${form}.json`), JSON.stringify(target));
    const output = file(`${name}.${form}.onnx`);
    once(output, () => burin("export", net, "--format", "onnx-qdq", "--calibration", table, "--target", file(`${form}.json`),
      ...flags, "-o", output));
  }
}

function measure(name) {
  const command = (program) => `${options.burin} bench ${program} --threads 1 --runs ${runs} --json`;
  const float = command(file(`${name}.f32.burin`)), int8 = command(file(`${name}.burin`));
  const models = ["f32", ...Object.keys(forms)].map((form) => file(`${name}.${form}.onnx`));
  const words = ["tests/peer/bench.mjs", "--models", models.join(","), "--burin", float, "--burin", int8,
    "--rounds", rounds, "--runs", runs];
  const { median_ms } = JSON.parse(execFileSync(process.execPath, words.map(String), { maxBuffer: 1 << 26 }));
  const theirs = Object.fromEntries(Object.keys(forms).map((form) => [form, median_ms[file(`${name}.${form}.onnx`)]]));
  const best = Object.keys(theirs).reduce((a, b) => (theirs[b] < theirs[a] ? b : a));
  return { name, int8: median_ms[int8], theirs, best, float: median_ms[float], theirFloat: median_ms[file(`${name}.f32.onnx`)] };
}

wanted.forEach(prepare);
let misses = 0;
for (const name of options.prepare === "only" ? [] : wanted) {
  const { int8, theirs, best, float, theirFloat } = measure(name);
  const ratio = int8 / theirs[best], floatRatio = float / theirFloat;
  const good = ratio <= highestInt8Ratio && int8 < float && floatRatio <= highestFloatRatio;
  misses += !good;
  const all = Object.entries(theirs).map(([form, ms]) => `${form} ${ms.toFixed(2)}`).join(", ");
  console.log(`${good ? "ok  " : "MISS"} ${name}: INT8 ${int8.toFixed(2)} ms, onnxruntime ${all}, ratio ${ratio.toFixed(2)} (${best}); ` +
    `f32 ${float.toFixed(2)} ms, onnxruntime ${theirFloat.toFixed(2)}, ratio ${floatRatio.toFixed(2)}`);
}
process.exit(misses ? 1 : 0);
