#include "cli/command.h"

#include "lib/import/formats/formats.h"

#include <fmt/format.h>

namespace burin::cli {

namespace {
struct Format {
  const char *name, *use, *files, *notes;
};
constexpr Format kFormats[] = {
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
  std::vector<Format> all;
  for (const ImportFormat* f : importFormats()) all.push_back({f->name, "import", f->files, f->notes});
  all.insert(all.end(), std::begin(kFormats), std::end(kFormats));
  for (const Format& f : all) {
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
  const ImportFormat* format = findImportFormat(f.format);
  if (!format) {
    std::vector<std::string> names;
    for (const ImportFormat* known : importFormats()) names.emplace_back(known->name);
    return fail(ErrorCode::Usage, "unknown format '" + f.format + "'",
                "operators are known for " + joined(names, ", "));
  }
  Json list = Json::array();
  if (!f.common.json) fmt::print("| operator | domain | shown by |\n|---|---|---|\n");
  for (const SupportedOperator& op : format->operators()) {
    if (f.common.json)
      list.push_back({{"name", op.name}, {"domain", op.domain}, {"shown_by", op.shownBy}});
    else
      fmt::print("| {} | {} | {} |\n", op.name, op.domain, op.shownBy);
  }
  if (f.common.json) printJson(Json{{"format", f.format}, {"operators", std::move(list)}});
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
