// Programs as a whole: values and names, branches, parameter files, damage.
#include "lib/import/paddle/program.h"
#include "lib/import/paddle/test_program.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace burin;
using namespace burin::paddle::test;
namespace fs = std::filesystem;

namespace {
// y = relu(x + w)
Model small() {
  Model model;
  model.feed("x", {-1, 2}).parameter("w", {{2}, {1, -5}});
  model.op("elementwise_add", {{"X", {"x"}}, {"Y", {"w"}}}, {{"Out", {"sum"}}}, {{"axis", -1}});
  return model.op("relu", {{"X", {"sum"}}}, {{"Out", {"y"}}}).fetch("y");
}

struct Folder {
  Folder() : path(fs::temp_directory_path() / ("paddle_test_" + std::to_string(getpid()))) {
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  void write(const std::string& name, const std::string& bytes) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << bytes;
  }
  Imported import(const std::string& name, const ImportOptions& options = {}) const {
    auto context = std::make_unique<mlir::MLIRContext>();
    nn::loadDialects(*context);
    auto result = kPaddleFormat.import((path / name).string(), options, *context);
    return {std::move(context), std::move(result)};
  }
  bool recognised(const std::string& name) const {
    ModelFile file{(path / name).string(), fs::is_directory(path / name), {}};
    std::shared_ptr<const MappedFile> mapped;
    if (!file.isFolder) mapped = *MappedFile::open(file.path), file.bytes = mapped->bytes();
    return kPaddleFormat.recognises(file);
  }
  fs::path path;
};
} // namespace

TEST(PaddleProgram, KeepsNamesAndOpensTheBatch) {
  auto got = small().import();
  ASSERT_TRUE(got.ok()) << got.error();
  EXPECT_EQ(got.ops(), (std::vector<std::string>{"binary", "unary"}));
  EXPECT_EQ(got.shapeList(), "[1,2]");
  EXPECT_EQ(nn::valueName(got.output()), "y");
  EXPECT_EQ(nn::valueName(got.output().getDefiningOp()->getOperand(0)), "sum");
}

TEST(PaddleProgram, VariablesWrittenTwiceAreTwoTensors) {
  Model model;
  model.feed("x", {1, 2});
  for (int i = 0; i < 2; ++i) model.op("exp", {{"X", {i ? "t" : "x"}}}, {{"Out", {"t"}}});
  model.op("abs", {{"X", {"x"}}}, {{"Out", {"x"}}}); // over an input
  model.op("elementwise_add", {{"X", {"t"}}, {"Y", {"x"}}}, {{"Out", {"y"}}}).fetch("y");
  auto got = model.import();
  ASSERT_TRUE(got.ok()) << got.error();
  EXPECT_EQ(got.ops(), (std::vector<std::string>{"unary", "unary", "unary", "binary"}));
  mlir::Operation* sum = got.output().getDefiningOp();
  EXPECT_EQ(nn::valueName(sum->getOperand(0)), "t");
  EXPECT_EQ(nn::valueName(sum->getOperand(1)), "x@1");
}

TEST(PaddleProgram, ConstantBranchesLeaveTheirResult) {
  for (bool taken : {false, true}) {
    Model model;
    int body = model.addBlock(0);
    model.feed("x", {1, 2}).parameter("c", ints({1}, {taken ? 1.0 : 0.0}, VarType::BOOL));
    model.op("relu", {{"X", {"x"}}}, {{"Out", {"y"}}});
    model.op("conditional_block", {{"Cond", {"c"}}, {"Input", {"x"}}}, {{"Out", {"y"}}, {"Scope", {"s"}}},
             {{"sub_block", body}});
    model.op("exp", {{"X", {"x"}}}, {{"Out", {"y"}}}, {}, body).fetch("y");
    auto got = model.import();
    ASSERT_TRUE(got.ok()) << got.error();
    mlir::Operation* made = got.output().getDefiningOp();
    auto function = [&] { return made->getAttrOfType<mlir::StringAttr>("fn").str(); };
    while (function() == "identity") made = made->getOperand(0).getDefiningOp();
    EXPECT_EQ(function(), taken ? "exp" : "relu");
  }
}

TEST(PaddleProgram, SelectInputTakesTheBranchThatRan) {
  expectValues(
      run("select_input", {{"X", {{{1}, {5}}, {{1}, {6}}}}, {"Mask", {ints({1}, {1}, VarType::INT32)}}}),
      "[1]", {6});
  Model model;
  model.feed("m", {1}, VarType::INT32).parameter("a", {{2}, {1, 2}}).parameter("b", {{2}, {3, 4}});
  model.op("select_input", {{"X", {"a", "b"}}, {"Mask", {"m"}}}, {{"Out", {"y"}}}).fetch("y");
  auto got = model.import();
  ASSERT_TRUE(got.ok()) << got.error();
  EXPECT_EQ(got.ops().back(), "select");
}

TEST(PaddleProgram, ReportsEverythingUnsupportedAtOnce) {
  Model model = small();
  model.op("while", {{"X", {"y"}}}, {{"Out", {"a"}}})
      .op("my_op", {{"X", {"a"}}}, {{"Out", {"b"}}})
      .fetch("b");
  auto got = model.import();
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.result.error().code, ErrorCode::Unsupported);
  EXPECT_NE(got.error().find("my_op"), std::string::npos);
  EXPECT_NE(got.error().find("control flow"), std::string::npos);
}

