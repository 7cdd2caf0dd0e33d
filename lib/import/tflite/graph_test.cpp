// Whole files: quantization as it stands in the graph, states, cuts, signatures, dilated convolutions, and
// files that are damaged.
#include "lib/import/tflite/test_model.h"

#include "lib/import/tflite/operators.h"

#include "schema/tflite_metadata_generated.h"

#include <cmath>

using namespace burin;
using namespace burin::tflite::test;
namespace tfl = burin::tfl;

namespace {
const Tensor kFloat = floats();

tfl::Conv2DOptionsT plainConv() {
  tfl::Conv2DOptionsT o;
  o.padding = tfl::Padding::VALID, o.stride_h = o.stride_w = 1;
  return o;
}

// An int8 convolution of one channel with scales per output channel.
File quantizedConv() {
  File file;
  int32_t x = file.add(of(tfl::TensorType::INT8, {1, 2, 2, 1}).scaled({0.5f}, {3}).named("x"));
  int32_t w = file.add(i8({2, 1, 1, 1}, {4, -8}).scaled({0.25f, 0.5f}, {0, 0}, 0).named("w"));
  int32_t b = file.add(i32({2}, {8, 16}).scaled({0.125f, 0.25f}, {0, 0}, 3).named("b"));
  int32_t y = file.add(of(tfl::TensorType::INT8, {1, 2, 2, 2}).scaled({0.25f}, {-10}).named("y"));
  tfl::Conv2DOptionsT o = plainConv();
  o.activation = tfl::Activation::RELU;
  file.op(3, {x, w, b}, {y}, o);
  file.graph().inputs = {x}, file.graph().outputs = {y};
  return file;
}
} // namespace

TEST(TfliteQuantization, IntegersStayUnderTheirNames) {
  auto m = importBytes(quantizedConv().bytes());
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.ops(), (std::vector<std::string>{"dequantize", "transpose", "dequantize", "dequantize", "conv",
                                               "unary", "transpose", "quantize"}));
  EXPECT_EQ(nn::valueName(m.output()), "y");
  EXPECT_EQ(nn::typeOf(m.output()).dtype, rt::DType::I8);
  mlir::Operation* weights = m.find("conv")->getOperand(1).getDefiningOp();
  EXPECT_EQ(nn::valueName(weights->getOperand(0)), "w");
  EXPECT_EQ(nn::constantInts(weights->getOperand(0)), (std::vector<int64_t>{4, -8}));
  EXPECT_EQ(nn::constantFloats(weights->getOperand(1)), (std::vector<float>{0.25f, 0.5f}));
  // The converter's axis of the weights stands at the bias, too.
  EXPECT_EQ(nn::constantFloats(m.find("conv")->getOperand(2).getDefiningOp()->getOperand(1)),
            (std::vector<float>{0.125f, 0.25f}));
}

TEST(TfliteQuantization, ComputesWithTheScalesOfTheFile) {
  File file = quantizedConv();
  auto& x = *file.graph().tensors[0];
  x.buffer = static_cast<uint32_t>(file.model().buffers.size());
  file.model().buffers.push_back(std::make_unique<tfl::BufferT>());
  file.model().buffers.back()->data = {3, 5, 1, 7}; // 0, 1, -1, 2
  file.graph().inputs = {};
  auto m = importBytes(file.bytes(), folding());
  // Channel 0: 1 * x + 1, channel 1: -4 * x + 4, clamped at 0, in steps of 0.25 from -10.
  expectInts(m, {-6, 6, -2, -10, -10, 22, 2, -10});
}

TEST(TfliteQuantization, RequantizesAndMovesByScale) {
  Tensor x = u8({2}, {10, 200}).scaled({0.5f}, {10});
  expectInts(evaluate(114, {x}, {of(tfl::TensorType::INT8).scaled({1}, {-100})}), {-100, -5});
  expectNear(evaluate(6, {x}, {kFloat}), {0, 95});
  expectInts(evaluate(114, {f32({2}, {0.26f, -99})}, {of(tfl::TensorType::INT16).scaled({0.5f}, {0})}),
             {1, -198});
  Tensor part = u8({2}, {1, 2}).scaled({1}, {0});
  expectInts(
      evaluate(2, {x, part}, {of(tfl::TensorType::UINT8).scaled({0.5f}, {0})}, tfl::ConcatenationOptionsT()),
      {0, 190, 2, 4});
  EXPECT_TRUE(has(evaluate(114, {x}, {of(tfl::TensorType::INT8)}).error(), "no scale"));
}

