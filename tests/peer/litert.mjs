// Runs TensorFlow Lite files with LiteRT.js in a headless Chromium: node tests/peer/litert.mjs JOBS.json
// A job is {model, inputs, outputs}: paths of a file and of .npy files, an input's with one more leading axis for the
// samples; the outputs are written likewise. Elements are float32, int32 or uint8, as LiteRT.js takes them.
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { elementCount, formatNpy, parseNpy } from "./npz.mjs";
import { skipped } from "./zoo.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const packages = path.join(root, "build/litert/node_modules");
const browserPath = process.env.BURIN_CHROMIUM ?? "/usr/bin/chromium";
const contentTypes = { ".js": "text/javascript", ".wasm": "application/wasm" };
const dtypeNames = { float32: "<f4", int32: "<i4", uint8: "|u1" };
const page = `<!doctype html><script type="importmap">{"imports": {
  "@litertjs/core": "/packages/@litertjs/core/dist/index.js",
  "@litertjs/wasm-utils": "/packages/@litertjs/wasm-utils/dist/index.js"}}</script>`;

function skip(reason) {
  console.error(`peer: skipped: ${reason}`);
  process.exit(skipped);
}

function loadPlaywright() {
  if (!fs.existsSync(browserPath)) skip(`no browser at ${browserPath}; install chromium or set BURIN_CHROMIUM`);
  try {
    return createRequire(path.join(packages, "../package.json"))("playwright-core");
  } catch {
    return skip("LiteRT.js is not installed; run tests/peer/setup.sh litert");
  }
}

// Serves the page, the packages, and what the jobs read.
function serve(jobs) {
  const find = (url) => {
    const [, kind, ...rest] = url.split("/").map(decodeURIComponent);
    if (kind === "packages") return path.join(packages, path.normalize(`/${rest.join("/")}`));
    const job = jobs[Number(rest[0])];
    return kind === "model" ? job?.model : kind === "input" ? job?.inputs[Number(rest[1])] : undefined;
  };
  const server = http.createServer((request, response) => {
    const file = request.url === "/" ? undefined : find(request.url);
    const exists = file !== undefined && fs.existsSync(file);
    response.writeHead(exists || request.url === "/" ? 200 : 404,
                       { "Content-Type": exists ? contentTypes[path.extname(file)] ?? "application/octet-stream" : "text/html" });
    if (!exists) return response.end(request.url === "/" ? page : "");
    if (!request.url.startsWith("/input/")) return fs.createReadStream(file).pipe(response);
    const { data } = parseNpy(fs.readFileSync(file), file); // the elements alone
    return response.end(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

// In the browser: every sample of a job. Returns per output {dtype, shape, base64 of all samples}.
async function runJob({ index, inputCount, samples }) {
  const litert = await import("@litertjs/core");
  globalThis.loaded ??= litert.loadLiteRt("/packages/@litertjs/core/wasm/");
  await globalThis.loaded;
  const model = await litert.loadAndCompile(`/model/${index}`, { accelerator: "wasm" });
  const arrays = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };
  const inputs = [];
  for (let i = 0; i < inputCount; ++i) {
    const { shape, dtype } = model.getInputDetails()[i];
    inputs.push({ shape: [...shape], data: new arrays[dtype](await (await fetch(`/input/${index}/${i}`)).arrayBuffer()) });
  }
  const details = model.getOutputDetails();
  const parts = details.map(() => []);
  for (let s = 0; s < samples; ++s) {
    const tensors = inputs.map(({ shape, data }) => {
      const size = data.length / samples;
      return new litert.Tensor(data.slice(s * size, (s + 1) * size), shape);
    });
    const results = await model.run(tensors);
    results.forEach((result, i) => {
      const values = result.toTypedArray();
      parts[i].push(new Uint8Array(values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength)));
      result.delete();
    });
    tensors.forEach((tensor) => tensor.delete());
  }
  model.delete();
  return Promise.all(details.map(async ({ dtype, shape }, i) => {
    const url = await new Promise((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.readAsDataURL(new Blob(parts[i]));
    });
    return { dtype, shape: [...shape], base64: url.slice(url.indexOf(",") + 1) };
  }));
}

function writeOutput(file, { dtype, shape, base64 }, samples) {
  const bytes = Buffer.from(base64, "base64");
  if (elementCount(shape) * samples * (dtype === "uint8" ? 1 : 4) !== bytes.length) throw new Error(`${file}: cut short`);
  fs.writeFileSync(file, formatNpy({ dtype: dtypeNames[dtype], shape: [samples, ...shape], data: bytes }));
}

const jobs = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const { chromium } = loadPlaywright();
const server = await serve(jobs);
const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox", "--disable-gpu"] });
let failures = 0;
try {
  const tab = await browser.newPage();
  await tab.goto(`http://127.0.0.1:${server.address().port}/`);
  for (const [index, job] of jobs.entries()) {
    const samples = parseNpy(fs.readFileSync(job.inputs[0]), job.inputs[0]).shape[0];
    try {
      const outputs = await tab.evaluate(runJob, { index, inputCount: job.inputs.length, samples });
      outputs.forEach((output, i) => writeOutput(job.outputs[i], output, samples));
    } catch (error) {
      console.error(`peer: ${job.model}: ${error.message.split("\n")[0]}`);
      failures += 1;
    }
  }
} finally {
  await browser.close();
  server.close();
}
process.exit(failures ? 1 : 0);
