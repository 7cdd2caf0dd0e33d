#include "lib/target/json_reader.h"
#include "lib/target/target.h"
#include "runtime/numerics/registry.h"

namespace burin {

namespace {

template <class Enum>
Enum readName(const JsonReader& reader, const char* key) {
  return reader.named<Enum>(key, [](std::string_view name, Enum& value) {
    using burin::parse; // the targets' own names
    using rt::parse;    // the arithmetic's
    return parse(name, value);
  });
}

OpClassSet readOpClasses(const JsonReader& reader, const char* key, bool allAllowed) {
  const Json& value = reader.require(key);
  OpClassSet set;
  if (allAllowed && value == "all") return set.set();
  if (!value.is_array()) {
    reader.report(key, allAllowed ? "must be \"all\" or an array of op classes"
                                  : "must be an array of op classes");
    return set;
  }
  for (const Json& item : value) {
    OpClass opClass{};
    if (item.is_string() && burin::parse(item.get<std::string>(), opClass))
      set.set(static_cast<size_t>(opClass));
    else
      reader.report(key, "has no op class " + item.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  return set;
}

rt::IntegerForm readForm(const JsonReader& form, bool isSigned, bool symmetric) {
  rt::IntegerForm result;
  result.low = static_cast<int32_t>(form.integer("low", isSigned ? -32768 : 0, isSigned ? -1 : 0));
  result.high = static_cast<int32_t>(form.integer("high", 1, isSigned ? 32767 : 65535));
  if (symmetric)
    result.divisor = form.number("divisor", 1, 65535);
  else if (form.find("divisor"))
    form.report("divisor", "has no meaning in an asymmetric scheme");
  return result;
}

std::optional<rt::IntegerForm> readOptionalForm(const JsonReader& scheme, const char* key, bool isSigned,
                                                bool symmetric) {
  if (scheme.require(key).is_null()) return std::nullopt;
  return readForm(scheme.object(key, {"low", "high", "divisor"}), isSigned, symmetric);
}

ActivationScheme readScheme(const JsonReader& scheme, bool symmetric) {
  ActivationScheme result;
  result.signedForm = readOptionalForm(scheme, "signed", true, symmetric);
  result.unsignedForm = readOptionalForm(scheme, "unsigned", false, symmetric);
  result.floatOpClasses = readOpClasses(scheme, "float_op_classes", false);
  if (!result.signedForm && !result.unsignedForm)
    scheme.report("signed", "and \"unsigned\" cannot both be null");
  return result;
}

void readActivations(const JsonReader& root, Target& target) {
  const JsonReader reader =
      root.object("activations", {"default_scheme", "schemes", "quantize", "rounding", "channel_scales"});
  const JsonReader schemes = reader.object("schemes", {"symmetric", "asymmetric"});
  for (Scheme scheme : {Scheme::Symmetric, Scheme::Asymmetric})
    if (schemes.find(nameOf(scheme)))
      target.schemes[static_cast<size_t>(scheme)] =
          readScheme(schemes.object(nameOf(scheme), {"signed", "unsigned", "float_op_classes"}),
                     scheme == Scheme::Symmetric);
  target.defaultScheme = readName<Scheme>(reader, "default_scheme");
  if (!target.scheme(target.defaultScheme)) reader.report("default_scheme", "is not among the schemes");
  target.inputQuantize = readName<InputQuantize>(reader, "quantize");
  target.activationRounding = readName<rt::Rounding>(reader, "rounding");
  target.channelScales = readName<ChannelScales>(reader, "channel_scales");
}

WeightForm readWeightForm(const JsonReader& weights, const char* key) {
  const JsonReader reader = weights.object(key, {"low", "high", "divisor", "granularity"});
  WeightForm result;
  result.form.low = static_cast<int32_t>(reader.integer("low", -32768, 0));
  result.form.high = static_cast<int32_t>(reader.integer("high", 1, 32767));
  result.form.divisor = reader.number("divisor", 1, 65535);
  const std::string granularity = reader.text("granularity");
  result.perChannel = granularity == "per_channel";
  if (!result.perChannel && granularity != "per_tensor")
    reader.report("granularity", "has no value \"" + granularity + "\"");
  return result;
}

void readWeights(const JsonReader& root, Target& target) {
  const JsonReader reader =
      root.object("weights", {"scale_rule", "rounding", "conv", "depthwise", "deconv", "matmul"});
  target.weightScaleRule = readName<WeightScaleRule>(reader, "scale_rule");
  target.weightRounding = readName<rt::Rounding>(reader, "rounding");
  target.conv = readWeightForm(reader, "conv");
  target.depthwise = readWeightForm(reader, "depthwise");
  target.deconv = readWeightForm(reader, "deconv");
  target.matmul = readWeightForm(reader, "matmul");
}

void readBias(const JsonReader& root, Target& target) {
  const JsonReader reader = root.object("bias", {"bits", "effective_bits", "rounding", "overflow"});
  BiasForm& bias = target.bias;
  bias.bits = static_cast<int>(reader.integer("bits", 16, 32));
  if (bias.bits != 16 && bias.bits != 32) reader.report("bits", "must be 16 or 32");
  bias.effectiveBits = static_cast<int>(reader.integer("effective_bits", 8, 32));
  bias.rounding = readName<rt::Rounding>(reader, "rounding");
  bias.overflow = readName<BiasOverflow>(reader, "overflow");
  // Only a shift can be lowered, and only a weight scale of one's own can be raised.
  const bool shiftOnly = target.weightScaleRule == WeightScaleRule::OutputPowerOfTwo;
  if (bias.overflow != BiasOverflow::Saturate && (bias.overflow == BiasOverflow::LowerShift) != shiftOnly)
    reader.report("overflow", "does not go with weights.scale_rule");
}

void readArithmetic(const JsonReader& root, Target& target) {
  const JsonReader reader = root.object("arithmetic", {"requantize", "rescale", "add", "multiply", "average",
                                                       "softmax", "resize", "recurrent", "functions"});
  Arithmetic& arithmetic = target.arithmetic;
  arithmetic.requantize = readName<rt::RequantPolicy>(reader, "requantize");
  arithmetic.rescale = readName<rt::RequantPolicy>(reader, "rescale");
  arithmetic.add = readName<rt::AddPolicy>(reader, "add");
  arithmetic.multiply = readName<rt::RequantPolicy>(reader, "multiply");
  arithmetic.average = readName<rt::AverageRule>(reader, "average");
  arithmetic.softmax = readName<FunctionRule>(reader, "softmax");
  arithmetic.resize = readName<FunctionRule>(reader, "resize");
  arithmetic.recurrent = readName<FunctionRule>(reader, "recurrent");
  arithmetic.functions = readName<FunctionRule>(reader, "functions");
  const bool shiftOnly = arithmetic.requantize == rt::RequantPolicy::ShiftHalfUp;
  if (shiftOnly != (target.weightScaleRule == WeightScaleRule::OutputPowerOfTwo))
    reader.report("requantize", "shift_half_up and weights.scale_rule output_power_of_two need each other");
}

void readLut(const JsonReader& root, Target& target) {
  const JsonReader reader = root.object("lut", {"entries", "rounding", "functions"});
  target.lut.entries = static_cast<int>(reader.integer("entries", 256, 256));
  target.lut.rounding = readName<rt::Rounding>(reader, "rounding");
  const Json& functions = reader.require("functions");
  if (functions == "all") return;
  if (!functions.is_array()) return reader.report("functions", "must be \"all\" or an array of names");
  target.lut.functions.emplace();
  for (const Json& function : functions) {
    if (!function.is_string()) return reader.report("functions", "must hold strings");
    target.lut.functions->push_back(function.get<std::string>());
  }
}

void readPrecisions(const JsonReader& root, Target& target) {
  const JsonReader reader = root.object("precisions", {"f32", "f16", "bf16", "int8", "int16"});
  for (size_t i = 0; i < kPrecisionCount; ++i) {
    const char* name = nameOf(static_cast<Precision>(i));
    if (reader.find(name)) target.precisions[i] = readOpClasses(reader, name, true);
  }
  target.floatFallback = readName<Precision>(root, "float_fallback");
  // What int8 cannot do has to be possible in the fallback, whatever the op.
  if (target.floatFallback == Precision::Int8 ||
      !target.precisions[static_cast<size_t>(target.floatFallback)].all())
    root.report("float_fallback", "must be a float precision that is allowed for \"all\" op classes");
  const std::string output = root.text("output");
  target.quantizedOutput = output == "int8";
  if (!target.quantizedOutput && output != "f32") root.report("output", "has no value \"" + output + "\"");
}

void readHardware(const JsonReader& root, Target& target) {
  const JsonReader reader =
      root.object("hardware", {"cores", "peak_int8_tops", "peak_f16_tflops", "peak_f32_tflops", "clock_mhz",
                               "lanes", "lane_bytes", "local_memory_bytes_per_lane", "local_memory_banks",
                               "shared_memory_bytes", "ddr_gb_per_s"});
  for (const HardwareField& field : kHardwareFields) {
    const JsonReader entry = reader.object(field.key, {"value", "source"});
    HardwareNumber& number = target.hardware.*field.member;
    if (!entry.require("value").is_null()) number.value = entry.number("value", 0, 1e15);
    number.source = entry.text("source");
    if (number.source.empty()) entry.report("source", "must say where the number comes from");
  }
}

void readHead(const JsonReader& root, Target& target) {
  root.integer("schema_version", 1, 1);
  target.name = root.text("name");
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_";
  if (target.name.empty() || target.name.find_first_not_of(allowed) != std::string::npos)
    root.report("name", "must consist of a-z, 0-9 and _");
  target.vendor = root.text("vendor");
  target.description = root.text("description");
}

} // namespace

Result<Target> parseTarget(std::string_view json, const std::string& origin) {
  const Json document = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return fail(Error{ErrorCode::Input, origin, {}, "is not valid JSON", {}});
  std::optional<Error> error;
  const JsonReader root(error, document, "",
                        {"$schema", "schema_version", "name", "vendor", "description", "activations",
                         "weights", "bias", "arithmetic", "lut", "precisions", "float_fallback", "output",
                         "hardware"});
  Target target;
  readHead(root, target);
  readActivations(root, target);
  readWeights(root, target);
  readBias(root, target);
  readArithmetic(root, target);
  readLut(root, target);
  readPrecisions(root, target);
  readHardware(root, target);
  if (error) return fail(inFile(*error, origin));
  return target;
}

} // namespace burin
