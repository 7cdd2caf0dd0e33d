#include "lib/import/darknet/network.h"

#include "lib/import/darknet/operators.h"

#include <fmt/format.h>

namespace burin::darknet {

std::string Layer::name() const { return fmt::format("{}_{}", section->type, index); }

bool isHead(const std::string& type) {
  return type == "yolo" || type == "gaussian_yolo" || type == "region" || type == "detection";
}

bool isIgnored(const std::string& type) { return type == "cost" || type == "contrastive"; }

namespace {
constexpr int64_t kMaxElements = int64_t(1) << 40; // of a layer's result or weights

class Reader {
public:
  explicit Reader(std::vector<Section> sections) { net_.sections = std::move(sections); }

  Result<Network> run() {
    const Section& net = net_.sections[0];
    net_.picture = {net.integer("channels", 0), net.integer("height", 0), net.integer("width", 0)};
    if (!isPossible(net_.picture))
      return fail(Error{ErrorCode::Input,
                        {},
                        "[net]",
                        "needs width, height and channels",
                        "networks over vectors or text are not read"});
    weights_ = 0;
    for (size_t i = 1; i < net_.sections.size(); ++i) BURIN_CHECK(addLayer(net_.sections[i]));
    if (net_.layers.empty())
      return fail(ErrorCode::Input, "has no layers", "give the .cfg of a network, not a data file");
    net_.weights = weights_;
    return std::move(net_);
  }

private:
  static bool isPossible(const Size& size) {
    for (int64_t dim : {size.channels, size.height, size.width})
      if (dim < 1 || dim > int64_t(1) << 24) return false;
    return static_cast<double>(size.channels) * static_cast<double>(size.height) *
               static_cast<double>(size.width) <=
           static_cast<double>(kMaxElements);
  }

  static tl::unexpected<Error> wrong(const Layer& layer, const std::string& message) {
    return fail(Error{ErrorCode::Input,
                      {},
                      fmt::format("{} (line {})", layer.name(), layer.section->line),
                      message,
                      "the .cfg is invalid"});
  }

  std::optional<Size> sizeOf(int layer) const {
    return layer < 0 ? net_.picture : net_.layers[static_cast<size_t>(layer)].out;
  }

  Status addLayer(const Section& section) {
    Layer layer;
    layer.index = static_cast<int>(net_.layers.size());
    layer.section = &section;
    const LayerRow* row = operators().find(section.type);
    BURIN_CHECK(connect(layer, row ? row->reads : Reads::Previous));
    layer.in = sizeOf(layer.inputs.front());
    layer.weightsAt = weights_;
    if (isHead(section.type)) net_.heads.push_back(layer.index);
    if (isHead(section.type) || isIgnored(section.type)) {
      layer.out = layer.in;
    } else if (row) {
      BURIN_CHECK(measure(layer, *row));
    } else {
      weights_.reset();
    }
    net_.layers.push_back(std::move(layer));
    return {};
  }

  // The layers that a route or shortcut names: absolute, or counted back from here.
  Status connect(Layer& layer, Reads reads) {
    if (reads != Reads::Named) layer.inputs.push_back(layer.index - 1);
    if (reads == Reads::Previous) return {};
    std::vector<int64_t> named = layer.section->integers(reads == Reads::Named ? "layers" : "from");
    if (named.empty()) return wrong(layer, "names no layers");
    for (int64_t at : named) {
      int64_t index = at < 0 ? layer.index + at : at;
      if (index < 0 || index >= layer.index)
        return wrong(layer, fmt::format("reads layer {}, which is not before it", at));
      layer.inputs.push_back(static_cast<int>(index));
    }
    return {};
  }

  Status measure(Layer& layer, const LayerRow& row) {
    std::vector<Size> inputs;
    for (int input : layer.inputs) {
      auto size = sizeOf(input);
      if (!size) {
        weights_.reset(); // how many follow cannot be told
        return {};
      }
      inputs.push_back(*size);
    }
    auto measured = row.measure(*layer.section, inputs);
    if (!measured) return wrong(layer, measured.error().message);
    if (!isPossible(measured->out))
      return wrong(layer, fmt::format("its result would be {}x{}x{} (channels, height, width)",
                                      measured->out.channels, measured->out.height, measured->out.width));
    if (measured->weights > kMaxElements) return wrong(layer, "it needs too many weights");
    layer.out = measured->out;
    layer.weights = measured->weights;
    if (weights_) *weights_ += layer.weights;
    return {};
  }

  Network net_;
  std::optional<int64_t> weights_;
};
} // namespace

Result<Network> readNetwork(std::string_view config) {
  BURIN_ASSIGN(std::vector<Section> sections, parseConfig(config));
  return Reader(std::move(sections)).run();
}

} // namespace burin::darknet
