#include "lib/target/target.h"

#include "runtime/numerics/registry.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>
#include <sstream>

namespace burin {
namespace {

using Json = nlohmann::ordered_json;

std::string readText(const std::string& path) {
  std::ifstream in(std::string(BURIN_SOURCE_DIR) + "/" + path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

Json cpuJson() { return Json::parse(readText("targets/cpu.json")); }

// The message of a broken cpu target, or "" when it is accepted.
std::string errorOf(const Json& json) {
  const Result<Target> target = parseTarget(json.dump(), "mine.json");
  return target ? "" : target.error().text();
}

TEST(Target, EveryEmbeddedTargetLoads) {
  const std::vector<std::string> expected = {"cpu", "bm1684", "bm1684x", "cv183x",
                                             "t40", "tflite", "z1_0701"};
  EXPECT_EQ(listTargets(), expected);
  for (const std::string& name : listTargets()) {
    const Result<Target> target = loadTarget(name);
    ASSERT_TRUE(target) << target.error().text();
    EXPECT_EQ(target->name, name);
    for (OpClass opClass :
         {OpClass::Conv, OpClass::Depthwise, OpClass::MatMul, OpClass::Add, OpClass::Concat})
      EXPECT_TRUE(target->allows(opClass, Precision::Int8, target->defaultScheme))
          << name << ' ' << nameOf(opClass);
    EXPECT_TRUE(target->allows(OpClass::Other, target->floatFallback)) << name;
  }
}

TEST(Target, DefaultsOfTheCpu) {
  const Target target = *loadTarget("cpu");
  EXPECT_EQ(target.defaultScheme, Scheme::Asymmetric);
  EXPECT_TRUE(target.scheme(Scheme::Symmetric));
  EXPECT_EQ(target.arithmetic.requantize, rt::RequantPolicy::FloatHalfEven);
  EXPECT_TRUE(target.weights(OpClass::Conv)->perChannel);
  EXPECT_EQ(target.weights(OpClass::Conv)->form.low, -127);
  EXPECT_EQ(target.weights(OpClass::Add), nullptr);
  EXPECT_FALSE(target.hardware.peakInt8Tops.value);
  EXPECT_TRUE(target.allows(OpClass::Conv, Precision::Int16, Scheme::Asymmetric));
  EXPECT_FALSE(loadTarget("bm1684x")->has(Precision::Int16));
}

TEST(Target, ChipsDifferOnlyInData) {
  EXPECT_FALSE(loadTarget("bm1684x")->matmul.perChannel);
  EXPECT_TRUE(loadTarget("bm1684x")->conv.perChannel);
  EXPECT_FALSE(loadTarget("bm1684x")->allows(OpClass::Add, Precision::Int8, Scheme::Asymmetric));
  EXPECT_EQ(loadTarget("bm1684")->weightScaleRule, WeightScaleRule::OutputPowerOfTwo);
  EXPECT_EQ(loadTarget("bm1684")->bias.bits, 16);
  EXPECT_EQ(loadTarget("cv183x")->floatFallback, Precision::BF16);
  EXPECT_FALSE(loadTarget("z1_0701")->conv.perChannel);
  EXPECT_TRUE(loadTarget("z1_0701")->depthwise.perChannel);
  EXPECT_TRUE(loadTarget("z1_0701")->quantizedOutput);
  EXPECT_FALSE(loadTarget("t40")->scheme(Scheme::Asymmetric)->formFor(-1).isSigned());
  EXPECT_TRUE(loadTarget("tflite")->arithmetic.average.integerDivision);
  EXPECT_EQ(loadTarget("bm1684x")->hardware.peakInt8Tops.value, 32);
  EXPECT_TRUE(loadTarget("bm1684x")->scheme(Scheme::Symmetric)->formFor(-0.1).isSigned());
  EXPECT_FALSE(loadTarget("bm1684x")->scheme(Scheme::Symmetric)->formFor(0).isSigned());
}

TEST(Target, UnknownNameListsTheKnownOnes) {
  const Result<Target> target = loadTarget("bm1682");
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().code, ErrorCode::Usage);
  EXPECT_NE(target.error().text().find("bm1682"), std::string::npos);
  EXPECT_NE(target.error().text().find("cpu, bm1684, bm1684x"), std::string::npos);
}

TEST(Target, OwnFileByPath) {
  const std::string path = testing::TempDir() + "/own_chip.json";
  Json json = cpuJson();
  json["name"] = "own_chip";
  json["arithmetic"]["requantize"] = "tflite";
  std::ofstream(path) << json.dump();
  const Result<Target> target = loadTarget(path);
  ASSERT_TRUE(target) << target.error().text();
  EXPECT_EQ(target->name, "own_chip");
  EXPECT_EQ(target->arithmetic.requantize, rt::RequantPolicy::Tflite);
  std::remove(path.c_str());
  const Result<Target> missing = loadTarget(path);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().text().find("own_chip.json"), std::string::npos);
}

// Walks every key of the document: taking it away, or giving it a wrong type, names it in the error.
void breakEveryKey(const Json& whole, const Json::json_pointer& at, const std::string& path) {
  const Json object = whole[at];
  for (const auto& [key, value] : object.items()) {
    if (key == "$schema") continue;
    const std::string name = path.empty() ? key : path + "." + key;
    const Json::json_pointer pointer = at / key;
    const bool optional = path == "precisions" || path == "activations.schemes";
    if (!optional) {
      Json without = whole;
      without[at].erase(key);
      EXPECT_NE(errorOf(without).find(name + ": is missing"), std::string::npos)
          << name << ": " << errorOf(without);
    }
    Json wrong = whole;
    wrong[pointer] = Json::array({Json::object()});
    EXPECT_NE(errorOf(wrong).find(name), std::string::npos) << name << ": " << errorOf(wrong);
    Json unknown = whole;
    unknown[at]["surprise"] = 1;
    EXPECT_NE(errorOf(unknown).find("surprise"), std::string::npos) << name;
    if (value.is_object()) breakEveryKey(whole, pointer, name);
  }
}

TEST(Target, EveryKeyIsCheckedAndNamed) {
  ASSERT_EQ(errorOf(cpuJson()), "");
  breakEveryKey(cpuJson(), Json::json_pointer(), "");
}

TEST(Target, ContradictionsAreErrors) {
  Json json = cpuJson();
  json["activations"]["schemes"].erase("asymmetric");
  EXPECT_NE(errorOf(json).find("activations.default_scheme"), std::string::npos);
  json = cpuJson();
  json["bias"]["overflow"] = "lower_shift";
  EXPECT_NE(errorOf(json).find("bias.overflow"), std::string::npos);
  json = cpuJson();
  json["arithmetic"]["requantize"] = "shift_half_up";
  EXPECT_NE(errorOf(json).find("arithmetic.requantize"), std::string::npos);
  json = cpuJson();
  json["float_fallback"] = "int8";
  EXPECT_NE(errorOf(json).find("float_fallback"), std::string::npos);
  json = cpuJson();
  json["precisions"]["f32"] = Json::array({"conv"});
  EXPECT_NE(errorOf(json).find("float_fallback"), std::string::npos);
  json = cpuJson();
  json["activations"]["schemes"]["asymmetric"]["signed"]["divisor"] = 127;
  EXPECT_NE(errorOf(json).find("divisor"), std::string::npos);
  json = cpuJson();
  json["schema_version"] = 2;
  EXPECT_NE(errorOf(json).find("schema_version"), std::string::npos);
  json = cpuJson();
  json["schema_version"] = 1e300;
  EXPECT_NE(errorOf(json).find("schema_version"), std::string::npos);
}

TEST(Target, HostileTextIsAnError) {
  for (const char* text : {"", "{", "[]", "null", "\"cpu\"", "{\"name\": 1}", "{\"\\u0000\": 1}"})
    EXPECT_FALSE(parseTarget(text, "mine.json")) << text;
  const std::string good = readText("targets/cpu.json");
  for (size_t length = 0; length + 2 < good.size(); length += 7)
    EXPECT_FALSE(parseTarget(std::string_view(good).substr(0, length), "mine.json"));
  EXPECT_FALSE(parseTarget(std::string(100000, '['), "mine.json"));
  Json json = cpuJson();
  json["precisions"]["int8"] = Json::array({std::string("\xff\xfe")});
  EXPECT_FALSE(parseTarget("{\"precisions\": {\"int8\": [\"\xff\"]}}", "mine.json"));
}

template <size_t N>
Json namesOf(const char* const (&names)[N]) {
  return Json(std::vector<std::string>(std::begin(names), std::end(names)));
}

TEST(Schema, NamesAreThoseOfTheRegistry) {
  const Json schema = Json::parse(readText("schema/target.schema.json"));
  EXPECT_EQ(schema["$defs"]["rounding"]["enum"], namesOf(rt::kRoundingNames));
  EXPECT_EQ(schema["$defs"]["requantPolicy"]["enum"], namesOf(rt::kRequantPolicyNames));
  EXPECT_EQ(schema["properties"]["arithmetic"]["properties"]["add"]["enum"], namesOf(rt::kAddPolicyNames));
  Json average = namesOf(rt::kRequantPolicyNames);
  average.push_back("integer_half_away");
  EXPECT_EQ(schema["properties"]["arithmetic"]["properties"]["average"]["enum"], average);
  Json classes = Json::array();
  for (size_t i = 0; i < kOpClassCount; ++i) classes.push_back(nameOf(static_cast<OpClass>(i)));
  EXPECT_EQ(schema["$defs"]["opClass"]["enum"], classes);
  Json hardware = Json::array();
  for (const HardwareField& field : kHardwareFields) hardware.push_back(field.key);
  EXPECT_EQ(schema["properties"]["hardware"]["required"], hardware);
}

} // namespace
} // namespace burin