TEST(TfliteQuantization, WeightsOfRealOperatorsAreOnlyStoredAsIntegers) {
  File file;
  int32_t x = file.add(floats({1, 2}).named("x"));
  int32_t w = file.add(i8({1, 2}, {2, -4}).scaled({0.5f}, {0}).named("w")),
          y = file.add(floats({1, 1}).named("y"));
  file.op(9, {x, w}, {y}, tfl::FullyConnectedOptionsT());
  file.graph().inputs = {x}, file.graph().outputs = {y};
  auto m = importBytes(file.bytes());
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(nn::constantFloats(m.find("matmul")->getOperand(1)), (std::vector<float>{1, -2}));
}

TEST(TfliteQuantization, HalfFloatsAndNibbles) {
  Tensor half = stored<uint16_t>(tfl::TensorType::FLOAT16, {2}, {0x3c00, 0xc000});
  expectNear(evaluate(6, {half}, {kFloat}), {1, -2});
  Tensor nibbles = stored<uint8_t>(tfl::TensorType::INT4, {3}, {0xf1, 0x08}).scaled({0.5f}, {0});
  expectNear(evaluate(6, {nibbles}, {kFloat}), {0.5f, -0.5f, -4});
  Tensor wide = stored<double>(tfl::TensorType::FLOAT64, {1}, {0.5});
  expectNear(evaluate(59, {wide}, {kFloat}), {-0.5f});
}

TEST(TfliteQuantization, SixteenBitNetworksHaveWideBiases) {
  Tensor x = stored<int16_t>(tfl::TensorType::INT16, {1, 1}, {100}).scaled({0.01f}, {0});
  Tensor w = i8({1, 1}, {10}).scaled({0.1f}, {0}), b = stored<int64_t>(tfl::TensorType::INT64, {1}, {500});
  auto m = evaluate(9, {x, w, b.scaled({0.001f}, {0})}, {of(tfl::TensorType::INT16).scaled({0.01f}, {0})},
                    tfl::FullyConnectedOptionsT());
  expectInts(m, {150});
  auto m2 = evaluate(9, {x, w, b}, {of(tfl::TensorType::INT16).scaled({0.01f}, {0})},
                     tfl::FullyConnectedOptionsT());
  expectInts(m2, {150}); // without a scale of its own: that of the accumulator
}

TEST(TfliteGraph, DilationIdiomBecomesOneConvolution) {
  File file;
  int32_t x = file.add(floats({1, 5, 5, 1}).named("x")), block = file.add(ints({2, 2}));
  int32_t pads = file.add(i32({2, 2}, {2, 3, 2, 3})), crops = file.add(i32({2, 2}, {0, 1, 0, 1}));
  int32_t phases = file.add(floats({4, 5, 5, 1})), w = file.add(f32({1, 3, 3, 1}, counting(9)));
  int32_t inner = file.add(floats({4, 3, 3, 1}).named("inner")),
          y = file.add(floats({1, 5, 5, 1}).named("y"));
  file.op(38, {x, block, pads}, {phases});
  file.op(3, {phases, w}, {inner}, plainConv());
  file.op(37, {inner, block, crops}, {y});
  file.graph().inputs = {x}, file.graph().outputs = {y};
  auto m = importBytes(file.bytes());
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.ops(), (std::vector<std::string>{"transpose", "conv", "transpose"}));
  EXPECT_EQ(m.intsOf("conv", "dilations"), (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(m.intsOf("conv", "pads"), (std::vector<int64_t>{2, 2, 2, 2}));
  // The same numbers as the operators one by one, which a cut between them keeps.
  ImportOptions bound = folding(), cut = folding();
  bound.boundInputs["x"] = cut.boundInputs["x"] = boundFloats({1, 5, 5, 1}, counting(25));
  cut.outputs = {"y", "inner"};
  auto whole = importBytes(file.bytes(), bound), parts = importBytes(file.bytes(), cut);
  ASSERT_TRUE(parts.ok()) << parts.error();
  expectNear(whole, parts.floats());
}

TEST(TfliteGraph, SignatureNamesStandForTensors) {
  File file;
  int32_t x = file.add(floats({-1, 2}).named("serving_x:0")), y = file.add(floats({1, 2}).named("call:0"));
  file.op(28, {x}, {y});
  file.graph().inputs = {x}, file.graph().outputs = {y};
  auto signature = std::make_unique<tfl::SignatureT>();
  auto entry = std::make_unique<tfl::TensorMapT>();
  entry->name = "image", entry->tensor_index = static_cast<uint32_t>(x);
  signature->inputs.push_back(std::move(entry));
  file.model().signatures.push_back(std::move(signature));
  ImportOptions options;
  options.inputShapes["image"] = {3, 2};
  auto m = importBytes(file.bytes(), options);
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.shape(), "3x2");
  EXPECT_EQ(importBytes(file.bytes()).shape(), "1x2");
}

