#include "lib/quantize/plan.h"

#include "runtime/ops/integer_rows.h"

#include <nlohmann/json.hpp>

namespace burin::quantize {

using Json = nlohmann::ordered_json;

namespace {
constexpr int kSchemaVersion = 1;

tl::unexpected<Error> badPlan(const std::string& path, const std::string& what) {
  return fail(Error{ErrorCode::Input,
                    path,
                    {},
                    "not a valid quant plan: " + what,
                    "write one with 'burin compile --save-plan'"});
}

Json opJson(const OpPlan& op) {
  Json j = {{"name", op.name}, {"type", op.type}, {"precision", nameOf(op.precision)}};
  if (op.floatResult) j["float_result"] = true;
  j["source"] = op.source;
  if (!op.reason.empty()) j["reason"] = op.reason;
  if (!op.biasCorrection.empty()) j["bias_correction"] = op.biasCorrection;
  return j;
}

bool readLocked(const Json& from, TensorPlan& t) {
  if (!from.is_object() || !from.contains("scale") || !from["scale"].is_number() ||
      !from.contains("zero_point") || !from["zero_point"].is_number_integer() || !from.contains("dtype") ||
      !from["dtype"].is_string())
    return false;
  LockedScale lock{from["scale"].get<float>(), 0, rt::DType::I8};
  if (!rt::parseDType(from["dtype"].get<std::string>(), lock.dtype) || !mayBeLocked(lock.dtype)) return false;
  const int64_t zero = from["zero_point"].get<int64_t>();
  const rt::StoredRange range = rt::storedRange(lock.dtype);
  lock.zeroPoint = static_cast<int32_t>(zero);
  t.locked = lock;
  return lock.scale > 0 && std::isfinite(lock.scale) && zero >= range.low && zero <= range.high;
}
} // namespace

const OpPlan* QuantPlan::op(const std::string& name) const {
  auto it = opIndex_.find(name);
  return it == opIndex_.end() ? nullptr : &ops[it->second];
}
const TensorPlan* QuantPlan::tensor(const std::string& name) const {
  auto it = tensorIndex_.find(name);
  return it == tensorIndex_.end() ? nullptr : &tensors[it->second];
}
void QuantPlan::setBiasCorrection(const std::string& name, std::vector<double> correction) {
  if (auto it = opIndex_.find(name); it != opIndex_.end())
    ops[it->second].biasCorrection = std::move(correction);
}
void QuantPlan::index() {
  opIndex_.clear();
  tensorIndex_.clear();
  for (size_t i = 0; i < ops.size(); ++i) opIndex_[ops[i].name] = i;
  for (size_t i = 0; i < tensors.size(); ++i) tensorIndex_[tensors[i].name] = i;
}

std::string toJson(const QuantPlan& plan) {
  Json j = {{"schema_version", kSchemaVersion},
            {"graph", plan.graphHash},
            {"target", plan.target},
            {"scheme", plan.scheme},
            {"method", plan.method},
            {"ops", Json::array()},
            {"tensors", Json::array()}};
  for (const OpPlan& op : plan.ops) j["ops"].push_back(opJson(op));
  for (const TensorPlan& t : plan.tensors) {
    j["tensors"].push_back(
        {{"name", t.name}, {"threshold", t.threshold}, {"min", t.min}, {"max", t.max}, {"source", t.source}});
    if (!t.channels.empty()) j["tensors"].back()["channels"] = t.channels;
    if (t.locked)
      j["tensors"].back()["locked"] = {{"scale", t.locked->scale},
                                       {"zero_point", t.locked->zeroPoint},
                                       {"dtype", rt::dtypeName(t.locked->dtype)}};
  }
  return j.dump(1, ' ', false, Json::error_handler_t::replace) + "\n"; // a name need not be UTF-8
}

Result<QuantPlan> planFromJson(const std::string& text, const std::string& path) {
  Json j = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!j.is_object()) return badPlan(path, "no JSON object");
  auto string = [](const Json& from, const char* key) {
    auto it = from.find(key);
    return it != from.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  auto number = [](const Json& from, const char* key, double& out) {
    auto it = from.find(key);
    if (it == from.end() || !it->is_number()) return false;
    out = it->get<double>();
    return std::isfinite(out);
  };
  double version = 0;
  if (!number(j, "schema_version", version) || version != kSchemaVersion)
    return badPlan(path, "schema_version is not 1");
  QuantPlan plan;
  plan.graphHash = string(j, "graph");
  plan.target = string(j, "target");
  plan.scheme = string(j, "scheme");
  plan.method = string(j, "method");
  if (!j.contains("ops") || !j["ops"].is_array() || !j.contains("tensors") || !j["tensors"].is_array())
    return badPlan(path, "'ops' and 'tensors' must be arrays");
  for (const Json& o : j["ops"]) {
    OpPlan op;
    if (!o.is_object()) return badPlan(path, "an op is no object");
    op.name = string(o, "name");
    op.type = string(o, "type");
    op.source = string(o, "source");
    op.reason = string(o, "reason");
    op.floatResult = o.value("float_result", Json(false)) == Json(true);
    if (op.name.empty() || !parse(string(o, "precision"), op.precision))
      return badPlan(path, "op '" + op.name + "' has no name or an unknown precision '" +
                               string(o, "precision") + "'");
    if (auto correction = o.find("bias_correction"); correction != o.end()) {
      if (!correction->is_array()) return badPlan(path, "bias_correction of op '" + op.name + "' is no list");
      for (const Json& value : *correction) {
        if (!value.is_number() || !std::isfinite(value.get<double>()))
          return badPlan(path, "bias_correction of op '" + op.name + "' holds no number");
        op.biasCorrection.push_back(value.get<double>());
      }
    }
    plan.ops.push_back(std::move(op));
  }
  for (const Json& o : j["tensors"]) {
    TensorPlan t;
    if (!o.is_object()) return badPlan(path, "a tensor is no object");
    t.name = string(o, "name");
    t.source = string(o, "source");
    if (t.name.empty() || !number(o, "threshold", t.threshold) || !number(o, "min", t.min) ||
        !number(o, "max", t.max) || t.min > t.max)
      return badPlan(path, "tensor '" + t.name + "' needs finite threshold, min and max with min <= max");
    if (auto channels = o.find("channels"); channels != o.end()) {
      if (!channels->is_array()) return badPlan(path, "channels of tensor '" + t.name + "' are no list");
      for (const Json& f : *channels) {
        if (!f.is_number() || !(f.get<double>() > 0) || f.get<double>() > 1)
          return badPlan(path, "a channel factor of tensor '" + t.name + "' is not in (0, 1]");
        t.channels.push_back(f.get<double>());
      }
      if (!t.channels.empty() && *std::max_element(t.channels.begin(), t.channels.end()) != 1)
        return badPlan(path, "the largest channel factor of tensor '" + t.name + "' is not 1");
    }
    if (auto locked = o.find("locked"); locked != o.end())
      if (!readLocked(*locked, t))
        return badPlan(path, "'locked' of tensor '" + t.name + "' is no scale of 8-bit or 16-bit integers");
    plan.tensors.push_back(std::move(t));
  }
  plan.index();
  return plan;
}

} // namespace burin::quantize
