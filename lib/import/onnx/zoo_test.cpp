// Every ONNX model of the zoo imports, and quickly. The zoo is found through BURIN_ZOO.
#include "lib/import/onnx/test_model.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace burin;
namespace fs = std::filesystem;

namespace {
// The --input-shapes flag that shapes.txt gives for a file; empty when it needs none.
std::string shapesFlag(const fs::path& zoo, const std::string& path) {
  std::ifstream file(zoo / "shapes.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(path + "\t--input-shapes ", 0) != 0) continue;
    std::string rest = line.substr(path.size() + 16);
    return rest.substr(0, rest.find('\t'));
  }
  return {};
}
} // namespace

TEST(OnnxZoo, ImportsEveryModel) {
  const char* given = std::getenv("BURIN_ZOO");
  fs::path zoo = given ? given : "../shared/zoo";
  if (!fs::exists(zoo / "models/onnx")) GTEST_SKIP() << "no zoo at " << zoo << " (set BURIN_ZOO)";
  int models = 0;
  for (const auto& entry : fs::directory_iterator(zoo / "models/onnx")) {
    if (entry.path().extension() != ".onnx") continue;
    ImportOptions options;
    if (std::string flag = shapesFlag(zoo, "models/onnx/" + entry.path().filename().string());
        !flag.empty()) {
      auto shapes = parseInputShapes(flag);
      ASSERT_TRUE(shapes.has_value()) << shapes.error().text();
      options.inputShapes = *shapes;
    }
    mlir::MLIRContext context;
    nn::loadDialects(context);
    auto imported = importOnnx(entry.path().string(), options, context);
    EXPECT_TRUE(imported.has_value()) << imported.error().text();
    ++models;
  }
  EXPECT_GE(models, 13);
}
