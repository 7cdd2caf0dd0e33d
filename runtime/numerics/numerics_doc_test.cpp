// Runs the hand-worked vectors of docs/numerics.md, and keeps its labels and those quoted in code the same.
#include "runtime/kernels/lanes.h"
#include "runtime/numerics/elementwise_tflite.h"
#include "runtime/numerics/fixed_point.h"
#include "runtime/numerics/lut.h"
#include "runtime/numerics/normalize_tflite.h"
#include "runtime/numerics/pool.h"
#include "runtime/numerics/recurrent_tflite.h"
#include "runtime/numerics/registry.h"
#include "runtime/numerics/resize_tflite.h"
#include "runtime/numerics/softmax.h"
#include "runtime/numerics/table_tflite.h"
#include "runtime/numerics/weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace burin::rt {
namespace {

std::string readText(const std::string& path) {
  std::ifstream in(std::string(BURIN_SOURCE_DIR) + "/" + path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// One line of a vector table; cells by column name.
struct Row {
  std::string label;
  std::map<std::string, std::string> cells;

  std::string text(const char* column) const {
    const auto it = cells.find(column);
    EXPECT_NE(it, cells.end()) << label << " has no column " << column;
    return it == cells.end() ? "" : it->second;
  }
  double real(const char* column) const { return std::strtod(text(column).c_str(), nullptr); }
  float single(const char* column) const { return std::strtof(text(column).c_str(), nullptr); }
  int64_t integer(const char* column) const { return std::strtoll(text(column).c_str(), nullptr, 10); }
  int32_t int32(const char* column) const { return static_cast<int32_t>(integer(column)); }
  std::vector<float> list(const char* column) const {
    std::vector<float> values;
    std::stringstream cell(text(column));
    for (std::string item; std::getline(cell, item, ',');)
      values.push_back(std::strtof(item.c_str(), nullptr));
    return values;
  }
  template <class Enum>
  Enum named(const char* column) const {
    Enum value{};
    EXPECT_TRUE(parse(text(column), value)) << label << ": " << text(column);
    return value;
  }
  Rounding rounding() const { return named<Rounding>("rounding"); }
  RequantPolicy policy() const { return named<RequantPolicy>("policy"); }
  std::string describe() const {
    std::string line = "[" + label + "]";
    for (const auto& [name, value] : cells) line += " " + name + "=" + value;
    return line;
  }
};

std::vector<std::string> splitCells(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream in(line.substr(1));
  for (std::string cell; std::getline(in, cell, '|');) {
    const size_t first = cell.find_first_not_of(' '), last = cell.find_last_not_of(' ');
    cells.push_back(first == std::string::npos ? "" : cell.substr(first, last - first + 1));
  }
  return cells;
}

// The tables that follow a line beginning with "Vectors", by the label of their section.
std::vector<Row> readVectors() {
  std::vector<Row> rows;
  std::string label, line;
  std::vector<std::string> header;
  bool inVectors = false;
  std::stringstream in(readText("docs/numerics.md"));
  while (std::getline(in, line)) {
    std::smatch match;
    if (std::regex_search(line, match, std::regex(R"(^### \[([A-Z0-9-]+)\])"))) label = match[1];
    if (line.rfind("#", 0) == 0) inVectors = false;
    if (line.rfind("Vectors", 0) == 0) {
      inVectors = true;
      header.clear();
    }
    if (!inVectors || line.rfind("|", 0) != 0 || line.rfind("|-", 0) == 0) continue;
    const std::vector<std::string> cells = splitCells(line);
    if (header.empty()) {
      header = cells;
      continue;
    }
    Row row{label, {}};
    EXPECT_EQ(cells.size(), header.size()) << line;
    for (size_t i = 0; i < cells.size() && i < header.size(); ++i) row.cells[header[i]] = cells[i];
    rows.push_back(row);
  }
  return rows;
}

void checkModes(const Row& row, const std::function<int64_t(Rounding)>& round) {
  for (size_t i = 0; i < std::size(kRoundingNames); ++i)
    EXPECT_EQ(round(static_cast<Rounding>(i)), row.integer(kRoundingNames[i])) << kRoundingNames[i];
}

void checkRequant(const Row& row, RequantPolicy policy) {
  Requant r;
  r.policy = policy;
  if (policy == RequantPolicy::FloatHalfEven)
    r.scale = row.single("scale");
  else
    r.shift = row.int32("shift");
  if (row.cells.count("multiplier")) r.multiplier = row.int32("multiplier");
  EXPECT_EQ(requantize(row.int32("acc"), r, row.int32("zp"), row.int32("low"), row.int32("high")),
            row.integer("q"));
}

const char* statusName(EncodeStatus status) {
  constexpr const char* names[] = {"ok", "not_positive", "too_small", "too_large", "not_power_of_two"};
  return names[static_cast<int>(status)];
}

void checkEncoding(const Row& row) {
  Requant r;
  EXPECT_EQ(statusName(encodeRequant(row.policy(), row.real("scale"), r)), row.text("status"));
  if (row.text("status") != "ok") return;
  EXPECT_EQ(r.multiplier, row.integer("multiplier"));
  EXPECT_EQ(r.shift, row.integer("shift"));
}

void checkAdd(const Row& row, AddPolicy policy) {
  AddParameters p;
  ASSERT_EQ(encodeAdd(policy, row.single("s_a"), row.single("s_b"), row.single("s_out"), 8, p),
            EncodeStatus::Ok);
  p.subtract = row.text("op") == "sub";
  EXPECT_EQ(addQuantized(row.int32("a"), row.int32("b"), p), row.integer("q"));
}

void checkMultiply(const Row& row) {
  Requant r;
  const double scale = multiplyScale(row.policy(), row.single("s_a"), row.single("s_b"), row.single("s_out"));
  ASSERT_EQ(encodeRequant(row.policy(), scale, r), EncodeStatus::Ok);
  EXPECT_EQ(multiplyQuantized(row.int32("a"), row.int32("b"), 0, 0, r, 0, -128, 127), row.integer("q"));
}

void checkAverage(const Row& row) {
  Requant r;
  ASSERT_EQ(encodeAverage(row.policy(), row.single("s_in"), row.single("s_out"), row.int32("n"), r),
            EncodeStatus::Ok);
  EXPECT_EQ(requantize(row.int32("sum"), r, row.int32("zp_out"), -128, 127), row.integer("q"));
}

void checkRescale(const Row& row) {
  Requant r;
  ASSERT_EQ(encodeRescale(row.policy(), row.single("s_in"), row.single("s_out"), r), EncodeStatus::Ok);
  EXPECT_EQ(requantize(row.int32("q") - row.int32("zp_in"), r, row.int32("zp_out"), -128, 127),
            row.integer("r"));
}

void checkLut(const Row& row) {
  const std::string function = row.text("function");
  const auto f = [&](float x) {
    return function == "square" ? x * x : function == "reciprocal" ? 1 / x : NAN;
  };
  const Affine from{row.single("s_in"), row.int32("zp_in")}, to{row.single("s_out"), row.int32("zp_out")};
  uint8_t table[256];
  buildLut(f, from, true, to, -128, 127, Rounding::HalfEven, table);
  EXPECT_EQ(static_cast<int8_t>(table[static_cast<uint8_t>(row.integer("q"))]), row.integer("r"));
}

// A function of rows of T: (x, y, count).
template <class T, class Function>
void checkLine(const Row& row, const Function& f) {
  const std::vector<float> x = row.list("x"), expected = row.list("y");
  const std::vector<T> in(x.begin(), x.end());
  std::vector<T> out(in.size());
  f(in.data(), out.data(), static_cast<int64_t>(in.size()));
  for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], static_cast<int>(expected[i])) << i;
}

template <class T, class Parameters>
void checkSoftmax(const Row& row) {
  Parameters p;
  ASSERT_EQ(encodeSoftmax(row.real("beta"), row.single("s_in"), p), EncodeStatus::Ok);
  checkLine<T>(row, [&](const T* x, T* y, int64_t count) { softmaxTflite(x, 1, y, 1, count, p); });
}

void checkLogSoftmax(const Row& row) {
  SoftmaxParameters p;
  ASSERT_EQ(encodeSoftmax(row.real("beta"), row.single("s_in"), p), EncodeStatus::Ok);
  checkLine<int8_t>(
      row, [&](const int8_t* x, int8_t* y, int64_t count) { logSoftmaxTflite(x, 1, y, 1, count, p); });
}

template <class T>
void checkNormalize(const Row& row) {
  checkLine<T>(row, [&](const T* x, T* y, int64_t count) {
    l2NormalizeTflite(x, 1, y, 1, count, row.int32("zp_in"));
  });
}

void checkInverseRoot(const Row& row) {
  const fixed::Factor factor = fixed::inverseSquareRoot(row.int32("v"));
  EXPECT_EQ(factor.multiplier, row.integer("multiplier"));
  EXPECT_EQ(factor.shift, row.integer("shift"));
}

void checkComparison(const Row& row) {
  PairTflite p;
  ASSERT_EQ(encodeCompareTflite(row.single("s_a"), row.single("s_b"), p), EncodeStatus::Ok);
  EXPECT_EQ(comparedTflite(row.int32("a"), p.a), row.integer("compared_a"));
  EXPECT_EQ(comparedTflite(row.int32("b"), p.b), row.integer("compared_b"));
}

void checkPair(const Row& row, bool quotient) {
  PairTflite p;
  const auto encode = quotient ? encodeDivideTflite : encodeSquaredDifferenceTflite;
  ASSERT_EQ(encode(row.single("s_a"), row.single("s_b"), row.single("s_out"), p), EncodeStatus::Ok);
  const int32_t a = row.int32("a"), b = row.int32("b");
  EXPECT_EQ(saturate(quotient ? divideTflite(a, b, p) : squaredDifferenceTflite(a, b, p), -128, 127),
            row.integer("q"));
}

void checkProduct(const Row& row) {
  Requant r;
  ASSERT_EQ(encodeRequant(RequantPolicy::Tflite, row.real("f"), r), EncodeStatus::Ok);
  const std::vector<float> x = row.list("x");
  int32_t product = static_cast<int32_t>(x[0]);
  for (size_t i = 1; i < x.size(); ++i) product = productTflite(product, static_cast<int32_t>(x[i]), r);
  EXPECT_EQ(saturate(productTflite(product, 1, r), -128, 127), row.integer("q"));
}

void checkSumTflite(const Row& row) {
  Requant r;
  ASSERT_EQ(encodeRescale(RequantPolicy::Tflite, row.single("s_in"), row.single("s_out"), r),
            EncodeStatus::Ok);
  EXPECT_EQ(requantize(row.int32("sum"), r, row.int32("zp_out"), -128, 127), row.integer("q"));
}

void checkPieces(const Row& row) {
  constexpr int kCount = Pieces16::kCount;
  const float from = row.single("s_in"), to = row.single("s_out"), step = from * 65535 / kCount;
  float ends[kCount + 1], middles[kCount];
  for (int i = 0; i <= kCount; ++i) ends[i] = std::exp(from * INT16_MIN + static_cast<float>(i) * step);
  for (int i = 0; i < kCount; ++i)
    middles[i] = std::exp(from * INT16_MIN + (static_cast<float>(i) + 0.5f) * step);
  Pieces16 pieces;
  pieces.fill(ends, middles, 65536 / (to * 65535));
  EXPECT_EQ(pieces.at(row.int32("q")), row.integer("r"));
}

void checkSvdf(const Row& row) {
  Requant feature, unit;
  const float state = row.single("s_state");
  ASSERT_EQ(encodeRecurrent(row.single("s_x"), row.single("s_w"), state, feature), EncodeStatus::Ok);
  ASSERT_EQ(encodeRecurrent(state, row.single("s_time"), row.single("s_y"), unit), EncodeStatus::Ok);
  const std::vector<float> x = row.list("x"), w = row.list("w"), time = row.list("time");
  int32_t sum = 0;
  for (size_t i = 0; i < x.size(); ++i)
    sum += (static_cast<int32_t>(x[i]) - row.int32("zp_x")) * static_cast<int32_t>(w[i]);
  const int32_t fresh = requantize(sum, feature, 0, INT16_MIN, INT16_MAX);
  EXPECT_EQ(fresh, row.integer("feature"));
  sum = row.int32("bias") + row.int32("kept") * static_cast<int32_t>(time[0]) +
        fresh * static_cast<int32_t>(time[1]);
  EXPECT_EQ(requantize(sum, unit, 0, -128, 127), row.integer("y"));
}

void checkLstm(const Row& row) {
  LstmCell cell;
  ASSERT_TRUE(encodeLstmCell(row.single("s_c"), row.single("clip"), cell));
  EXPECT_EQ(cell.next(row.int32("c"), row.int32("f"), row.int32("i"), row.int32("g")), row.integer("next"));
}

TableScales scalesOf(const Row& row, int32_t low, int32_t high) {
  const auto zero = [&](const char* column) { return row.cells.count(column) ? row.int32(column) : 0; };
  return {{row.single("s_in"), zero("zp_in")}, {row.single("s_out"), zero("zp_out")}, low, high};
}

void checkTableTflite(const Row& row) {
  const std::string function = row.text("function");
  const TableScales s = scalesOf(row, -128, 127);
  const int32_t q = row.int32("q"), six = quantizeDivide(6, s.to, -128, 127, Rounding::HalfAway);
  const int32_t r = function == "relu"         ? clipTflite(q, 0, 127, s)
                    : function == "relu6"      ? clipTflite(q, 0, six, s)
                    : function == "leaky_relu" ? leakyReluTflite(q, row.single("parameter"), s)
                    : function == "sqrt"       ? rootTflite(q, s)
                    : function == "rsqrt"      ? inverseRootTflite(q, s)
                    : function == "abs" ? absoluteTflite(q, s)
                                        : preluTflite(q, row.int32("parameter"), row.single("unit"), s);
  EXPECT_EQ(r, row.integer("r"));
}

void checkResizeTflite(const Row& row) {
  const std::string name = row.text("grid");
  const ResizeGrid grid = name == "align_corners" ? ResizeGrid::AlignCorners
                          : name == "half_pixel"  ? ResizeGrid::HalfPixel
                                                  : ResizeGrid::Asymmetric;
  const std::vector<float> x = row.list("x"), y = row.list("y");
  const int64_t in = static_cast<int64_t>(x.size()), out = static_cast<int64_t>(y.size());
  const auto at = [&](int64_t i) { return x[static_cast<size_t>(i)]; };
  for (int64_t i = 0; i < out; ++i) {
    const auto n = resizeNeighboursInteger(grid, in, out, i);
    const auto f = resizeNeighboursFloat(grid, in, out, i);
    int got;
    if (row.text("type") == "i8") {
      const int8_t a = static_cast<int8_t>(at(n.low)), b = static_cast<int8_t>(at(n.high));
      got = resizeTflite({a, a, b, b}, 0, n.weight);
    } else {
      const uint8_t a = static_cast<uint8_t>(at(f.low)), b = static_cast<uint8_t>(at(f.high));
      got = resizeTflite({a, a, b, b}, 0.0f, f.weight);
    }
    EXPECT_EQ(got, y[static_cast<size_t>(i)]) << i;
  }
}

void checkMeanTflite(const Row& row) {
  Requant r;
  ASSERT_EQ(encodeAverage(RequantPolicy::Tflite, row.single("s_in"), row.single("s_out"), row.int32("n"), r),
            EncodeStatus::Ok);
  EXPECT_EQ(requantize(row.int32("sum"), r, row.int32("zp_out"), -128, 127), row.integer("q"));
}

void checkShiftWeights(const Row& row) {
  const int n =
      shiftForWeights(row.real("max_weight"), row.single("s_in"), row.single("s_out"), row.int32("limit"));
  EXPECT_EQ(n, row.integer("n"));
  const std::vector<float> bias = row.list("bias");
  EXPECT_EQ(lowerShiftForBias(n, bias.data(), static_cast<int64_t>(bias.size()), row.single("s_out")),
            row.integer("n_bias"));
}

void checkDot(const Row& row) {
  float acc = row.single("bias");
  const std::vector<float> x = row.list("x"), w = row.list("w");
  for (size_t i = 0; i < x.size(); ++i) acc = std::fma(x[i], w[i], acc);
  EXPECT_EQ(acc, row.single("y"));
}

void checkSum(const Row& row) {
  float lanes[16] = {};
  const std::vector<float> x = row.list("x");
  for (size_t i = 0; i < x.size(); ++i) lanes[i % 16] = SumLane::step(lanes[i % 16], x[i]);
  EXPECT_EQ(joinLanes<SumLane>(lanes), row.single("sum"));
}

void checkAsymmetric(const Row& row) {
  const IntegerForm form{row.int32("low"), row.int32("high"), 0};
  const Affine affine = asymmetricAffine(row.real("min"), row.real("max"), form);
  EXPECT_EQ(affine.scale, row.single("scale"));
  EXPECT_EQ(affine.zeroPoint, row.integer("zp"));
}

void checkQuantize(const Row& row, bool divide) {
  const Affine to{row.single("s"), row.int32("zp")};
  const auto quantize = divide ? quantizeDivide : quantizeMultiply;
  EXPECT_EQ(quantize(row.single("x"), to, row.int32("low"), row.int32("high"), row.rounding()),
            row.integer("q"));
}

void checkBiasBits(const Row& row) {
  const int bits = row.int32("bits"), dropped = droppedBiasBits(row.integer("largest"), bits);
  EXPECT_EQ(dropped, row.integer("dropped"));
  EXPECT_EQ(dropBiasBits(row.integer("bias"), dropped, bits), row.integer("kept"));
}

void checkTflite64(const Row& row) {
  Requant r;
  r.policy = RequantPolicy::Tflite;
  r.multiplier = row.int32("multiplier");
  r.shift = row.int32("shift");
  EXPECT_EQ(scaleAccumulator64(row.integer("acc"), r), row.integer("scaled"));
}

using Check = std::function<void(const Row&)>;

std::map<std::string, Check> roundingChecks() {
  return {
      {"ROUND",
       [](const Row& r) { checkModes(r, [&](Rounding m) { return roundToInteger(r.real("value"), m); }); }},
      {"ROUND-SHIFT",
       [](const Row& r) {
         checkModes(r, [&](Rounding m) { return shiftRight(r.integer("v"), r.int32("n"), m); });
       }},
      {"ROUND-DIVIDE",
       [](const Row& r) {
         checkModes(r, [&](Rounding m) { return divideRounded(r.integer("a"), r.integer("b"), m); });
       }},
      {"ROUND-FLOAT",
       [](const Row& r) {
         EXPECT_EQ(roundClamped(r.single("x"), r.int32("low"), r.int32("high")), r.integer("q"));
       }},
  };
}

std::map<std::string, Check> tensorChecks() {
  return {
      {"S-SYM",
       [](const Row& r) {
         EXPECT_EQ(symmetricAffine(r.real("threshold"), {-128, 127, r.real("divisor")}).scale,
                   r.single("scale"));
       }},
      {"S-ASYM", checkAsymmetric},
      {"Q-DIVIDE", [](const Row& r) { checkQuantize(r, true); }},
      {"Q-MULTIPLY", [](const Row& r) { checkQuantize(r, false); }},
      {"DQ",
       [](const Row& r) {
         EXPECT_EQ(dequantize(r.int32("q"), {r.single("s"), r.int32("zp")}), r.single("x"));
       }},
      {"W-MAX",
       [](const Row& r) {
         EXPECT_EQ(
             maxWeightScale(r.real("max_weight"), r.real("max_bias"), r.single("s_in"), r.real("divisor")),
             r.single("scale"));
       }},
      {"W-QSCALE",
       [](const Row& r) {
         EXPECT_FLOAT_EQ(static_cast<float>(qdmScale(r.real("max_weight"), r.real("max_bias"),
                                                     r.single("s_in"), r.single("s_out"), r.real("divisor"))),
                         r.single("m"));
       }},
      {"W-POW2", checkShiftWeights},
      {"W-Q",
       [](const Row& r) {
         EXPECT_EQ(
             quantizeWeight(r.real("w"), r.real("scale"), r.int32("low"), r.int32("high"), r.rounding()),
             r.integer("q"));
       }},
      {"B-Q",
       [](const Row& r) {
         EXPECT_EQ(quantizeBias(r.real("b"), r.real("scale"), r.rounding()), r.integer("q"));
       }},
      {"B-EFFECTIVE", checkBiasBits},
      {"B-FOLD",
       [](const Row& r) {
         EXPECT_EQ(foldZeroPoint(r.integer("bias"), r.int32("zp_in"), r.integer("sum_w")),
                   r.integer("folded"));
       }},
      {"ACC-WIDE",
       [](const Row& r) {
         EXPECT_EQ(needsWideAccumulator(r.integer("bias"), r.integer("largest"), r.integer("sum_w")),
                   r.integer("wide"));
       }},
  };
}

std::map<std::string, Check> requantChecks() {
  return {
      {"RQ-FLOAT", [](const Row& r) { checkRequant(r, RequantPolicy::FloatHalfEven); }},
      {"RQ-MULSHIFT", [](const Row& r) { checkRequant(r, RequantPolicy::MultiplierShiftHalfUp); }},
      {"RQ-MUL8", [](const Row& r) { checkRequant(r, RequantPolicy::Multiplier8HalfUp); }},
      {"RQ-SHIFT", [](const Row& r) { checkRequant(r, RequantPolicy::ShiftHalfUp); }},
      {"HIGHMUL", [](const Row& r) { EXPECT_EQ(highMultiply(r.int32("a"), r.int32("m")), r.integer("r")); }},
      {"RQ-QDM", [](const Row& r) { checkRequant(r, RequantPolicy::QdmHalfAway); }},
      {"RQ-TFLITE", [](const Row& r) { checkRequant(r, RequantPolicy::Tflite); }},
      {"RQ-TFLITE64", checkTflite64},
      {"RQ-MUL15", [](const Row& r) { checkRequant(r, RequantPolicy::Multiplier15HalfEven); }},
      {"RQ-WIDE",
       [](const Row& r) {
         EXPECT_EQ(multiplyShiftWide(r.integer("acc"), r.int32("multiplier"), r.int32("shift"), r.rounding()),
                   r.integer("scaled"));
       }},
      {"RQ-SEARCH", checkEncoding},
      {"RQ-Q31", checkEncoding},
      {"RQ-MUL15-ENC", checkEncoding},
  };
}

std::map<std::string, Check> opChecks() {
  return {
      {"ADD-FLOAT", [](const Row& r) { checkAdd(r, AddPolicy::FloatRatio); }},
      {"ADD-MUL8", [](const Row& r) { checkAdd(r, AddPolicy::Multiplier8HalfUp); }},
      {"ADD-SHARED8", [](const Row& r) { checkAdd(r, AddPolicy::SharedShift8HalfAway); }},
      {"ADD-TFLITE", [](const Row& r) { checkAdd(r, AddPolicy::Tflite); }},
      {"ADD-MUL15", [](const Row& r) { checkAdd(r, AddPolicy::Multiplier15HalfEven); }},
      {"MUL", checkMultiply},
      {"AVG-REQUANT", checkAverage},
      {"AVG-INTEGER",
       [](const Row& r) {
         EXPECT_EQ(averageInteger(r.int32("sum"), r.int32("n"), -128, 127), r.integer("q"));
       }},
      {"RS", checkRescale},
      {"MEAN-TFLITE", checkMeanTflite},
      {"RS-CONCAT",
       [](const Row& r) { EXPECT_EQ(joinedTflite(r.int32("q"), scalesOf(r, 0, 255)), r.integer("r")); }},
      {"RESIZE-TFLITE", checkResizeTflite},
      {"LUT-TFLITE", checkTableTflite},
      {"HARDSWISH-TFLITE",
       [](const Row& r) {
         EXPECT_EQ(hardSwishTflite(r.int32("q"), scalesOf(r, -128, 127)), r.integer("r"));
       }},
      {"LUT", checkLut},
      {"PIECES-TFLITE16", checkPieces},
      {"SIGMOID-TFLITE16",
       [](const Row& r) {
         Sigmoid16 sigmoid;
         ASSERT_TRUE(sigmoid.encode(r.single("s_in"), r.text("function") == "tanh"));
         EXPECT_EQ(sigmoid(r.int32("q")), r.integer("r"));
       }},
      {"SOFTMAX-TFLITE", checkSoftmax<int8_t, SoftmaxParameters>},
      {"SOFTMAX-TFLITE16", checkSoftmax<int16_t, Softmax16Parameters>},
      {"SVDF-TFLITE", checkSvdf},
      {"SIGMOID-Q3", [](const Row& r) { EXPECT_EQ(sigmoidQ3(r.int32("a")), r.integer("r")); }},
      {"TANH-Q", [](const Row& r) { EXPECT_EQ(tanhQ(r.int32("a"), r.int32("bits")), r.integer("r")); }},
      {"LSTM-TFLITE", checkLstm},
      {"LOGSOFTMAX-TFLITE", checkLogSoftmax},
      {"LOG-TFLITE", [](const Row& r) { EXPECT_EQ(fixed::logarithmQ12(r.int32("a")), r.integer("log")); }},
      {"ISQRT-TFLITE", checkInverseRoot},
      {"L2-TFLITE",
       [](const Row& r) { r.text("type") == "i8" ? checkNormalize<int8_t>(r) : checkNormalize<uint8_t>(r); }},
      {"COMPARE-TFLITE", checkComparison},
      {"SQDIFF-TFLITE", [](const Row& r) { checkPair(r, false); }},
      {"DIV-TFLITE", [](const Row& r) { checkPair(r, true); }},
      {"SUM-TFLITE", checkSumTflite},
      {"PROD-TFLITE", checkProduct},
      {"F-DOT", checkDot},
      {"F-REDUCE", checkSum},
  };
}

TEST(NumericsDoc, EveryVectorHolds) {
  std::map<std::string, Check> checks = roundingChecks();
  checks.merge(tensorChecks());
  checks.merge(requantChecks());
  checks.merge(opChecks());
  std::set<std::string> used;
  for (const Row& row : readVectors()) {
    SCOPED_TRACE(row.describe());
    ASSERT_TRUE(checks.count(row.label)) << "no check for the vectors of [" << row.label << "]";
    checks[row.label](row);
    used.insert(row.label);
  }
  for (const auto& [label, check] : checks)
    EXPECT_TRUE(used.count(label)) << "[" << label << "] has no vectors";
}

std::set<std::string> labelsIn(const std::string& text, const std::regex& pattern) {
  std::set<std::string> labels;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it)
    labels.insert((*it)[1]);
  return labels;
}

TEST(NumericsDoc, QuotedLabelsExist) {
  const std::regex anyLabel(R"(\[([A-Z][A-Z0-9]+(?:-[A-Z0-9]+)*|[A-Z]-[A-Z0-9]+)\])");
  const std::string page = readText("docs/numerics.md");
  const std::set<std::string> defined = labelsIn(page, std::regex(R"(### \[([A-Z0-9-]+)\])"));
  EXPECT_GT(defined.size(), 50u);
  for (const std::string& label : labelsIn(page, anyLabel)) EXPECT_TRUE(defined.count(label)) << label;
  for (const char* folder : {"/runtime/numerics", "/lib/target", "/schema"})
    for (const auto& file : std::filesystem::directory_iterator(std::string(BURIN_SOURCE_DIR) + folder)) {
      const std::string path = file.path().string().substr(std::string(BURIN_SOURCE_DIR).size() + 1);
      if (path.find("_test.cpp") != std::string::npos) continue;
      for (const std::string& label : labelsIn(readText(path), anyLabel))
        EXPECT_TRUE(defined.count(label)) << path << " quotes [" << label << "]";
    }
}

} // namespace
} // namespace burin::rt
