#include "cli/command.h"

#include "lib/analyze/metrics.h"

#include <fmt/format.h>
#include <sstream>

namespace burin::cli {

namespace {
struct Flags {
  std::string reference, actual, tolerance = "0.99,0.9";
  std::vector<std::string> except;
  CommonFlags common;
};

using Tensors = std::map<std::string, std::vector<float>>;

bool isQuantParameter(const std::string& name) {
  return name.ends_with(":scale") || name.ends_with(":zero_point");
}

// Values as real numbers; raw integers are dequantised by their own scale and zero point.
Result<Tensors> realTensors(const std::string& path, std::vector<std::string>& order) {
  BURIN_ASSIGN(auto arrays, loadNpz(path));
  Tensors out;
  for (const NamedArray& a : arrays) {
    if (isQuantParameter(a.name)) continue;
    std::vector<float> values;
    BURIN_ASSIGN(Array wide,
                 convertTo(a.array, a.array.type == ElementType::F64 ? ElementType::F64 : ElementType::F32));
    if (wide.type == ElementType::F64)
      for (double v : wide.as<double>()) values.push_back(static_cast<float>(v));
    else
      values.assign(wide.as<float>().begin(), wide.as<float>().end());
    const Array *scale = findArray(arrays, a.name + ":scale"),
                *zero = findArray(arrays, a.name + ":zero_point");
    if (scale && zero && scale->type == ElementType::F32 && zero->type == ElementType::I32 &&
        scale->elementCount() == 1 && zero->elementCount() == 1)
      for (float& v : values) v = (v - static_cast<float>(zero->as<int32_t>()[0])) * scale->as<float>()[0];
    order.push_back(a.name);
    out[a.name] = std::move(values);
  }
  return out;
}

Status run(const Flags& f) {
  double minCosine = 0, minEuclid = 0;
  char comma = 0;
  std::stringstream stream(f.tolerance);
  if (!(stream >> minCosine >> comma >> minEuclid) || comma != ',' || !(stream >> std::ws).eof())
    return fail(ErrorCode::Usage, "--tolerance '" + f.tolerance + "' is not COSINE,EUCLID",
                "e.g. --tolerance 0.99,0.9");
  std::vector<std::string> order, ignored;
  BURIN_ASSIGN(Tensors reference, realTensors(f.reference, order));
  BURIN_ASSIGN(Tensors actual, realTensors(f.actual, ignored));
  Json list = Json::array();
  size_t failed = 0;
  for (const std::string& name : order) {
    auto it = actual.find(name);
    if (it == actual.end() || std::find(f.except.begin(), f.except.end(), name) != f.except.end()) continue;
    bool sameSize = it->second.size() == reference[name].size();
    Similarity s = sameSize ? similarity(reference[name], it->second) : Similarity{0, 0, -200, 0, 0};
    bool passed = sameSize && s.cosine >= minCosine && s.euclid >= minEuclid;
    failed += !passed;
    list.push_back({{"name", name},
                    {"cosine", s.cosine},
                    {"euclid", s.euclid},
                    {"sqnr_db", s.sqnrDb},
                    {"max_abs", s.maxAbs},
                    {"passed", passed}});
    if (!sameSize)
      list.back()["problem"] =
          fmt::format("{} elements instead of {}", it->second.size(), reference[name].size());
    if (!f.common.json && (f.common.verbose || !passed))
      fmt::print("{:<40} {} cosine {:.6f} euclid {:.6f} sqnr {:.2f} dB max {:.3g}\n", name,
                 passed ? "ok    " : "DIFFER", s.cosine, s.euclid, s.sqnrDb, s.maxAbs);
  }
  bool passed = failed == 0 && !list.empty();
  if (f.common.json)
    printJson(Json{{"tensors", list}, {"passed", passed}});
  else
    fmt::print("{} tensors compared, {} differ\n", list.size(), failed);
  if (list.empty())
    return fail(Error{ErrorCode::Failed,
                      f.actual,
                      {},
                      "no tensor name is in both files",
                      "compare the names with 'burin dump'"});
  if (failed)
    return fail(
        Error{ErrorCode::Failed,
              f.actual,
              {},
              fmt::format("{} of {} tensors are outside the tolerance {}", failed, list.size(), f.tolerance),
              {}});
  return {};
}
} // namespace

void addCompare(App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      app.cli.add_subcommand("compare", "two npz files tensor by tensor; exit 1 when they differ");
  command->add_option("reference", flags->reference, "npz, from 'burin run' or any other tool")->required();
  command->add_option("actual", flags->actual, "npz to judge; raw integers are dequantised")->required();
  command->add_option("--tolerance", flags->tolerance,
                      "least cosine and euclidean similarity (default 0.99,0.9)");
  command->add_option("--except", flags->except, "tensor names to leave out")->delimiter(',');
  flags->common.add(*command, false);
  command->callback([flags, &app] { finish(app, run(*flags)); });
}

} // namespace burin::cli
