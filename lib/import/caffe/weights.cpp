#include "lib/import/caffe/weights.h"

#include "runtime/math/half.h"
#include "schema/caffe.pb.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <limits>

namespace burin::caffe {

namespace {
using Owner = std::shared_ptr<const caffepb::NetParameter>;

Blob converted(std::vector<float> values) {
  auto memory = std::make_shared<std::vector<float>>(std::move(values));
  return {{}, {memory->data(), memory->size()}, memory};
}

template <class Stored, class Convert>
Blob fromRaw(const std::string& raw, Convert convert) {
  std::vector<float> values(raw.size() / sizeof(Stored));
  for (size_t i = 0; i < values.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, raw.data() + i * sizeof(Stored), sizeof(Stored));
    values[i] = convert(stored);
  }
  return converted(std::move(values));
}

Result<Blob> valuesOf(const caffepb::BlobProto& proto, const Owner& owner) {
  if (proto.data_size())
    return Blob{{}, {proto.data().data(), static_cast<size_t>(proto.data_size())}, owner};
  if (proto.double_data_size())
    return converted(std::vector<float>(proto.double_data().begin(), proto.double_data().end()));
  if (!proto.has_raw_data()) return Blob{};
  switch (proto.raw_data_type()) {
  case 0:
    return fromRaw<double>(proto.raw_data(), [](double v) { return static_cast<float>(v); });
  case 1:
    return fromRaw<float>(proto.raw_data(), [](float v) { return v; });
  case 2:
    return fromRaw<uint16_t>(proto.raw_data(), [](uint16_t v) { return rt::math::halfToFloat(v); });
  default:
    return fail(ErrorCode::Unsupported,
                fmt::format("a blob's raw data has type {}, which is neither half, float nor double",
                            proto.raw_data_type()),
                "store the weights as float");
  }
}

// Old files have four dimensions, new ones any number.
std::vector<int64_t> dimsOf(const caffepb::BlobProto& proto) {
  if (proto.has_shape()) return {proto.shape().dim().begin(), proto.shape().dim().end()};
  if (proto.has_num() || proto.has_channels() || proto.has_height() || proto.has_width())
    return {proto.num(), proto.channels(), proto.height(), proto.width()};
  return {};
}

Result<Blob> readBlob(const caffepb::BlobProto& proto, const Owner& owner) {
  BURIN_ASSIGN(Blob blob, valuesOf(proto, owner));
  blob.dims = dimsOf(proto);
  if (blob.dims.empty() && blob.values.size() > 1) blob.dims = {static_cast<int64_t>(blob.values.size())};
  size_t elements = 1;
  for (int64_t dim : blob.dims) {
    if (dim < 0 || (dim > 0 && elements > blob.values.size() / static_cast<size_t>(dim)))
      return fail(ErrorCode::Input,
                  fmt::format("a blob declares more elements than the {} it holds", blob.values.size()),
                  "the weights file is damaged; download it again");
    elements *= static_cast<size_t>(dim);
  }
  if (elements != blob.values.size())
    return fail(ErrorCode::Input,
                fmt::format("a blob declares {} elements and holds {}", elements, blob.values.size()),
                "the weights file is damaged; download it again");
  return blob;
}

template <class Layer>
bool storesDoubles(const Layer& layer) {
  return std::any_of(layer.blobs().begin(), layer.blobs().end(), [](const caffepb::BlobProto& blob) {
    return blob.double_data_size() > 0 || (blob.has_raw_data() && blob.raw_data_type() == 0);
  });
}

template <class Layer>
Status addLayer(const Layer& layer, const Owner& owner,
                std::unordered_map<std::string, std::vector<Blob>>& into) {
  std::vector<Blob> blobs;
  for (const caffepb::BlobProto& proto : layer.blobs()) {
    auto blob = readBlob(proto, owner);
    if (!blob) return tl::unexpected(atOp(blob.error(), layer.name()));
    blobs.push_back(std::move(*blob));
  }
  // The first of several layers of one name is the one that Caffe loads into.
  into.emplace(layer.name(), std::move(blobs));
  return {};
}
} // namespace

Result<Weights> Weights::parse(std::span<const char> bytes) {
  auto net = std::make_shared<caffepb::NetParameter>();
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max()))
    return fail(ErrorCode::Input, "is larger than 2 GB, which the format does not allow", "split the model");
  if (!net->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(ErrorCode::Input, "is no .caffemodel, or it is cut short", "download it again");
  Weights weights;
  for (const caffepb::LayerParameter& layer : net->layer()) {
    BURIN_CHECK(addLayer(layer, net, weights.layers_));
    weights.doubles_ |= storesDoubles(layer);
  }
  for (const caffepb::V1LayerParameter& layer : net->layers()) {
    if (layer.has_layer())
      return fail(ErrorCode::Unsupported, "has the V0 layer format of 2013",
                  "convert it with Caffe's upgrade_net_proto_binary");
    BURIN_CHECK(addLayer(layer, net, weights.layers_));
    weights.doubles_ |= storesDoubles(layer);
  }
  if (weights.empty())
    return fail(ErrorCode::Input, "holds no layers", "give the .caffemodel that belongs to the .prototxt");
  return weights;
}

const std::vector<Blob>* Weights::find(const std::string& layer) const {
  auto it = layers_.find(layer);
  return it == layers_.end() ? nullptr : &it->second;
}

} // namespace burin::caffe
