#include "lib/import/onnx/importer.h"

#include "lib/import/onnx/graph_importer.h"
#include "lib/import/onnx/operators.h"
#include "lib/support/file.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace burin {

namespace {
Result<std::shared_ptr<onnxpb::ModelProto>> parseModel(std::span<const char> bytes) {
  auto model = std::make_shared<onnxpb::ModelProto>();
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max()))
    return fail(ErrorCode::Input, "is larger than 2 GB, which the format does not allow",
                "store its weights as external data");
  if (!model->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(ErrorCode::Input, "is not an ONNX file, or it is cut short",
                "download or export the file again");
  if (!model->has_graph())
    return fail(ErrorCode::Input, "holds no graph",
                "give the model file, not a tensor or a training checkpoint");
  return model;
}

std::string trimmed(std::string text) {
  text.resize(std::min<size_t>(text.size(), 200));
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 32) c = ' ';
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}
} // namespace

Result<ImportedModule> importOnnxBytes(std::span<const char> bytes, const std::string& folder,
                                       const ImportOptions& options, mlir::MLIRContext& context) {
  ImportedModule imported;
  imported.info.format = "onnx";
  imported.info.hash = hashBytes(bytes);
  BURIN_ASSIGN(std::shared_ptr<onnxpb::ModelProto> model, parseModel(bytes));
  imported.info.producer = trimmed(model->producer_name() + " " + model->producer_version());
  nn::GraphBuilder builder(&context);
  builder.setFoldLimits(options.foldLimits);
  onnx::GraphImporter importer(*model, model, folder, options, builder, imported.info);
  BURIN_ASSIGN(imported.module, importer.run());
  attachSource(*imported.module, imported.info);
  return imported;
}

Result<ImportedModule> importOnnx(const std::string& path, const ImportOptions& options,
                                  mlir::MLIRContext& context) {
  BURIN_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::open(path));
  std::string folder = std::filesystem::path(path).parent_path().string();
  auto imported = importOnnxBytes(file->bytes(), folder.empty() ? "." : folder, options, context);
  if (!imported) return tl::unexpected(inFile(imported.error(), path));
  return imported;
}

namespace {
// ONNX has no magic number: a file that no other format claims, or whose name says so, is tried.
bool looksLikeOnnx(const ModelFile& file) {
  return !file.isFolder && (file.path.ends_with(".onnx") || (!file.bytes.empty() && file.bytes[0] == 8));
}

// Of ai.onnx: those that published models were seen to use. The others are known from ONNX's own tests.
constexpr std::string_view kInModels[] = {"Add",
                                          "AveragePool",
                                          "BatchNormalization",
                                          "Cast",
                                          "Clip",
                                          "Concat",
                                          "Constant",
                                          "Conv",
                                          "ConvTranspose",
                                          "DepthToSpace",
                                          "Div",
                                          "Exp",
                                          "Flatten",
                                          "GRU",
                                          "Gather",
                                          "Gemm",
                                          "GlobalAveragePool",
                                          "HardSigmoid",
                                          "HardSwish",
                                          "Identity",
                                          "LSTM",
                                          "LeakyRelu",
                                          "MatMul",
                                          "MaxPool",
                                          "Mul",
                                          "PRelu",
                                          "Pad",
                                          "Pow",
                                          "ReduceMean",
                                          "Relu",
                                          "Reshape",
                                          "Resize",
                                          "ScatterND",
                                          "Shape",
                                          "Sigmoid",
                                          "Slice",
                                          "Softmax",
                                          "Split",
                                          "Sqrt",
                                          "Squeeze",
                                          "Sub",
                                          "Tanh",
                                          "Transpose",
                                          "Unsqueeze"};

const char* shownBy(const std::string& name) {
  if (name.find(':') != std::string::npos) return "fixture";
  return std::ranges::binary_search(kInModels, name) ? "model" : "node test";
}

std::vector<SupportedOperator> onnxOperators() {
  std::vector<SupportedOperator> list;
  for (const auto& entry : onnx::operators().rows()) {
    const std::string name(entry.first);
    size_t colon = name.rfind(':');
    bool plain = colon == std::string::npos;
    list.push_back(
        {plain ? name : name.substr(colon + 1), plain ? "ai.onnx" : name.substr(0, colon), shownBy(name)});
  }
  return list;
}
} // namespace

const ImportFormat kOnnxFormat = {
    "onnx",        ".onnx",    "opset 7 and newer; external data beside the file",
    looksLikeOnnx, importOnnx, onnxOperators};

} // namespace burin
