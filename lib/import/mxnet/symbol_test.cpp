// Symbols and parameter files of every release, and damaged ones.
#include "lib/import/mxnet/test_symbol.h"
#include "lib/support/file.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace burin;
using namespace burin::mxnet::test;
namespace fs = std::filesystem;

namespace {
// softmax(x * w), with a label.
Model small(const std::string& key = "attrs") {
  Model model;
  model.key = key;
  int x = model.variable("data"), w = model.constant("fc_weight", {{2, 2}, {1, 0, 0, 1}}),
      label = model.variable("softmax_label");
  int fc = model.op("FullyConnected", "fc", {x, w}, {{"num_hidden", "2"}, {"no_bias", "True"}});
  model.head(model.op("SoftmaxOutput", "softmax", {fc, label}));
  return model;
}
ImportOptions shaped() {
  ImportOptions options;
  options.inputShapes["data"] = {1, 2};
  return options;
}
} // namespace

TEST(MxnetSymbol, NamesAsInternalsAndAttributesOfEveryRelease) {
  for (const char* key : {"attrs", "attr", "param"}) {
    auto got = small(key).import(shaped());
    ASSERT_TRUE(got.ok()) << got.error();
    EXPECT_EQ(got.ops(), (std::vector<std::string>{"matmul", "softmax"}));
    EXPECT_EQ(nn::valueName(got.output()), "softmax_output");
    EXPECT_EQ(nn::valueName(got.output().getDefiningOp()->getOperand(0)), "fc_output");
    EXPECT_TRUE(got.result->info.warnings.empty()); // the label is no input
  }
}

TEST(MxnetSymbol, OldHeadsSourcesAndMissingStatistics) {
  Model model;
  model.key = "param";
  int x = model.variable("data"), gamma = model.constant("bn_gamma", {{2}, {9, 9}}),
      beta = model.constant("bn_beta", {{2}, {0, 0}});
  model.tensors["bn_moving_mean"] = {{2}, {1, 2}}, model.tensors["bn_moving_var"] = {{2}, {1, 1}};
  int bn = model.op("BatchNorm", "bn", {x, gamma, beta}, {{"eps", "0.001"}});
  Json json = Json::parse(model.head(bn).json());
  for (Json& node : json["nodes"]) {
    node["backward_source_id"] = -1;
    for (Json& input : node["inputs"]) input.erase(2);
  }
  json["heads"][0].erase(2);
  mlir::MLIRContext context;
  nn::loadDialects(context);
  auto got = importMxnetBytes(json.dump(), parameterFile(model.tensors), shaped(), context);
  ASSERT_TRUE(got.has_value()) << got.error().text();
}

TEST(MxnetSymbol, ShapesDeclaredWithTheVariable) {
  Model model = small();
  model.nodes[0]["attrs"]["__shape__"] = "(0L, 2L)";
  EXPECT_TRUE(model.import().ok());
  model.nodes[0]["attrs"].erase("__shape__");
  EXPECT_EQ(model.import().result.error().code, ErrorCode::Usage);
}

TEST(MxnetSymbol, MissingParametersAreNamed) {
  Model model = small();
  model.tensors.clear();
  auto got = model.import(shaped());
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.result.error().code, ErrorCode::Input);
  EXPECT_NE(got.error().find("fc_weight"), std::string::npos);
}

TEST(MxnetSymbol, RunningStatisticsUnderTheirOtherName) {
  Model model;
  int x = model.variable("data");
  std::vector<int> inputs = {x};
  for (const char* name : {"bn_gamma", "bn_beta", "bn_moving_mean", "bn_moving_var"})
    inputs.push_back(model.constant(name, {{2}, {1, 1}}));
  for (const char* statistic : {"mean", "var"}) {
    auto entry = model.tensors.extract(std::string("bn_moving_") + statistic);
    entry.key() = std::string("bn_running_") + statistic;
    model.tensors.insert(std::move(entry));
  }
  auto got = model.head(model.op("BatchNorm", "bn", inputs)).import(shaped());
  EXPECT_TRUE(got.ok()) << got.error();
}

TEST(MxnetSymbol, QuantizedModelsAreRefusedWithAHint) {
  Model model;
  int x = model.variable("data");
  auto got = model.head(model.op("_contrib_quantize_v2", "q", {x})).import(shaped());
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.result.error().code, ErrorCode::Unsupported);
  EXPECT_NE(got.error().find("float model"), std::string::npos) << got.error();
}

