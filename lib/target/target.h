// A target: a chip as data. It selects arithmetic policies by name (docs/numerics.md) and states hardware
// numbers with their sources. No code anywhere asks which chip it is.
//
//   BURIN_ASSIGN(burin::Target target, burin::loadTarget("cpu"));
//   bool integer = target.allows(OpClass::Conv, Precision::Int8);
#pragma once

#include "lib/support/error.h"
#include "runtime/numerics/elementwise.h"
#include "runtime/numerics/pool.h"
#include "runtime/numerics/quantize.h"

#include <array>
#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace burin {

// What an op does to data, as far as a chip cares. `Lut` is any unary function, `Movement` any op that only
// moves elements, `Other` whatever no class names.
enum class OpClass : uint8_t {
  Conv,
  Depthwise,
  Deconv,
  MatMul,
  MatMulActAct,
  Add,
  Sub,
  Mul,
  MinMax,
  Concat,
  AvgPool,
  MaxPool,
  Resize,
  ReduceMean,
  Softmax,
  LayerNorm,
  Lut,
  Relu,
  Pad,
  Movement,
  Recurrent,
  Other,
};
constexpr size_t kOpClassCount = static_cast<size_t>(OpClass::Other) + 1;
using OpClassSet = std::bitset<kOpClassCount>;

// Int16: 16-bit activations and 8-bit weights.
enum class Precision : uint8_t { F32, F16, BF16, Int8, Int16 };
constexpr size_t kPrecisionCount = 5;
constexpr bool isInteger(Precision p) { return p == Precision::Int8 || p == Precision::Int16; }

enum class Scheme : uint8_t { Symmetric, Asymmetric };
enum class WeightScaleRule : uint8_t { Max, OutputPowerOfTwo, OutputQscale };
enum class BiasOverflow : uint8_t { RaiseScale, LowerShift, Saturate };
enum class InputQuantize : uint8_t { Divide, Multiply };
// Tensors that may have a scale per channel: none, those between convolutions, also those of functions (whose
// tables then exist per channel).
enum class ChannelScales : uint8_t { None, Convolutions, Functions };
// A float function rounded to integers, or TensorFlow Lite's fixed point.
enum class FunctionRule : uint8_t { Float, Tflite };

const char* nameOf(OpClass value);
const char* nameOf(Precision value);
const char* nameOf(Scheme value);
const char* nameOf(WeightScaleRule value);
const char* nameOf(BiasOverflow value);
const char* nameOf(InputQuantize value);
const char* nameOf(ChannelScales value);
const char* nameOf(FunctionRule value);
bool parse(std::string_view name, OpClass& value);
bool parse(std::string_view name, Precision& value);
bool parse(std::string_view name, Scheme& value);
bool parse(std::string_view name, WeightScaleRule& value);
bool parse(std::string_view name, BiasOverflow& value);
bool parse(std::string_view name, InputQuantize& value);
bool parse(std::string_view name, ChannelScales& value);
bool parse(std::string_view name, FunctionRule& value);

struct ActivationScheme {
  std::optional<rt::IntegerForm> signedForm;
  std::optional<rt::IntegerForm> unsignedForm; // for ranges without a negative part
  OpClassSet floatOpClasses;                   // classes that this scheme cannot run in int8

  // The form for a tensor whose smallest value is `min`.
  const rt::IntegerForm& formFor(double min) const;
};

struct WeightForm {
  rt::IntegerForm form;
  bool perChannel = false;
};

struct BiasForm {
  int bits = 32;
  int effectiveBits = 32;
  rt::Rounding rounding = rt::Rounding::HalfEven;
  BiasOverflow overflow = BiasOverflow::RaiseScale;
};

struct Arithmetic {
  rt::RequantPolicy requantize =
      rt::RequantPolicy::FloatHalfEven;                         // accumulators of convolutions and products
  rt::RequantPolicy rescale = rt::RequantPolicy::FloatHalfEven; // a tensor to another scale
  rt::AddPolicy add = rt::AddPolicy::FloatRatio;
  rt::RequantPolicy multiply = rt::RequantPolicy::FloatHalfEven;
  rt::AverageRule average;
  FunctionRule softmax = FunctionRule::Float;
  FunctionRule resize = FunctionRule::Float; // linear
  FunctionRule recurrent = FunctionRule::Float;
  FunctionRule functions = FunctionRule::Float; // entries of tables, operators TFLite alone has integers for
};

struct LutForm {
  int entries = 256;
  rt::Rounding rounding = rt::Rounding::HalfEven;
  std::optional<std::vector<std::string>> functions; // absent: any unary function
  bool has(std::string_view function) const;
};

// A hardware number and where it comes from; no value where none is known.
struct HardwareNumber {
  std::optional<double> value;
  std::string source;
};
struct Hardware {
  HardwareNumber cores, peakInt8Tops, peakF16Tflops, peakF32Tflops, clockMhz, lanes, laneBytes,
      localMemoryBytesPerLane, localMemoryBanks, sharedMemoryBytes, ddrGbPerS;
};
struct HardwareField {
  const char* key;
  HardwareNumber Hardware::* member;
};
extern const std::array<HardwareField, 11> kHardwareFields;

struct Target {
  std::string name, vendor, description;

  Scheme defaultScheme = Scheme::Asymmetric;
  std::array<std::optional<ActivationScheme>, 2> schemes; // by Scheme
  InputQuantize inputQuantize = InputQuantize::Divide;
  rt::Rounding activationRounding = rt::Rounding::HalfEven;
  ChannelScales channelScales = ChannelScales::None;

  WeightScaleRule weightScaleRule = WeightScaleRule::Max;
  rt::Rounding weightRounding = rt::Rounding::HalfEven;
  WeightForm conv, depthwise, deconv, matmul;

  BiasForm bias;
  Arithmetic arithmetic;
  LutForm lut;
  std::array<OpClassSet, kPrecisionCount> precisions; // by Precision: the classes that may run in it
  Precision floatFallback = Precision::F32;
  bool quantizedOutput = false; // final outputs stay integers
  Hardware hardware;

  const ActivationScheme* scheme(Scheme wanted) const; // null if the target lacks it
  bool has(Precision precision) const { return precisions[static_cast<size_t>(precision)].any(); }
  bool allows(OpClass opClass, Precision precision) const;
  // The same with what the activation scheme rules out in integers.
  bool allows(OpClass opClass, Precision precision, Scheme scheme) const;
  // Weights of Conv, Depthwise, Deconv and MatMul (recurrent gates are MatMul); null for other classes.
  const WeightForm* weights(OpClass opClass) const;
};

// A real number as the target's integer: [Q-DIVIDE] or [Q-MULTIPLY] with its rounding.
int32_t quantizeFor(const Target& target, float value, const rt::Affine& to, const rt::IntegerForm& form);

// A known name, or the path of a JSON file (anything with a '/' or ending in ".json").
Result<Target> loadTarget(const std::string& nameOrPath);
// Names of the embedded targets: cpu first, then by name.
std::vector<std::string> listTargets();
// Strict: unknown, missing and ill-typed keys are errors that name the key. `origin` is used in messages.
Result<Target> parseTarget(std::string_view json, const std::string& origin);

} // namespace burin