namespace {
// A picture of bytes that is fed as (p - 127.5) / 127.5.
Imported describedInput(const Tensor& input) {
  tflmeta::ModelMetadataT metadata;
  metadata.subgraphs.push_back(std::make_unique<tflmeta::SubGraphMetadataT>());
  auto tensor = std::make_unique<tflmeta::TensorMetadataT>();
  tensor->content = std::make_unique<tflmeta::ContentInfoT>();
  tflmeta::ImagePropertiesT image;
  image.color_space = tflmeta::ColorSpace::RGB;
  tensor->content->properties.Set(std::move(image));
  tensor->process_units.push_back(std::make_unique<tflmeta::ProcessUnitT>());
  tflmeta::NormalizationOptionsT normalization;
  normalization.mean = {127.5f}, normalization.std = {127.5f};
  tensor->process_units[0]->options.Set(std::move(normalization));
  metadata.subgraphs[0]->inputs.push_back(std::move(tensor));
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(tflmeta::ModelMetadata::Pack(builder, &metadata), "M001");

  File file;
  int32_t x = file.add(Tensor(input).named("x")), y = file.add(floats());
  file.op(6, {x}, {y});
  file.graph().inputs = {x}, file.graph().outputs = {y};
  auto entry = std::make_unique<tfl::MetadataT>();
  entry->name = "TFLITE_METADATA", entry->buffer = static_cast<uint32_t>(file.model().buffers.size());
  file.model().metadata.push_back(std::move(entry));
  file.model().buffers.push_back(std::make_unique<tfl::BufferT>());
  file.model().buffers.back()->data.assign(builder.GetBufferPointer(),
                                           builder.GetBufferPointer() + builder.GetSize());
  return importBytes(file.bytes());
}
} // namespace

TEST(TfliteGraph, MetadataTellsHowPicturesAreFed) {
  auto hint = [](const Tensor& input) {
    auto m = describedInput(input);
    EXPECT_TRUE(m.ok()) << m.error();
    return m.ok() && m.result->info.preprocess.size() == 1 ? m.result->info.preprocess[0] : PreprocessHint();
  };
  PreprocessHint real = hint(floats({1, 2, 2, 3}));
  EXPECT_EQ(real.input + " " + real.mean + " " + real.pixel, "x 127.5 rgb");
  EXPECT_NEAR(std::stod(real.scale), 1 / 127.5, 1e-9);
  // An integer input quantizes the same real numbers itself.
  PreprocessHint bytes = hint(of(tfl::TensorType::UINT8, {1, 2, 2, 3}).scaled({0.0078125f}, {128}));
  EXPECT_EQ(bytes.mean + " " + bytes.scale, real.mean + " " + real.scale);
}

TEST(TfliteGraph, NamesAreMadeUnique) {
  File file;
  int32_t x = file.add(floats({1}).named("same")), y = file.add(floats({1}).named("same"));
  file.op(28, {x}, {y});
  file.graph().inputs = {x}, file.graph().outputs = {y};
  auto m = importBytes(file.bytes());
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(nn::valueName(m.output()), "same:1");
}

