// Constants in all the ways a file can hold them.
#include "lib/import/onnx/test_model.h"

#include <cmath>
#include <filesystem>
#include <fstream>

using namespace burin;
using namespace burin::onnx::test;

namespace {
Imported importConstant(const TensorProto& tensor, const ImportOptions& options = {},
                        const std::string& folder = {}) {
  Model m;
  m.constant(tensor).output(tensor.name());
  return import(m, options, folder);
}

TensorProto typed(TensorProto::DataType type, const std::vector<int64_t>& dims) {
  TensorProto t;
  t.set_name("t"), t.set_data_type(type);
  for (int64_t d : dims) t.add_dims(d);
  return t;
}
} // namespace

TEST(OnnxTensor, ReadsRawAndTypedFields) {
  EXPECT_EQ(importConstant(floatTensor("t", {3}, {1, 2, 3})).floats(), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(importConstant(intTensor("t", {2}, {-5, 7})).ints(), (std::vector<int64_t>{-5, 7}));
  TensorProto doubles = typed(TensorProto::DOUBLE, {2});
  doubles.add_double_data(0.5), doubles.add_double_data(-2);
  EXPECT_EQ(importConstant(doubles).floats(), (std::vector<float>{0.5f, -2}));
  TensorProto bytes = typed(TensorProto::INT8, {3});
  for (int v : {-128, 0, 127}) bytes.add_int32_data(v);
  EXPECT_EQ(importConstant(bytes).ints(), (std::vector<int64_t>{-128, 0, 127}));
  TensorProto flags = typed(TensorProto::BOOL, {2});
  flags.add_int32_data(1), flags.add_int32_data(0);
  EXPECT_EQ(importConstant(flags).ints(), (std::vector<int64_t>{1, 0}));
  TensorProto wide = typed(TensorProto::UINT32, {1});
  wide.add_uint64_data(4000000000u);
  EXPECT_EQ(importConstant(wide).ints(), std::vector<int64_t>{4000000000});
}

TEST(OnnxTensor, ReadsRawDoublesAndNibbles) {
  TensorProto doubles = typed(TensorProto::DOUBLE, {2});
  double values[] = {1.5, -3};
  doubles.set_raw_data(values, sizeof values);
  EXPECT_EQ(importConstant(doubles).floats(), (std::vector<float>{1.5f, -3}));
  TensorProto nibbles = typed(TensorProto::INT4, {3});
  nibbles.set_raw_data("\x7f\x08", 2); // low half first: -1, 7, -8
  EXPECT_EQ(importConstant(nibbles).ints(), (std::vector<int64_t>{-1, 7, -8}));
}

TEST(OnnxTensor, ChecksSizesAndTypes) {
  EXPECT_TRUE(has(importConstant(floatTensor("t", {4}, {1, 2, 3})).error(), "holds 12 bytes"));
  EXPECT_TRUE(has(importConstant(intTensor("t", {4}, {1, 2, 3})).error(), "tensor 't'"));
  EXPECT_FALSE(importConstant(floatTensor("t", {int64_t(1) << 40, int64_t(1) << 40}, {1})).ok());
  EXPECT_FALSE(importConstant(floatTensor("t", {-1}, {1})).ok());
  EXPECT_FALSE(importConstant(floatTensor("t", {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1})).ok());
  TensorProto text = typed(TensorProto::STRING, {1});
  text.add_string_data("a");
  EXPECT_TRUE(has(importConstant(text).error(), "string"));
}

TEST(OnnxTensor, RefusesNonFiniteWeights) {
  std::string error = importConstant(floatTensor("layer.weight", {2}, {1, NAN})).error();
  EXPECT_TRUE(has(error, "tensor 'layer.weight'") && has(error, "NaN")) << error;
  EXPECT_TRUE(has(importConstant(floatTensor("t", {2}, {INFINITY, 1})).error(), "infinite"));
  EXPECT_TRUE(importConstant(floatTensor("t", {}, {-INFINITY})).ok())
      << "limits and mask values are written so";
  ImportOptions options;
  options.allowNonFinite = true;
  EXPECT_TRUE(importConstant(floatTensor("t", {2}, {1, NAN}), options).ok());
}

TEST(OnnxTensor, ReadsExternalFilesInsideTheFolder) {
  namespace fs = std::filesystem;
  fs::path folder = fs::temp_directory_path() / ("burin_onnx_external_" + std::to_string(::getpid()));
  fs::create_directories(folder / "sub");
  float values[] = {9, 1, 2, 3};
  std::ofstream(folder / "sub" / "w.bin", std::ios::binary)
      .write(reinterpret_cast<const char*>(values), sizeof values);
  auto external = [&](const std::string& location, const std::string& offset, const std::string& length) {
    TensorProto t = typed(TensorProto::FLOAT, {3});
    t.set_data_location(TensorProto::EXTERNAL);
    for (auto [key, value] : {std::pair<std::string, std::string>{"location", location},
                              {"offset", offset},
                              {"length", length}}) {
      auto* entry = t.add_external_data();
      entry->set_key(key), entry->set_value(value);
    }
    return importConstant(t, {}, folder.string());
  };
  Imported good = external("sub/w.bin", "4", "12");
  ASSERT_TRUE(good.ok()) << good.error();
  EXPECT_EQ(good.floats(), (std::vector<float>{1, 2, 3}));
  EXPECT_TRUE(has(external("sub/w.bin", "8", "12").error(), "has 16 bytes"));
  EXPECT_TRUE(has(external("sub/w.bin", "17", "0").error(), "from offset 17"));
  EXPECT_TRUE(has(external("sub/w.bin", "4", "8").error(), "needs 12"));
  EXPECT_TRUE(has(external("sub/w.bin", "18446744073709551612", "12").error(), "has 16 bytes"));
  for (const char* number : {"-4", "4 bytes", "", "99999999999999999999"}) {
    EXPECT_TRUE(has(external("sub/w.bin", number, "12").error(), "is no number of bytes")) << number;
    EXPECT_TRUE(has(external("sub/w.bin", "4", number).error(), "is no number of bytes")) << number;
  }
  EXPECT_TRUE(has(external("", "0", "12").error(), "not inside the model's folder"));
  EXPECT_TRUE(has(external("sub", "0", "12").error(), "sub")) << "a folder is no file";
  EXPECT_TRUE(has(external("../w.bin", "0", "12").error(), "not inside the model's folder"));
  EXPECT_TRUE(has(external("/etc/passwd", "0", "12").error(), "not inside the model's folder"));
  EXPECT_TRUE(has(external("sub/none.bin", "0", "12").error(), "none.bin"));
  fs::create_symlink("/etc/passwd", folder / "link");
  EXPECT_TRUE(has(external("link", "0", "12").error(), "not inside the model's folder"));
  fs::remove_all(folder);
}
