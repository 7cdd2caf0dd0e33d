// Every kind of integer op as QDQ: the integers of the program, and what our own importer computes from the
// export.
#include "lib/compile/compile.h"
#include "lib/export/round_trip.h"
#include "lib/pipeline/pipeline.h"
#include "lib/prepare/prepare.h"
#include "lib/quantize/quantizer.h"

#include <set>

namespace burin::onnx_export::test {
namespace {

using mlir::Value;
using Tensors = std::map<std::string, Array>; // stored numbers by name
constexpr int64_t kChannels = 4, kSize = 8;

Array picture(uint32_t shift) {
  std::vector<float> values = someFloats(kChannels * kSize * kSize + shift, -1, 1);
  return Array::of<float>(ElementType::F32, {1, kChannels, kSize, kSize},
                          std::span<const float>(values).subspan(shift));
}

// Runs a program and keeps every tensor.
Result<Tensors> tensorsOf(const ProgramFile& program, const Array& input) {
  BURIN_ASSIGN(Executable executable, Executable::fromProgram(program));
  BURIN_ASSIGN(auto runner, Runner::create(executable, {}));
  Tensors tensors;
  runner->observe([&](const rt::Tensor& t) { tensors[t.name] = storedArray(t); });
  BURIN_CHECK(runner->run({&input, 1}));
  return tensors;
}

// x -> two convolutions -> the op under test -> a convolution or product, which has a float result.
class Net {
  std::unique_ptr<mlir::MLIRContext> context_ = nn::makeContext(); // first: the others live in it

public:
  using Middle = std::function<Value(Net&, Value, Value)>;
  nn::GraphBuilder b;

  Value input;

  explicit Net(const Middle& middle, std::function<Array(uint32_t)> inputs = picture)
      : b(context_.get()), inputs_(std::move(inputs)) {
    Value x = input = b.input("x", {rt::DType::F32, {1, kChannels, kSize, kSize}});
    Value made = middle(*this, conv(x, kChannels, 3, 1, "a"), conv(x, kChannels, 1, 1, "b"));
    const rt::Shape shape = nn::typeOf(made).shape;
    Value y = shape.rank == 4
                  ? conv(made, 3, 1, 1, "y")
                  : op("matmul", {made, weights({shape[shape.rank - 1], 3}), b.none()}, b.attrs(), "y");
    auto module = b.finish({y}, {"y"});
    if (module) module_ = std::move(*module);
  }

  Value op(const char* mnemonic, std::vector<Value> operands, const nn::AttrList& attributes,
           const char* name) {
    auto made = b.op(mnemonic, operands, attributes, name);
    EXPECT_TRUE(made) << made.error().text();
    return *made;
  }
  Value conv(Value x, int64_t outputs, int64_t kernel, int64_t groups, const char* name,
             nn::AttrList* more = nullptr) {
    const int64_t inputs = nn::typeOf(x).shape[1], pad = kernel / 2;
    nn::AttrList plain = b.attrs();
    nn::AttrList& attributes = more ? *more : plain;
    attributes.ints("strides", {1, 1})
        .ints("dilations", {1, 1})
        .ints("pads", {pad, pad, pad, pad})
        .i("groups", groups);
    return op("conv", {x, weights({outputs, inputs / groups, kernel, kernel}), bias(outputs)}, attributes,
              name);
  }
  // No two tensors of weights are equal.
  Value weights(const rt::Shape& shape) {
    std::vector<float> values = someFloats(shape.elements() + ++made_, -0.5f, 0.5f);
    values.erase(values.begin(), values.begin() + made_);
    return b.constantFloats(values, {shape.dim, shape.dim + shape.rank});
  }
  Value bias(int64_t n) { return b.constantFloats(someFloats(n, -0.2f, 0.2f), {n}); }

  Result<CompileOptions> options(const std::string& target, std::optional<Scheme> scheme) {
    BURIN_CHECK(prepare(*module_));
    BURIN_CHECK(calibrate());
    CompileOptions result;
    result.precision = "int8";
    result.scheme = scheme;
    BURIN_ASSIGN(result.target, loadTarget(target));
    result.table = &table_;
    return result;
  }

