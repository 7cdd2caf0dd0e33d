// Every real network keeps its outputs, loses what should go, and is prepared in a moment.
#include "lib/import/onnx/importer.h"
#include "lib/prepare/test_support.h"

#include "lib/data/npz.h"

#include <chrono>
#include <filesystem>

namespace burin {
namespace {

std::string zooFolder() {
  const char* set = std::getenv("BURIN_ZOO");
  std::string path = set ? set : std::string(BURIN_SOURCE_DIR) + "/../shared/zoo";
  return std::filesystem::is_directory(path) ? path : std::string();
}

struct Model {
  const char* file; // below models/onnx; a packed one ends in .xz
  const char* input = "";
  std::vector<int64_t> shape = {};
  std::vector<std::string> absent = {}; // kinds of ops that must not be left
};

const std::vector<std::string> kFused = {"batch_norm", "unary:relu", "unary:clip", "unary:identity"};

const Model kModels[] = {
    {"ch_ppocr_mobile_v2.0_cls_infer.onnx", "x", {1, 3, 48, 192}, {"batch_norm", "binary:div", "unary:clip"}},
    {"cifar_resnet20_fp32.onnx", "", {}, kFused},
    {"dtln_model_1.onnx"},
    {"gtcrn_simple.onnx", "", {}, {"batch_norm"}},
    {"luong_mobilenetv3.onnx", "", {}, kFused},
    {"mnist.onnx", "", {}, kFused},
    {"mobilenet_v2_1.0_224_deq_fp32.onnx.xz", "", {}, kFused},
    {"nanodet_m_320.onnx", "", {}, kFused},
    {"osnet_x0_25_msmt17.onnx", "", {}, kFused},
    {"resnet18_pqf_fp32.onnx.xz", "", {}, kFused},
    {"squeezenet_v1.1_ncnn_fp32.onnx.xz", "data", {1, 3, 224, 224}, kFused},
    {"super_resolution.onnx", "", {}, kFused},
    {"version-RFB-320.onnx", "", {}, kFused},
    {"version-RFB-320_simplified.onnx", "", {}, kFused},
    {"version-RFB-320_without_postprocessing.onnx", "", {}, kFused},
    {"yolox_nano.onnx", "", {}, {"batch_norm"}},
};

std::string unpacked(const std::string& path) {
  if (!path.ends_with(".xz")) return path;
  std::string plain = (std::filesystem::temp_directory_path() / std::filesystem::path(path).stem()).string();
  if (!std::filesystem::exists(plain)) {
    std::string part = plain + "." + std::to_string(getpid());
    // NOLINTNEXTLINE(bugprone-command-processor): the zoo packs its biggest models
    if (std::system(("xz -dc '" + path + "' > '" + part + "'").c_str()) != 0) return {};
    std::filesystem::rename(part, plain);
  }
  return plain;
}

class ZooPrepareTest : public ::testing::TestWithParam<Model> {};

// The stored inputs of the golden file, in the graph's order.
std::vector<Array> storedInputs(mlir::ModuleOp module, const std::vector<NamedArray>& golden) {
  std::vector<Array> inputs;
  for (auto graph : module.getOps<nn::GraphOp>())
    for (auto input : graph.getOps<nn::InputOp>()) {
      const Array* array = findArray(golden, input.getName().str());
      if (array)
        inputs.push_back(*array);
      else
        ADD_FAILURE() << "no stored input " << input.getName().str();
    }
  return inputs;
}

void expectGolden(mlir::ModuleOp module, const std::vector<Array>& inputs,
                  const std::vector<NamedArray>& golden) {
  nn::OutputOp output;
  module.walk([&](nn::OutputOp op) { output = op; });
  auto names = output->getAttrOfType<mlir::ArrayAttr>("names");
  std::vector<std::vector<float>> values = execute(module, inputs);
  for (size_t i = 0; i < values.size(); ++i) {
    std::string name = mlir::cast<mlir::StringAttr>(names[i]).getValue().str();
    const Array* wanted = findArray(golden, name);
    ASSERT_TRUE(wanted) << name;
    auto expected = convertTo(*wanted, ElementType::F32);
    ASSERT_TRUE(expected);
    auto span = expected->as<const float>();
    expectClose({{span.begin(), span.end()}}, {values[i]}, 1e-3);
  }
}

TEST_P(ZooPrepareTest, KeepsItsOutputs) {
  std::string zoo = zooFolder();
  if (zoo.empty()) GTEST_SKIP() << "no zoo (set BURIN_ZOO)";
  const Model& model = GetParam();
  std::string path = unpacked(zoo + "/models/onnx/" + model.file);
  ASSERT_FALSE(path.empty());
  auto context = nn::makeContext();
  ImportOptions options;
  if (!model.shape.empty()) options.inputShapes[model.input] = model.shape;
  auto imported = importOnnx(path, options, *context);
  ASSERT_TRUE(imported) << imported.error().text();
  auto golden = loadNpz(zoo + "/golden/" + std::filesystem::path(path).stem().string() + ".npz");
  ASSERT_TRUE(golden) << golden.error().text();

  std::vector<Array> inputs = storedInputs(*imported->module, *golden);
  size_t before = kindsOf(*imported->module).size();
  mlir::OwningOpRef<mlir::ModuleOp> timed(imported->module->clone());
  auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(prepare(*timed));
  auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();

  // Deep networks amplify the rounding of folded weights.
  auto prepared = prepareChecked(*imported->module, inputs, 1e-4);
  Kinds kinds = kindsOf(*prepared);
  printf("%s: %zu ops, prepared %zu, %d ms\n", model.file, before, kinds.size(), static_cast<int>(took));
  for (const std::string& kind : model.absent) EXPECT_EQ(llvm::count(kinds, kind), 0) << kind;
  expectGolden(*prepared, inputs, *golden);
  RecordProperty("milliseconds", static_cast<int>(took));
}

INSTANTIATE_TEST_SUITE_P(Onnx, ZooPrepareTest, ::testing::ValuesIn(kModels), [](const auto& test) {
  std::string name = test.param.file;
  for (char& c : name)
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

} // namespace
} // namespace burin