TEST(TfliteGraph, EverythingUnsupportedIsReportedAtOnce) {
  File file;
  int32_t x = file.add(floats({1}).named("x")), a = file.add(floats({1}).named("a"));
  int32_t b = file.add(floats({1}).named("b")), c = file.add(floats({1}).named("c"));
  file.custom("FlexErf", {}, {x}, {a});
  file.op(119, {a}, {b});
  file.op(206, {b}, {c});
  file.graph().inputs = {x}, file.graph().outputs = {c};
  std::string error = importBytes(file.bytes()).error();
  for (const char* part : {"custom:FlexErf", "WHILE", "STABLEHLO_COMPOSITE", "SELECT_TF_OPS", "3 things"})
    EXPECT_TRUE(has(error, part)) << part << " in " << error;
}

TEST(TfliteGraph, EveryRowHasItsOwnName) {
  auto list = tflite::supportedOperators();
  EXPECT_GT(list.size(), 100u);
  for (size_t i = 1; i < list.size(); ++i) EXPECT_NE(list[i].name, list[i - 1].name);
}

TEST(TfliteDamaged, ReferencesOutsideTheFile) {
  EXPECT_TRUE(has(importBytes({'a', 'b'}).error(), "TFL3"));
  std::vector<char> bytes = quantizedConv().bytes();
  for (size_t cut = 8; cut < bytes.size(); cut += 16)
    EXPECT_FALSE(importBytes({bytes.begin(), bytes.begin() + static_cast<long>(cut)}).ok()) << cut;
  File file = quantizedConv();
  file.graph().operators[0]->inputs[1] = 99;
  EXPECT_TRUE(has(importBytes(file.bytes()).error(), "tensor 99"));
  file = quantizedConv();
  file.graph().operators[0]->opcode_index = 7;
  EXPECT_TRUE(has(importBytes(file.bytes()).error(), "operator code 7"));
  file = quantizedConv();
  file.graph().tensors[1]->buffer = 50;
  EXPECT_TRUE(has(importBytes(file.bytes()).error(), "buffer 50"));
  file = quantizedConv();
  file.model().buffers[1]->offset = 1 << 20, file.model().buffers[1]->size = 2;
  EXPECT_TRUE(has(importBytes(file.bytes()).error(), "outside the file"));
  file = quantizedConv();
  file.model().version = 2;
  EXPECT_TRUE(has(importBytes(file.bytes()).error(), "version 2"));
}

TEST(TfliteDamaged, ShapesAndScales) {
  File file = quantizedConv();
  file.graph().tensors[1]->shape = {1 << 30, 1 << 30, 1 << 30, 1};
  EXPECT_FALSE(importBytes(file.bytes()).ok());
  file = quantizedConv();
  file.graph().tensors[1]->quantization->scale = {1, 2, 3};
  EXPECT_TRUE(has(importBytes(file.bytes()).error(), "scales"));
  file = quantizedConv();
  file.graph().tensors[0]->quantization->scale = {std::nanf("")};
  EXPECT_TRUE(has(importBytes(file.bytes()).error(), "scale nan"));
  file = quantizedConv();
  file.graph().tensors[0]->quantization->zero_point = {1000};
  EXPECT_TRUE(has(importBytes(file.bytes()).error(), "zero point 1000"));
  file = quantizedConv();
  file.graph().tensors[1]->sparsity = std::make_unique<tfl::SparsityT>();
  EXPECT_TRUE(has(importBytes(file.bytes()).error(), "sparse"));
  EXPECT_TRUE(has(evaluate(28, {f32({2}, {1, std::nanf("")})}, {kFloat}).error(), "NaN"));
}

TEST(TfliteDamaged, Graphs) {
  File file;
  int32_t a = file.add(floats({1}).named("a")), b = file.add(floats({1}).named("b"));
  file.op(28, {b}, {a});
  file.op(28, {a}, {b});
  file.graph().outputs = {b};
  EXPECT_TRUE(has(importBytes(file.bytes()).error(), "cycle"));
  EXPECT_FALSE(evaluate(0, {f32({1}, {1})}, {kFloat}, tfl::AddOptionsT()).ok());
  EXPECT_FALSE(evaluate(3, {f32({1}, {1}), f32({1}, {1})}, {kFloat}, plainConv()).ok());
  tfl::Conv2DOptionsT o = plainConv();
  o.stride_h = 0;
  EXPECT_FALSE(evaluate(3, {f32({1, 1, 1, 1}, {1}), f32({1, 1, 1, 1}, {1})}, {kFloat}, o).ok());
}