TEST(PaddleProgram, DoublesBecomeFloats) {
  Model model;
  model.parameter("x", {{2}, {0.5, 2}, VarType::FP64})
      .op("relu", {{"X", {"x"}}}, {{"Out", {"y"}}})
      .fetch("y");
  expectValues(model.import(), "[2]", {0.5, 2});
}

TEST(PaddleFiles, CombinedSeparateAndFolder) {
  Folder folder;
  Model model = small();
  std::string program = model.proto.SerializeAsString();
  folder.write("a/inference.pdmodel", program);
  folder.write("a/inference.pdiparams", model.stream());
  folder.write("b/__model__", program);
  folder.write("b/__params__", model.stream());
  folder.write("c/__model__", program);
  folder.write("c/w", stored(model.parameters["w"]));
  for (const char* name : {"a", "a/inference.pdmodel", "b", "b/__model__", "c", "c/__model__"}) {
    EXPECT_TRUE(folder.recognised(name)) << name;
    auto got = folder.import(name);
    EXPECT_TRUE(got.ok()) << got.error();
  }
  fs::remove(folder.path / "c/w");
  EXPECT_FALSE(folder.import("c").ok());
  EXPECT_FALSE(folder.recognised("c/.."));
  EXPECT_FALSE(folder.recognised("a/inference.pdiparams"));
  folder.write("pir.json", "{\"base_code\":{\"magic\":\"pir\"}}");
  EXPECT_TRUE(folder.recognised("pir.json"));
  EXPECT_EQ(folder.import("pir.json").result.error().code, ErrorCode::Unsupported);
}

TEST(PaddleFiles, ParametersStayInsideTheFolder) {
  Folder folder;
  Model model;
  model.parameter("../w", {{1}, {1}}).op("relu", {{"X", {"../w"}}}, {{"Out", {"y"}}}).fetch("y");
  folder.write("m/__model__", model.proto.SerializeAsString());
  folder.write("w", stored(model.parameters["../w"]));
  auto got = folder.import("m");
  ASSERT_FALSE(got.ok());
  EXPECT_NE(got.error().find("inside"), std::string::npos) << got.error();
}

TEST(PaddleFiles, DamageIsAnError) {
  Model model = small();
  std::string program = model.proto.SerializeAsString(), stream = model.stream();
  mlir::MLIRContext context;
  nn::loadDialects(context);
  auto import = [&](const std::string& p, const std::string& s) {
    return importPaddleBytes(p, s, {}, context);
  };
  EXPECT_TRUE(import(program, stream).has_value());
  for (size_t cut = 0; cut < stream.size(); ++cut) {
    auto got = import(program, stream.substr(0, cut));
    ASSERT_FALSE(got.has_value());
    EXPECT_EQ(got.error().code, ErrorCode::Input);
  }
  EXPECT_FALSE(import(program, stream + "x").has_value());
  EXPECT_FALSE(import("", stream).has_value());
  Model other = model;
  other.parameters["w"] = {{3}, {1, 2, 3}};
  auto got = import(program, other.stream());
  ASSERT_FALSE(got.has_value());
  EXPECT_NE(got.error().text().find("different models"), std::string::npos) << got.error().text();
}

TEST(PaddleFiles, NanIsRefusedUnlessAllowed) {
  Model model;
  model.parameter("x", {{2}, {NAN, 2}}).op("relu", {{"X", {"x"}}}, {{"Out", {"y"}}}).fetch("y");
  EXPECT_FALSE(model.import().ok());
  ImportOptions options;
  options.allowNonFinite = true;
  EXPECT_TRUE(model.import(options).ok());
}

TEST(PaddleFiles, HostileParametersAreBounded) {
  Model model;
  model.parameter("x", {{1}, {1}}).op("relu", {{"X", {"x"}}}, {{"Out", {"y"}}}).fetch("y");
  auto& tensor =
      *model.proto.mutable_blocks(0)->mutable_vars(0)->mutable_type()->mutable_lod_tensor()->mutable_tensor();
  tensor.set_dims(0, -1);
  std::string bytes(16, '\0'); // a stream whose dimension is 2^62
  VarType::TensorDesc desc;
  desc.set_data_type(VarType::FP32), desc.add_dims(int64_t(1) << 62);
  append<int32_t>(bytes, static_cast<int32_t>(desc.ByteSizeLong()));
  bytes += desc.SerializeAsString();
  mlir::MLIRContext context;
  nn::loadDialects(context);
  auto got = importPaddleBytes(model.proto.SerializeAsString(), bytes, {}, context);
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, ErrorCode::Input);
}

TEST(PaddleFiles, BlocksInsideEachOtherAreBounded) {
  Model model;
  model.feed("x", {1, 2}).parameter("c", ints({1}, {1}, VarType::BOOL));
  int body = model.addBlock(0);
  model.op("conditional_block", {{"Cond", {"c"}}}, {{"Out", {"y"}}}, {{"sub_block", body}});
  for (int i = 0; i < 2; ++i) // a body that calls itself, twice
    model.op("conditional_block", {{"Cond", {"c"}}}, {{"Out", {"y"}}}, {{"sub_block", body}}, body);
  model.fetch("y");
  EXPECT_FALSE(model.import().ok());
}