  // The program's and the export's tensors on one input.
  void check(const char* kind, const std::string& target = "cpu", std::optional<Scheme> scheme = {},
             const ExportOptions& exportOptions = {}) {
    SCOPED_TRACE(std::string(kind) + " on " + target);
    auto options = this->options(target, scheme);
    ASSERT_TRUE(options) << options.error().text();
    auto compiled = compileNetwork(*module_, *options);
    ASSERT_TRUE(compiled) << compiled.error().text();
    auto quantized = quantize::applyPlan(graphOf(*module_), *compiled->plan, options->target);
    ASSERT_TRUE(quantized) << quantized.error().text();
    bool has = false;
    quantized->module->walk([&](mlir::Operation* op) { has |= op->getName().getStringRef() == kind; });
    ASSERT_TRUE(has) << "no such op in the quantized graph";
    auto bytes = exportOnnx(graphOf(*quantized->module), exportOptions);
    ASSERT_TRUE(bytes) << bytes.error().text();
    auto context = nn::makeContext();
    auto read = importOnnxBytes({bytes->data(), bytes->size()}, {}, {}, *context);
    ASSERT_TRUE(read) << read.error().text();
    auto simulated = compile::compileModule(*read->module, {});
    ASSERT_TRUE(simulated) << simulated.error().text();
    const Array fresh = inputs_(9);
    auto ours = tensorsOf(compiled->program, fresh), theirs = tensorsOf(*simulated, fresh);
    ASSERT_TRUE(ours) << ours.error().text();
    ASSERT_TRUE(theirs) << theirs.error().text();
    compare(*ours, *theirs, target == "cpu");
    if (target == "cpu") save(std::string(kind), *bytes, *ours, *theirs);
  }

private:
  // The integers under the export's names and in its types.
  static void save(const std::string& name, const std::string& bytes, const Tensors& ours,
                   const Tensors& theirs) {
    std::vector<NamedArray> arrays = {{"x", ours.at("x")}, {"y", ours.at("y")}};
    for (const auto& [tensor, array] : ours) {
      auto other = theirs.find(exportedName(tensor));
      if (!isStored(array) || isCopy(tensor) || other == theirs.end()) continue;
      NamedArray stored{other->first, array};
      stored.array.type = other->second.type;
      if (array.type != other->second.type)
        for (uint8_t& byte : stored.array.bytes) byte ^= 0x80;
      arrays.push_back(std::move(stored));
    }
    saveCase(name, bytes, arrays);
  }

  Status calibrate() {
    BURIN_ASSIGN(ProgramFile program, compile::compileModule(*module_, {}));
    std::map<std::string, std::pair<float, float>> ranges;
    for (uint32_t shift = 0; shift < 4; ++shift) {
      BURIN_ASSIGN(Tensors tensors, tensorsOf(program, inputs_(shift)));
      for (const auto& [name, array] : tensors)
        if (array.type == ElementType::F32)
          for (float v : array.as<float>()) {
            auto& [low, high] = ranges.try_emplace(name, v, v).first->second;
            low = std::min(low, v), high = std::max(high, v);
          }
    }
    table_.graphHash = networkHash(*module_);
    for (const auto& [name, range] : ranges) {
      TensorRange entry;
      entry.name = name;
      entry.min = range.first, entry.max = range.second;
      entry.threshold = std::max({std::abs(entry.min), std::abs(entry.max), 1e-3f});
      table_.entries.push_back(entry);
    }
    return {};
  }

  // Integers are read as the value above the lowest of their type: the export stores all of them in one type.
  static std::vector<int> levels(const Array& array) {
    std::vector<int> result;
    for (uint8_t byte : array.bytes) result.push_back(array.type == ElementType::I8 ? byte ^ 0x80 : byte);
    return result;
  }

  static bool isStored(const Array& array) {
    return array.type == ElementType::I8 || array.type == ElementType::U8;
  }
  static bool isCopy(const std::string& name) { return name.ends_with("/layout") || name.ends_with("/nhwc"); }
  static std::string exportedName(std::string name) {
    for (std::string suffix : {"/quantized", "/quantize"})
      if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
    return name + "_QuantizeLinear_Output";
  }

  static void compare(const Tensors& ours, const Tensors& theirs, bool sameArithmetic) {
    size_t tensors = 0, elements = 0, different = 0;
    for (const auto& [name, array] : ours) {
      if (!isStored(array) || isCopy(name)) continue;
      auto other = theirs.find(exportedName(name));
      ASSERT_NE(other, theirs.end()) << name;
      const std::vector<int> a = levels(array), b = levels(other->second);
      ASSERT_EQ(a.size(), b.size()) << name;
      for (size_t i = 0; i < a.size(); ++i) {
        different += a[i] != b[i];
        if (sameArithmetic) ASSERT_LE(std::abs(a[i] - b[i]), 1) << name << " at " << i;
      }
      ++tensors, elements += a.size();
    }
    EXPECT_GE(tensors, 3u);
    if (sameArithmetic) EXPECT_LE(different, elements / 200) << "of " << elements;
    const auto y = ours.at("y").as<float>(), z = theirs.at("y").as<float>();
    float largest = 0, error = 0;
    for (size_t i = 0; i < y.size(); ++i)
      largest = std::max(largest, std::abs(y[i])), error = std::max(error, std::abs(y[i] - z[i]));
    EXPECT_LE(error, (sameArithmetic ? 0.02f : 0.1f) * largest);
  }

