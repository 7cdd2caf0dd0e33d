#include "lib/import/caffe/network.h"

#include "lib/import/caffe/operators.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <unordered_map>
#include <unordered_set>

namespace burin::caffe {

namespace {
std::optional<int64_t> integerOf(const std::string& text) {
  int64_t value = 0;
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool meets(const TextMessage& rule, const TextMessage& state) {
  if (const TextField* phase = rule.find("phase"))
    if (phase->value != "TEST" && phase->value != "1") return false;
  int64_t level = integerOf(state.text("level")).value_or(0);
  if (rule.has("min_level") && level < integerOf(rule.text("min_level")).value_or(0)) return false;
  if (rule.has("max_level") && level > integerOf(rule.text("max_level")).value_or(0)) return false;
  std::vector<std::string> stages = state.texts("stage");
  auto isOn = [&](const std::string& stage) {
    return std::find(stages.begin(), stages.end(), stage) != stages.end();
  };
  std::vector<std::string> needed = rule.texts("stage"), refused = rule.texts("not_stage");
  return std::all_of(needed.begin(), needed.end(), isOn) &&
         std::none_of(refused.begin(), refused.end(), isOn);
}
} // namespace

bool isTestLayer(const TextMessage& layer, const TextMessage& state) {
  auto includes = layer.messages("include"), excludes = layer.messages("exclude");
  auto met = [&](const TextMessage* rule) { return meets(*rule, state); };
  if (!includes.empty()) return std::any_of(includes.begin(), includes.end(), met);
  return std::none_of(excludes.begin(), excludes.end(), met);
}

namespace {
bool endsWith(const std::string& text, std::string_view end) { return text.ends_with(end); }

// Layers that only training and scoring need. What they read stays readable.
bool isDropped(const std::string& type) {
  return endsWith(type, "Loss") || type == "Accuracy" || type == "HDF5Output" || type == "Silence" ||
         type == "DetectionEvaluate";
}

bool isInput(const std::string& type, const TextMessage& layer) {
  return type == "Input" || endsWith(type, "Data") || (!layer.has("bottom") && !operators().find(type));
}

Ints dimsOf(const TextMessage& shape) {
  Ints dims;
  for (const std::string& dim : shape.texts("dim")) dims.push_back(integerOf(dim).value_or(-1));
  return dims;
}

DeclaredInput declared(const std::string& name, const std::optional<Ints>& dims) {
  DeclaredInput input{name, rt::DType::F32, {}};
  if (!dims || dims->empty()) return input;
  input.dims.emplace();
  for (int64_t dim : *dims) input.dims->push_back({dim > 0 ? dim : -1, {}});
  return input;
}

class Reader {
public:
  explicit Reader(TextMessage text) { net_.text = std::move(text); }

  Result<Network> run() {
    net_.name = net_.text.text("name");
    BURIN_CHECK(declareInputs());
    bool isV1 = net_.text.has("layers");
    if (isV1 && net_.text.has("layer"))
      return fail(ErrorCode::Input, "has both 'layers' (the old format) and 'layer' (the new one)",
                  "convert it with Caffe's upgrade_net_proto_text");
    for (const TextMessage* layer : net_.text.messages(isV1 ? "layers" : "layer"))
      if (isTestLayer(*layer, net_.text.message("state"))) BURIN_CHECK(addLayer(*layer, isV1));
    BURIN_CHECK(chooseOutputs());
    nameTensors();
    return std::move(net_);
  }

private:
  // A blob as one layer left it: in-place layers make a new version.
  struct Version {
    std::string blob, maker;
    bool isInput = false, isRead = false;
  };

  static tl::unexpected<Error> wrong(const std::string& layer, const std::string& message,
                                     const std::string& remedy) {
    return fail(Error{ErrorCode::Input, {}, layer, message, remedy});
  }

  Status addInput(const std::string& blob, const std::optional<Ints>& dims) {
    if (current_.contains(blob)) return wrong(blob, "is declared as input twice", "remove one declaration");
    inputs_.emplace_back(define(blob, {}, true), declared(blob, dims));
    return {};
  }

  // `input:` with four input_dim or one input_shape each.
  Status declareInputs() {
    std::vector<std::string> names = net_.text.texts("input"), flat = net_.text.texts("input_dim");
    auto shapes = net_.text.messages("input_shape");
    for (size_t i = 0; i < names.size(); ++i) {
      std::optional<Ints> dims;
      if (i < shapes.size()) dims = dimsOf(*shapes[i]);
      if (shapes.empty() && flat.size() >= 4 * (i + 1)) {
        dims.emplace();
        for (size_t k = 0; k < 4; ++k) dims->push_back(integerOf(flat[4 * i + k]).value_or(-1));
      }
      BURIN_CHECK(addInput(names[i], dims));
    }
    return {};
  }

  int define(const std::string& blob, const std::string& maker, bool isInput = false) {
    versions_.push_back({blob, maker, isInput, false});
    int version = static_cast<int>(versions_.size()) - 1;
    current_[blob] = version;
    return version;
  }

  Status addLayer(const TextMessage& text, bool isV1) {
    if (text.has("layer"))
      return fail(ErrorCode::Unsupported, "has the V0 layer format of 2013",
                  "convert it with Caffe's upgrade_net_proto_text");
    std::string name = text.text("name"), type = text.text("type");
    if (isV1) type = modernType(type);
    if (type.empty()) return wrong(name, "a layer has no type", "add it");
    if (isInput(type, text)) return addInputLayer(text, type);
    if (isDropped(type)) {
      for (const std::string& bottom : text.texts("bottom")) markConsumed(bottom, type);
      return {};
    }
    Uses uses;
    for (const std::string& bottom : text.texts("bottom")) {
      auto it = current_.find(bottom);
      if (it == current_.end())
        return wrong(name, fmt::format("its bottom '{}' is made by no layer before it", bottom),
                     "the network is incomplete, or the layer that makes it is left out when testing");
      versions_[static_cast<size_t>(it->second)].isRead = true;
      uses.bottoms.push_back(it->second);
    }
    for (const std::string& top : text.texts("top")) uses.tops.push_back(define(top, name));
    net_.layers.push_back({name, type, {}, {}, &text});
    uses_.push_back(std::move(uses));
    return {};
  }

