// Files of PyTorch that hold no network we read: each says what it is and how to come to one that is read.
#include "lib/import/torch/importer.h"
#include "lib/import/torch/test_archive.h"

using namespace burin;
using namespace burin::torch::test;

namespace {
std::string zip(const std::vector<std::pair<std::string, std::string>>& records) {
  ZipWriter writer(false);
  for (const auto& [name, content] : records)
    writer.add(name, {reinterpret_cast<const uint8_t*>(content.data()), content.size()});
  auto bytes = writer.finish();
  return std::string(bytes->begin(), bytes->end());
}

// What the importer answers; the file has to be recognised as PyTorch's.
Error answerTo(const std::string& bytes) {
  EXPECT_TRUE(kTorchFormat.recognises({"x", false, {bytes.data(), bytes.size()}}));
  Imported imported = import(bytes);
  EXPECT_FALSE(imported.ok());
  return imported.result ? Error{} : imported.result.error();
}

void expectAnswer(const std::string& bytes, const std::string& what, const std::string& remedy) {
  const Error error = answerTo(bytes);
  EXPECT_EQ(error.code, ErrorCode::Unsupported) << error.text();
  EXPECT_NE(error.text().find(what), std::string::npos) << error.text();
  EXPECT_NE(error.text().find(remedy), std::string::npos) << error.text();
}
} // namespace

TEST(TorchWeights, StateDictsNameTheWayToANetwork) {
  Pickler dict;
  dict.raw("}(")
      .text("conv.weight")
      .tensor("0", {2, 3}, {3, 1})
      .text("conv.bias")
      .tensor("1", {2}, {1})
      .raw("u.");
  expectAnswer(zip({{"archive/data.pkl", dict.bytes}, {"archive/data/0", std::string(24, '\0')}}),
               "holds 2 tensors of weights (a state_dict)",
               "torch.jit.trace(model, torch.zeros(1, 3, 224, 224)).save");
  expectAnswer(zip({{"archive/data.pkl", Pickler().text("notes").raw(".").bytes}}), "holds Python data",
               "load_state_dict");
}

TEST(TorchWeights, FilesOfOldReleasesAreKnownByTheirFirstBytes) {
  const std::string magic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
  expectAnswer(magic + std::string(600, '\0'), "before 1.6", "torch.jit.trace");
  std::string tar = "storages" + std::string(1024, '\0');
  tar.replace(257, 5, "ustar");
  expectAnswer(tar, "before 1.6", "torch.jit.trace");
  expectAnswer(zip({{"net/model.json", "{}"}}), "before 1.4", "torch.jit.load");
}

TEST(TorchWeights, WholeModulesInAPickleAreNotRun) {
  const Error error =
      answerTo(zip({{"archive/data.pkl", Pickler().global("models.yolo", "Model").raw(")R.").bytes}}));
  EXPECT_NE(error.text().find("objects of the class models.yolo.Model"), std::string::npos) << error.text();
}

TEST(TorchWeights, ExportedProgramsAreTold) {
  expectAnswer(zip({{"serialized_exported_program.json", "{}"}}), "a program of torch.export",
               "torch.onnx.export");
  expectAnswer(zip({{"model/models/model.json", "{}"}}), "a program of torch.export", "torch.jit.trace");
}
