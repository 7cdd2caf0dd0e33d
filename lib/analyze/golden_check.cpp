#include "lib/analyze/golden_check.h"

#include "lib/analyze/metrics.h"

#include <cmath>

namespace burin {

namespace {
std::vector<float> asFloats(const Array& array) {
  auto converted = convertTo(array, ElementType::F32);
  if (!converted) return {};
  auto span = converted->as<float>();
  return {span.begin(), span.end()};
}
} // namespace

Result<GoldenFile> GoldenFile::load(const std::string& path) {
  GoldenFile golden;
  BURIN_ASSIGN(auto arrays, loadNpz(path));
  for (NamedArray& a : arrays) golden.arrays_[a.name] = std::move(a.array);
  if (golden.arrays_.count("names") && golden.arrays_.count("stats")) BURIN_CHECK(golden.readSummaries(path));
  return golden;
}

Status GoldenFile::readSummaries(const std::string& path) {
  auto bad = [&](const std::string& what) {
    return fail(Error{ErrorCode::Input, path, {}, "summary of tensors is damaged: " + what, {}});
  };
  for (const char* key : {"head", "count", "shape"})
    if (!arrays_.count(key)) return bad(std::string("no '") + key + "'");
  const Array &names = arrays_["names"], &stats = arrays_["stats"], &head = arrays_["head"],
              &count = arrays_["count"], &shape = arrays_["shape"];
  std::vector<std::string> list(1);
  for (uint8_t byte : names.bytes)
    if (byte == '\n')
      list.emplace_back();
    else
      list.back() += static_cast<char>(byte);
  if (list.back().empty()) list.pop_back();
  size_t n = list.size();
  auto is = [n](const Array& a, ElementType type, size_t width) {
    return a.type == type && a.bytes.size() == n * width * elementBytes(type);
  };
  if (stats.shape.size() != 2 || head.shape.size() != 2 || shape.shape.size() != 2 ||
      !is(stats, ElementType::F64, 4) || !is(head, ElementType::F32, static_cast<size_t>(head.shape[1])) ||
      !is(count, ElementType::I64, 1) || !is(shape, ElementType::I64, static_cast<size_t>(shape.shape[1])))
    return bad("its arrays do not fit each other");
  for (size_t i = 0; i < n; ++i) {
    Summary& s = summaries_[list[i]];
    s.count = count.as<int64_t>()[i];
    for (int64_t d : shape.as<int64_t>().subspan(i * static_cast<size_t>(shape.shape[1]),
                                                 static_cast<size_t>(shape.shape[1])))
      if (d >= 0) s.shape.push_back(d);
    auto heads =
        head.as<float>().subspan(i * static_cast<size_t>(head.shape[1]), static_cast<size_t>(head.shape[1]));
    s.head.assign(heads.begin(), heads.end());
    const double* row = stats.as<double>().data() + 4 * i;
    s.min = row[0], s.max = row[1], s.mean = row[2], s.deviation = row[3];
  }
  for (const char* key : {"names", "stats", "head", "count", "shape"}) arrays_.erase(key);
  return {};
}

const Array* GoldenFile::array(const std::string& name) const {
  auto it = arrays_.find(name);
  return it == arrays_.end() ? nullptr : &it->second;
}

bool GoldenFile::has(const std::string& name) const { return arrays_.count(name) || summaries_.count(name); }

TensorCheck GoldenFile::check(const std::string& name, const Dims& shape, std::span<const float> values,
                              const GoldenOptions& options) const {
  TensorCheck result;
  if (const Array* stored = array(name)) {
    std::vector<float> reference = asFloats(*stored);
    if (reference.size() != values.size() || stored->shape != shape) {
      result.problem = "shape " + dimsText(shape) + " instead of " + dimsText(stored->shape);
    } else {
      Similarity s = similarity(reference, values);
      result.cosine = s.cosine;
      result.rangeError = s.rangeError;
    }
  } else {
    result = checkSummary(summaries_.at(name), shape, values, options);
  }
  result.name = name;
  result.passed = result.problem.empty() && result.cosine >= options.minCosine &&
                  result.rangeError <= options.maxRangeError;
  return result;
}

TensorCheck GoldenFile::checkSummary(const Summary& s, const Dims& shape, std::span<const float> values,
                                     const GoldenOptions&) const {
  TensorCheck result;
  if (shape != s.shape || s.count != static_cast<int64_t>(values.size())) {
    result.problem = "shape " + dimsText(shape) + " instead of " + dimsText(s.shape);
    return result;
  }
  double sum = 0, squares = 0, worst = 0;
  for (float v : values) sum += v;
  double mean = values.empty() ? 0 : sum / static_cast<double>(values.size());
  for (float v : values) squares += (v - mean) * (v - mean);
  double deviation = values.empty() ? 0 : std::sqrt(squares / static_cast<double>(values.size()));
  for (size_t i = 0; i < std::min(values.size(), s.head.size()); ++i)
    if (!std::isnan(s.head[i]))
      worst = std::max(worst, std::fabs(static_cast<double>(values[i]) - s.head[i]));
  worst = std::max({worst, std::fabs(mean - s.mean), std::fabs(deviation - s.deviation)});
  double range = s.max > s.min ? s.max - s.min : std::max(std::fabs(s.max), 1e-30);
  result.rangeError = worst / range;
  return result;
}

} // namespace burin
