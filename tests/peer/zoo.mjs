// The model zoo as the checks of this folder use it: where its files are, how networks are preprocessed, and what
// happens where there is none.
import fs from "node:fs";
import path from "node:path";

export const skipped = 77; // the exit code that ctest counts as skipped

// The zoo's folder, or the end of the program: skipped, with the number of checks left out.
export function requireZoo(options, checks) {
  const folder = options.zoo ?? process.env.BURIN_ZOO ?? "../shared/zoo";
  if (fs.existsSync(path.join(folder, "models/onnx"))) return folder;
  console.error(`no model zoo at ${folder}: ${checks} checks skipped; set BURIN_ZOO`);
  process.exit(process.env.BURIN_REQUIRE_ZOO === "1" ? 1 : skipped);
}

const unpackedFolder = (options) => options.unpacked ?? process.env.BURIN_ZOO_UNPACKED ?? "build/zoo";

// Paths of all ONNX models; the compressed ones lie unpacked in a folder of their own.
export function onnxModels(zoo, options) {
  return [path.join(zoo, "models/onnx"), unpackedFolder(options)].filter(fs.existsSync).flatMap((folder) =>
    fs.readdirSync(folder).filter((file) => file.endsWith(".onnx")).map((file) => path.join(folder, file)));
}

export const stemOf = (model) => path.basename(model, ".onnx");

export function modelPath(zoo, options, name) {
  const found = onnxModels(zoo, options).find((model) => stemOf(model) === name);
  if (!found) throw new Error(`${name}.onnx is not in the zoo; its compressed models are unpacked by ./dev test`);
  return found;
}

const classify = (flags) => ({ calibration: "ilsvrc_calib100", views: "imagenet200", flags: flags.split(" ") });
// Preprocessing, and folders of pictures.
export const networks = {
  resnet18_pqf_fp32:
    classify("--mean 123.675,116.28,103.53 --scale 0.01712475,0.017507,0.01742919 --pixel rgb --fit crop --resize 256"),
  "mobilenet_v2_1.0_224_deq_fp32": classify("--mean 128 --scale 0.0078125 --pixel rgb --fit crop --resize 256"),
  "squeezenet_v1.1_ncnn_fp32":
    classify("--mean 104,117,123 --scale 1 --pixel bgr --fit crop --resize 256 --input-shapes data:1x3x224x224"),
  "version-RFB-320": {
    calibration: "wider40", views: "wider40", flags: "--mean 127 --scale 0.0078125 --pixel rgb --fit stretch".split(" "),
  },
};
export const classifiers = Object.keys(networks).slice(0, 3);

export const pictures = (zoo, folder) => path.join(zoo, "images", folder);

// Prints check(name) of every network as JSON and ends the program: with 1 where one is not `ok`.
export async function reportAll(names, check) {
  let misses = 0;
  for (const name of names) {
    const report = await check(name);
    misses += !report.ok;
    console.log(JSON.stringify(report, null, 1));
  }
  process.exit(misses ? 1 : 0);
}
