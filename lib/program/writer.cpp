#include "lib/program/program.h"

#include "runtime/core/container.h"
#include "schema/program_generated.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace burin {

namespace {
// Collects constants; equal bytes are stored once.
class WeightsBlob {
public:
  uint64_t add(const std::vector<char>& bytes) {
    std::string_view view(bytes.data(), bytes.size());
    if (auto it = known_.find(view); it != known_.end()) return it->second;
    data_.resize((data_.size() + 63) / 64 * 64);
    uint64_t offset = data_.size();
    data_.insert(data_.end(), bytes.begin(), bytes.end());
    known_.emplace(view, offset);
    return offset;
  }
  const std::vector<char>& data() const { return data_; }

private:
  std::vector<char> data_;
  std::map<std::string_view, uint64_t> known_; // views into the tensors, which outlive the blob
};

fb::TensorT tensorRecord(const ProgramTensor& tensor, WeightsBlob& weights) {
  fb::TensorT t;
  t.name = tensor.name;
  t.dtype = static_cast<fb::DType>(tensor.type.dtype);
  t.shape.assign(tensor.type.shape.dim, tensor.type.shape.dim + tensor.type.shape.rank);
  t.order = tensor.order;
  t.inner_stride = tensor.innerStride;
  t.storage = tensor.constant ? fb::Storage::constant : fb::Storage::arena;
  t.offset = tensor.constant ? weights.add(*tensor.data) : tensor.offset;
  t.scale = tensor.quant.scale;
  t.zero_point = tensor.quant.zeroPoint;
  t.axis = tensor.quant.axis;
  return t;
}

fb::OpT opRecord(const ProgramOp& op) {
  fb::OpT record;
  record.type = op.type;
  record.name = op.name;
  record.inputs = op.inputs;
  record.outputs = op.outputs;
  for (const rt::Attr& a : op.attrs.list) {
    auto attr = std::make_unique<fb::AttrT>();
    attr->name = a.name;
    attr->ints = a.ints;
    attr->floats = a.floats;
    attr->text = a.text;
    record.attrs.push_back(std::move(attr));
  }
  return record;
}
} // namespace

std::vector<char> serialize(const ProgramFile& program) {
  WeightsBlob weights;
  fb::ProgramT root;
  root.tool = program.tool;
  root.target = program.target;
  root.precision = program.precision;
  root.source = program.source;
  for (const ProgramGraph& graph : program.nets) {
    auto stage = std::make_unique<fb::StageT>();
    for (const ProgramTensor& t : graph.tensors)
      stage->tensors.push_back(std::make_unique<fb::TensorT>(tensorRecord(t, weights)));
    for (const ProgramOp& op : graph.ops) stage->ops.push_back(std::make_unique<fb::OpT>(opRecord(op)));
    stage->inputs = graph.inputs;
    stage->outputs = graph.outputs;
    stage->arena_bytes = graph.arenaBytes;
    auto net = std::make_unique<fb::NetT>();
    net->name = graph.name;
    net->preprocess = graph.preprocess;
    net->stages.push_back(std::move(stage));
    root.nets.push_back(std::move(net));
  }
  flatbuffers::FlatBufferBuilder builder(1 << 16);
  builder.Finish(fb::Program::Pack(builder, &root), fb::ProgramIdentifier());

  rt::ContainerHeader header;
  header.graphOffset = sizeof(rt::ContainerHeader);
  header.graphBytes = builder.GetSize();
  header.weightsOffset = (header.graphOffset + header.graphBytes + 63) / 64 * 64;
  header.weightsBytes = weights.data().size();
  std::vector<char> file(header.weightsOffset + header.weightsBytes);
  memcpy(file.data() + header.graphOffset, builder.GetBufferPointer(), header.graphBytes);
  std::copy(weights.data().begin(), weights.data().end(),
            file.begin() + static_cast<ptrdiff_t>(header.weightsOffset));
  header.checksum = rt::checksum(file.data() + sizeof header, file.size() - sizeof header);
  memcpy(file.data(), &header, sizeof header);
  return file;
}

} // namespace burin