  // Silence swallows what nobody wants to see.
  void markConsumed(const std::string& blob, const std::string& type) {
    auto it = current_.find(blob);
    if (type == "Silence" && it != current_.end()) versions_[static_cast<size_t>(it->second)].isRead = true;
  }

  Status addInputLayer(const TextMessage& text, const std::string& type) {
    std::vector<std::string> tops = text.texts("top");
    for (size_t i = 0; i < tops.size(); ++i) BURIN_CHECK(addInput(tops[i], inputDims(text, type, i)));
    if (!tops.empty()) addPreprocess(text, tops[0]);
    return {};
  }

  static std::optional<Ints> inputDims(const TextMessage& text, const std::string& type, size_t top) {
    auto shapes = text.message(type == "DummyData" ? "dummy_data_param" : "input_param").messages("shape");
    if (!shapes.empty()) return dimsOf(*shapes[std::min(top, shapes.size() - 1)]);
    if (top > 0) return std::nullopt; // labels
    const TextMessage& memory = text.message("memory_data_param");
    if (memory.has("channels"))
      return Ints{
          integerOf(memory.text("batch_size")).value_or(-1), integerOf(memory.text("channels")).value_or(-1),
          integerOf(memory.text("height")).value_or(-1), integerOf(memory.text("width")).value_or(-1)};
    const TextMessage& transform = text.message("transform_param");
    auto crop = integerOf(transform.text("crop_size"));
    if (!crop) return std::nullopt;
    bool isColor = transform.count("mean_value") == 3 || transform.text("force_color") == "true";
    return Ints{-1, isColor ? 3 : transform.text("force_gray") == "true" ? 1 : -1, *crop, *crop};
  }

  // y = (x - mean_value) * scale. Caffe reads pictures with OpenCV: blue comes first.
  void addPreprocess(const TextMessage& text, const std::string& input) {
    const TextMessage& transform = text.message("transform_param");
    if (transform.has("mean_file"))
      net_.warnings.push_back(
          fmt::format("layer '{}' subtracts the mean picture '{}'; give its mean per channel with --mean",
                      text.text("name"), transform.text("mean_file")));
    std::vector<std::string> means = transform.texts("mean_value");
    if (means.empty() && !transform.has("scale")) return;
    bool isGray = means.size() < 3 && transform.text("force_gray") == "true";
    net_.preprocess.push_back({input, joined(means, ","), transform.text("scale"), isGray ? "gray" : "bgr",
                               fmt::format("transform_param of layer '{}'", text.text("name"))});
  }

  Status chooseOutputs() {
    for (size_t i = 0; i < versions_.size(); ++i)
      if (!versions_[i].isInput && !versions_[i].isRead) outputs_.push_back(i);
    if (!outputs_.empty()) return {};
    return fail(ErrorCode::Input, net_.layers.empty() ? "has no layers" : "nothing is left to compute",
                "is this a solver file, or are all layers for training?");
  }

  // The user's name of a blob is its last version's, as in Caffe after a run; an input keeps its own.
  void nameTensors() {
    std::unordered_set<std::string> taken;
    for (const auto& [blob, version] : current_) taken.insert(blob);
    std::unordered_set<std::string> inputs;
    for (const Version& v : versions_)
      if (v.isInput) inputs.insert(v.blob);
    std::vector<std::string> names;
    std::unordered_map<std::string, int> tries;
    for (size_t i = 0; i < versions_.size(); ++i) {
      const Version& v = versions_[i];
      const bool own = v.isInput || (current_[v.blob] == static_cast<int>(i) && !inputs.contains(v.blob));
      const std::string base = own ? v.blob : v.blob + "/" + v.maker;
      std::string name = base;
      while (!own && !taken.insert(name).second) name = fmt::format("{}:{}", base, ++tries[base] + 1);
      names.push_back(std::move(name));
    }
    auto nameAt = [&](int version) { return names[static_cast<size_t>(version)]; };
    for (size_t i = 0; i < net_.layers.size(); ++i) {
      for (int v : uses_[i].bottoms) net_.layers[i].bottoms.push_back(nameAt(v));
      for (int v : uses_[i].tops) net_.layers[i].tops.push_back(nameAt(v));
    }
    for (size_t v : outputs_) net_.outputs.push_back(names[v]);
    // Labels and other inputs that no layer of the deployed network reads are no inputs of it.
    for (auto& [version, input] : inputs_)
      if (versions_[static_cast<size_t>(version)].isRead) net_.inputs.push_back(std::move(input));
  }

  struct Uses {
    std::vector<int> bottoms, tops;
  };

  Network net_;
  std::vector<Version> versions_;
  std::unordered_map<std::string, int> current_;
  std::vector<std::pair<int, DeclaredInput>> inputs_;
  std::vector<Uses> uses_; // one per layer
  std::vector<size_t> outputs_;
};
} // namespace

Result<Network> readNetwork(std::string_view prototxt) {
  BURIN_ASSIGN(TextMessage text, parsePrototxt(prototxt, "weights belong into the .caffemodel"));
  return Reader(std::move(text)).run();
}

} // namespace burin::caffe