  std::function<Array(uint32_t)> inputs_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  CalibrationTable table_;
  int64_t made_ = 0;
};

Net::Middle unary(const char* fn) {
  return [fn](Net& n, Value a, Value) { return n.op("unary", {a}, n.b.attrs().s("fn", fn), "m"); };
}
Net::Middle binary(const char* fn) {
  return [fn](Net& n, Value a, Value b) { return n.op("binary", {a, b}, n.b.attrs().s("fn", fn), "m"); };
}

TEST(ExportQuantized, Convolutions) {
  for (int64_t groups : {1, 2, 4})
    Net([=](Net& n, Value a, Value) { return n.conv(a, 8, 3, groups, "m"); }).check("qnn.conv");
  Net([](Net& n, Value a, Value) {
    nn::AttrList clamp = n.b.attrs().f("lo", 0).f("hi", 0.3f); // adds to what saturation does
    return n.conv(a, 4, 3, 1, "m", &clamp);
  }).check("qnn.conv");
}

TEST(ExportQuantized, TransposedConvolutions) {
  for (int64_t groups : {1, 2, 4})
    Net([=](Net& n, Value a, Value) {
      nn::AttrList attributes = n.b.attrs()
                                    .ints("strides", {2, 2})
                                    .ints("dilations", {1, 1})
                                    .ints("pads", {0, 1, 0, 0})
                                    .ints("output_pads", {0, 1})
                                    .i("groups", groups);
      return n.op("conv_transpose", {a, n.weights({kChannels, 3, 2, 3}), n.bias(3 * groups)}, attributes,
                  "m");
    }).check("qnn.conv_transpose");
}

TEST(ExportQuantized, Products) {
  Net([](Net& n, Value a, Value) {
    Value flat = n.op("reshape", {a}, n.b.attrs().ints("shape", {1, kChannels * kSize * kSize}), "flat");
    return n.op("matmul", {flat, n.weights({10, kChannels * kSize * kSize}), n.bias(10)},
                n.b.attrs().b("trans_b", true), "m");
  }).check("qnn.matmul");
  Net([](Net& n, Value a, Value b) {
    return n.op("matmul", {a, b, n.b.none()}, n.b.attrs().b("trans_b", true), "m");
  }).check("qnn.matmul");
}

TEST(ExportQuantized, SumsAndProductsOfElements) {
  for (const char* fn : {"add", "sub", "mul", "min", "max"}) Net(binary(fn)).check("qnn.binary");
  Net([](Net& n, Value a, Value b) {
    return n.op("binary", {a, b}, n.b.attrs().s("fn", "add").f("lo", 0), "m");
  }).check("qnn.binary");
}

TEST(ExportQuantized, Tables) {
  for (const char* fn :
       {"sigmoid", "tanh", "silu", "hard_swish", "gelu", "exp", "leaky_relu", "elu", "mish", "abs", "square"})
    Net(unary(fn)).check("qnn.lut");
  for (const char* fn : {"mul", "div", "max"})
    for (int64_t channels : {int64_t(1), kChannels})
      Net([=](Net& n, Value a, Value) {
        Value bounded =
            n.op("unary", {a}, n.b.attrs().s("fn", "sigmoid"), "s"); // or prepare folds the constant
        Value constant = n.b.constantFloats(someFloats(channels, 0.2f, 2), {channels, 1, 1});
        return n.op("binary", {bounded, constant}, n.b.attrs().s("fn", fn), "m");
      }).check("qnn.lut");
}

// 256 numbers, one for each stored byte, from -1 to 1.
Array ramp(uint32_t) {
  std::vector<float> values(kChannels * kSize * kSize);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 127.5f - 1;
  return Array::of<float>(ElementType::F32, {1, kChannels, kSize, kSize}, std::span<const float>(values));
}

// The ramp times `factor` plus `shift`, through the function.
Net::Middle table(const char* fn, float factor, float shift) {
  return [=](Net& n, Value, Value) {
    std::vector<float> identity(kChannels * kChannels);
    for (size_t c = 0; c < kChannels; ++c) identity[c * kChannels + c] = factor;
    Value w = n.b.constantFloats(identity, {kChannels, kChannels, 1, 1}),
          bias = n.b.constantFloats(std::vector<float>(kChannels, shift), {kChannels});
    const nn::AttrList window = n.b.attrs()
                                    .ints("strides", {1, 1})
                                    .ints("dilations", {1, 1})
                                    .ints("pads", {0, 0, 0, 0})
                                    .i("groups", 1);
    return n.op("unary", {n.op("conv", {n.input, w, bias}, window, "scaled")},
                n.b.attrs().s("fn", fn).f("alpha", 0.25f).f("beta", 0.75f), "m");
  };
}

TEST(ExportQuantized, EveryEntryOfATable) {
  for (float factor : {0.7f, 3.0f, 11.0f}) {
    for (const char* fn : {"sigmoid",      "tanh",
                           "silu",         "hard_swish",
                           "hard_sigmoid", "gelu",
                           "gelu_tanh",    "exp",
                           "leaky_relu",   "elu",
                           "selu",         "celu",
                           "mish",         "softplus",
                           "softsign",     "erf",
                           "abs",          "square",
                           "sin",          "round",
                           "floor",        "thresholded_relu",
                           "shrink"})
      Net(table(fn, factor, 0), ramp).check("qnn.lut");
    for (const char* fn : {"log", "sqrt", "rsqrt", "reciprocal"})
      Net(table(fn, factor, 1.1f * factor), ramp).check("qnn.lut");
  }
}

TEST(ExportQuantized, Averages) {
  Net([](Net& n, Value a, Value) {
    return n.op("avg_pool", {a},
                n.b.attrs()
                    .ints("kernel", {3, 3})
                    .ints("strides", {2, 2})
                    .ints("dilations", {1, 1})
                    .ints("pads", {1, 1, 1, 1})
                    .ints("sizes", {4, 4}),
                "m");
  }).check("qnn.avg_pool");
  Net([](Net& n, Value a, Value) {
    return n.op("reduce", {a}, n.b.attrs().s("fn", "mean").ints("axes", {2, 3}).b("keep_dims", true), "m");
  }).check("qnn.reduce");
}

TEST(ExportQuantized, MovedIntegers) {
  Net([](Net& n, Value a, Value) {
    return n.op("max_pool", {a},
                n.b.attrs()
                    .ints("kernel", {3, 2})
                    .ints("strides", {2, 2})
                    .ints("dilations", {1, 1})
                    .ints("pads", {0, 0, 0, 0})
                    .ints("sizes", {4, 4}),
                "m");
  }).check("nn.max_pool");
  Net([](Net& n, Value a, Value b) {
    Value narrow = n.op("unary", {b}, n.b.attrs().s("fn", "sigmoid"), "s"); // a range of its own
    return n.op("concat", {a, narrow}, n.b.attrs().i("axis", 1), "m");
  }).check("qnn.requantize");
  Net([](Net& n, Value a, Value) {
    return n.op("resize", {a},
                n.b.attrs()
                    .s("mode", "nearest")
                    .ints("sizes", {1, kChannels, 16, 16})
                    .floats("scales", {1, 1, 2, 2})
                    .s("coordinate", "asymmetric")
                    .s("nearest", "floor"),
                "m");
  }).check("nn.resize");
  Net([](Net& n, Value a, Value) {
    return n.op("pad", {a}, n.b.attrs().ints("pads", {0, 0, 1, 0, 0, 0, 0, 1}).s("mode", "reflect"), "m");
  }).check("nn.pad");
}

TEST(ExportQuantized, AFloatIslandBetweenIntegers) {
  Net([](Net& n, Value a, Value b) {
    Value sum = n.op("binary", {a, b}, n.b.attrs().s("fn", "add"), "sum");
    Value island = n.op("softmax", {sum}, n.b.attrs().i("axis", 1), "island");
    return n.op("binary", {island, sum}, n.b.attrs().s("fn", "mul"), "m");
  }).check("qnn.dequantize");
}

TEST(ExportQuantized, SchemesAndStorage) {
  Net(binary("add")).check("qnn.binary", "cpu", Scheme::Symmetric);
  Net(unary("sigmoid")).check("qnn.lut", "cpu", Scheme::Symmetric);
  Net(binary("add")).check("qnn.binary", "cpu", Scheme::Asymmetric, {.signedActivations = true});
  Net(unary("silu")).check("qnn.lut", "cpu", Scheme::Symmetric, {.signedActivations = true});
}

// Other arithmetic than a QDQ executor's, the same scales.
TEST(ExportQuantized, EveryTarget) {
  for (const std::string& target : listTargets()) {
    Net(binary("add")).check("qnn.conv", target);
    Net([](Net& n, Value a, Value) {
      nn::AttrList attributes = n.b.attrs()
                                    .ints("strides", {2, 2})
                                    .ints("dilations", {1, 1})
                                    .ints("pads", {0, 0, 0, 0})
                                    .ints("output_pads", {0, 0})
                                    .i("groups", 2);
      return n.op("conv_transpose", {a, n.weights({kChannels, 2, 2, 2}), n.bias(4)}, attributes, "m");
    }).check("qnn.conv", target);
  }
}

} // namespace
} // namespace burin::onnx_export::test