TEST(MxnetSymbol, MalformedAttributesNameTheNode) {
  for (const char* kernel : {"(a, b)", "(None, 2)", "", "(1", "9999999999999999999"}) {
    auto got = run("Convolution", {counting({1, 1, 3, 3}), counting({1, 1, 2, 2})},
                   {{"kernel", kernel}, {"no_bias", "True"}});
    ASSERT_FALSE(got.ok()) << kernel;
    EXPECT_NE(got.error().find("node"), std::string::npos) << got.error();
  }
  EXPECT_FALSE(run("Dropout", {}).ok()); // not even an input
  EXPECT_FALSE(run("FullyConnected", {counting({1, 2})}).ok());
}

TEST(MxnetSymbol, DamagedJsonIsAnError) {
  mlir::MLIRContext context;
  nn::loadDialects(context);
  std::string good = small().json(), stored = parameterFile(small().tensors);
  auto import = [&](const std::string& json) { return importMxnetBytes(json, stored, shaped(), context); };
  EXPECT_TRUE(import(good).has_value());
  for (size_t cut = 0; cut < good.size(); cut += 7) EXPECT_FALSE(import(good.substr(0, cut)).has_value());
  Json forward = Json::parse(good); // reads a node behind itself
  forward["nodes"][3]["inputs"][0][0] = 4;
  EXPECT_FALSE(import(forward.dump()).has_value());
  for (Json entry : {Json{-1, 0}, Json{"x", 0}, Json{0}, Json(7), Json{0, 1e9}, Json{99, 0}}) {
    Json json = Json::parse(good);
    json["heads"][0] = entry;
    EXPECT_FALSE(import(json.dump()).has_value()) << entry.dump();
  }
  EXPECT_FALSE(import(std::string(100000, '[')).has_value());
}

TEST(MxnetParameters, EveryLayoutAndPrefix) {
  mlir::MLIRContext context;
  nn::loadDialects(context);
  Model model = small();
  for (Layout layout : {Layout::Legacy, Layout::V1, Layout::V2, Layout::V3})
    for (const char* prefix : {"arg:", "aux:", ""}) {
      auto got =
          importMxnetBytes(model.json(), parameterFile(model.tensors, layout, prefix), shaped(), context);
      EXPECT_TRUE(got.has_value()) << got.error().text();
    }
}

TEST(MxnetParameters, DamageIsAnError) {
  mlir::MLIRContext context;
  nn::loadDialects(context);
  Model model = small();
  for (Layout layout : {Layout::Legacy, Layout::V3}) {
    std::string good = parameterFile(model.tensors, layout);
    for (size_t cut = 0; cut < good.size(); ++cut) {
      auto got = importMxnetBytes(model.json(), good.substr(0, cut), shaped(), context);
      ASSERT_FALSE(got.has_value()) << cut;
      EXPECT_EQ(got.error().code, ErrorCode::Input);
    }
    for (size_t at = 16; at + 8 <= good.size(); at += 4) { // giant sizes everywhere
      std::string bad = good;
      for (size_t i = at; i < at + 8; ++i) bad[i] = '\x7f';
      (void)importMxnetBytes(model.json(), bad, shaped(), context).has_value();
    }
  }
}

TEST(MxnetFiles, FindsTheParametersOfItsPrefix) {
  fs::path folder = fs::temp_directory_path() / ("mxnet_test_" + std::to_string(getpid()));
  fs::create_directories(folder);
  auto write = [&](const std::string& name, const std::string& bytes) {
    std::ofstream(folder / name, std::ios::binary) << bytes;
  };
  Model model = small();
  write("net-symbol.json", model.json());
  write("net-0012.params", parameterFile(model.tensors));
  write("net-v2-0001.params", "no parameters");
  mlir::MLIRContext context;
  nn::loadDialects(context);
  std::string path = (folder / "net-symbol.json").string();
  auto got = kMxnetFormat.import(path, shaped(), context);
  EXPECT_TRUE(got.has_value()) << got.error().text();
  write("net-0013.params", parameterFile(model.tensors));
  auto ambiguous = kMxnetFormat.import(path, shaped(), context);
  ASSERT_FALSE(ambiguous.has_value());
  EXPECT_NE(ambiguous.error().text().find("net-0013.params"), std::string::npos) << ambiguous.error().text();
  ImportOptions options = shaped();
  options.weights = (folder / "net-0013.params").string();
  EXPECT_TRUE(kMxnetFormat.import(path, options, context).has_value());
  auto file = *MappedFile::open(path);
  EXPECT_TRUE(kMxnetFormat.recognises({path, false, file->bytes()}));
  std::string other = "{\"nodes\": []}";
  EXPECT_FALSE(kMxnetFormat.recognises({"x.json", false, other}));
  fs::remove_all(folder);
}
