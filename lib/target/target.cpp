#include "lib/target/target.h"

#include "lib/target/embedded_targets.h"
#include "runtime/numerics/registry.h"

#include <algorithm>
#include <cstdio>
#include <memory>

namespace burin {

namespace {

constexpr const char* kOpClassNames[] = {
    "conv",    "depthwise", "deconv",  "matmul",   "matmul_act_act", "add",         "sub",     "mul",
    "min_max", "concat",    "avgpool", "maxpool",  "resize",         "reduce_mean", "softmax", "layernorm",
    "lut",     "relu",      "pad",     "movement", "recurrent",      "other"};
constexpr const char* kPrecisionNames[] = {"f32", "f16", "bf16", "int8", "int16"};
constexpr const char* kSchemeNames[] = {"symmetric", "asymmetric"};
constexpr const char* kWeightScaleRuleNames[] = {"max", "output_power_of_two", "output_qscale"};
constexpr const char* kBiasOverflowNames[] = {"raise_scale", "lower_shift", "saturate"};
constexpr const char* kInputQuantizeNames[] = {"divide", "multiply"};
constexpr const char* kChannelScalesNames[] = {"none", "convolutions", "functions"};
constexpr const char* kFunctionRuleNames[] = {"float", "tflite"};
static_assert(std::size(kOpClassNames) == kOpClassCount && std::size(kPrecisionNames) == kPrecisionCount);

Result<std::string> readFile(const std::string& path) {
  constexpr size_t kLimit = 1 << 20; // a target is a few kilobytes
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) return fail(Error{ErrorCode::Input, path, {}, "cannot open the target file", "check the path"});
  std::string text(kLimit + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()))
    return fail(Error{ErrorCode::Input, path, {}, "cannot read the target file", {}});
  if (text.size() > kLimit)
    return fail(Error{ErrorCode::Input, path, {}, "is too large for a target file", {}});
  return text;
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

} // namespace

// The name tables in the order of their enums.
#define BURIN_NAMES(Enum)                                                                                    \
  const char* nameOf(Enum value) { return k##Enum##Names[static_cast<size_t>(value)]; }                      \
  bool parse(std::string_view name, Enum& value) { return rt::parseName(k##Enum##Names, name, value); }
BURIN_NAMES(OpClass)
BURIN_NAMES(Precision)
BURIN_NAMES(Scheme)
BURIN_NAMES(WeightScaleRule)
BURIN_NAMES(BiasOverflow)
BURIN_NAMES(InputQuantize)
BURIN_NAMES(ChannelScales)
BURIN_NAMES(FunctionRule)
#undef BURIN_NAMES

const std::array<HardwareField, 11> kHardwareFields = {{
    {"cores", &Hardware::cores},
    {"peak_int8_tops", &Hardware::peakInt8Tops},
    {"peak_f16_tflops", &Hardware::peakF16Tflops},
    {"peak_f32_tflops", &Hardware::peakF32Tflops},
    {"clock_mhz", &Hardware::clockMhz},
    {"lanes", &Hardware::lanes},
    {"lane_bytes", &Hardware::laneBytes},
    {"local_memory_bytes_per_lane", &Hardware::localMemoryBytesPerLane},
    {"local_memory_banks", &Hardware::localMemoryBanks},
    {"shared_memory_bytes", &Hardware::sharedMemoryBytes},
    {"ddr_gb_per_s", &Hardware::ddrGbPerS},
}};

const rt::IntegerForm& ActivationScheme::formFor(double min) const {
  const bool useUnsigned = unsignedForm && (!signedForm || min >= 0);
  return useUnsigned ? *unsignedForm : *signedForm;
}

bool LutForm::has(std::string_view function) const {
  return !functions || std::find(functions->begin(), functions->end(), function) != functions->end();
}

const ActivationScheme* Target::scheme(Scheme wanted) const {
  const auto& found = schemes[static_cast<size_t>(wanted)];
  return found ? &*found : nullptr;
}

bool Target::allows(OpClass opClass, Precision precision) const {
  return precisions[static_cast<size_t>(precision)].test(static_cast<size_t>(opClass));
}

bool Target::allows(OpClass opClass, Precision precision, Scheme wanted) const {
  if (!allows(opClass, precision)) return false;
  const ActivationScheme* found = scheme(wanted);
  return !isInteger(precision) || (found && !found->floatOpClasses.test(static_cast<size_t>(opClass)));
}

const WeightForm* Target::weights(OpClass opClass) const {
  switch (opClass) {
  case OpClass::Conv:
    return &conv;
  case OpClass::Depthwise:
    return &depthwise;
  case OpClass::Deconv:
    return &deconv;
  case OpClass::MatMul:
  case OpClass::Recurrent:
    return &matmul;
  default:
    return nullptr;
  }
}

std::vector<std::string> listTargets() {
  std::vector<std::string> names;
  for (size_t i = 0; i < kEmbeddedTargetCount; ++i) names.emplace_back(kEmbeddedTargets[i].name);
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return std::pair(a != "cpu", a) < std::pair(b != "cpu", b);
  });
  return names;
}

int32_t quantizeFor(const Target& target, float value, const rt::Affine& to, const rt::IntegerForm& form) {
  const auto rule =
      target.inputQuantize == InputQuantize::Multiply ? rt::quantizeMultiply : rt::quantizeDivide;
  return rule(value, to, form.low, form.high, target.activationRounding);
}

Result<Target> loadTarget(const std::string& nameOrPath) {
  for (size_t i = 0; i < kEmbeddedTargetCount; ++i)
    if (nameOrPath == kEmbeddedTargets[i].name) return parseTarget(kEmbeddedTargets[i].json, nameOrPath);
  const bool isPath = nameOrPath.find('/') != std::string::npos || nameOrPath.ends_with(".json");
  if (!isPath)
    return fail(ErrorCode::Usage, "unknown target \"" + nameOrPath + "\"",
                "known targets are " + join(listTargets()) +
                    "; a JSON file of your own is given by its path");
  BURIN_ASSIGN(const std::string text, readFile(nameOrPath));
  return parseTarget(text, nameOrPath);
}

} // namespace burin
