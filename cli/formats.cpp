#include "cli/command.h"

#include "lib/import/onnx/importer.h"

#include <fmt/format.h>

namespace burin::cli {

namespace {
struct Format {
  const char *name, *use, *files, *notes;
};
constexpr Format kFormats[] = {
    {"onnx", "import", ".onnx",
     "opset 7 and newer; external data beside the file; see 'burin ops --format onnx'"},
    {"module", "import", ".mlir with .mlir.weights, .mlirbc", "written by 'burin import'"},
    {"program", "run", ".burin", "written by 'burin compile' and 'burin quantize'"},
    {"onnx", "export", ".onnx", "float network"},
    {"onnx-qdq", "export", ".onnx", "quantized network with QuantizeLinear and DequantizeLinear"},
    {"pictures", "data", ".jpg .jpeg .jfif .png .bmp", "through the preprocessing"},
    {"arrays", "data", ".npy .npz .bin", "as they are"},
    {"list", "data", ".txt", "one comma-separated row of files per sample"},
};

Status listFormats(const CommonFlags& common) {
  Json list = Json::array();
  if (!common.json) fmt::print("| format | for | files | notes |\n|---|---|---|---|\n");
  for (const Format& f : kFormats) {
    if (common.json)
      list.push_back({{"name", f.name}, {"use", f.use}, {"files", f.files}, {"notes", f.notes}});
    else
      fmt::print("| {} | {} | {} | {} |\n", f.name, f.use, f.files, f.notes);
  }
  if (common.json) printJson(Json{{"formats", std::move(list)}});
  return {};
}

struct OpsFlags {
  std::string format = "onnx";
  CommonFlags common;
};

Status listOperators(const OpsFlags& f) {
  if (f.format != "onnx")
    return fail(ErrorCode::Usage, "unknown format '" + f.format + "'",
                "'burin formats' lists those with 'import'; operators are known for onnx");
  Json list = Json::array();
  if (!f.common.json) fmt::print("| operator | domain |\n|---|---|\n");
  for (const std::string& name : onnxOperators()) {
    size_t colon = name.rfind(':');
    std::string domain = colon == std::string::npos ? "ai.onnx" : name.substr(0, colon),
                plain = colon == std::string::npos ? name : name.substr(colon + 1);
    if (f.common.json)
      list.push_back({{"name", plain}, {"domain", domain}});
    else
      fmt::print("| {} | {} |\n", plain, domain);
  }
  if (f.common.json)
    printJson(Json{{"format", f.format}, {"newest_opset", kNewestOnnxOpset}, {"operators", std::move(list)}});
  return {};
}
} // namespace

void addFormats(App& app) {
  auto common = std::make_shared<CommonFlags>();
  CLI::App* formats = app.cli.add_subcommand("formats", "files that we read and write");
  common->add(*formats, false);
  formats->callback([common, &app] { finish(app, listFormats(*common)); });

  auto flags = std::make_shared<OpsFlags>();
  CLI::App* ops = app.cli.add_subcommand("ops", "operators that an importer knows, as a table");
  ops->add_option("--format", flags->format, "model format (default onnx)");
  flags->common.add(*ops, false);
  ops->callback([flags, &app] { finish(app, listOperators(*flags)); });
}

} // namespace burin::cli
