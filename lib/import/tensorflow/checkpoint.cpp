#include "lib/import/tensorflow/checkpoint.h"

#include "lib/import/tensorflow/crc32c.h"
#include "lib/import/tensorflow/sstable.h"
#include "lib/import/tensorflow/tensor_reader.h"

#include <filesystem>
#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
constexpr int32_t kMaxShards = 99999; // five digits in a file's name

template <class Message>
bool parse(Message& message, const std::string& bytes) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}
} // namespace

Result<std::shared_ptr<Checkpoint>> Checkpoint::open(const std::string& prefix) {
  const std::string path = prefix + ".index";
  auto run = [&]() -> Result<std::shared_ptr<Checkpoint>> {
    BURIN_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::open(path));
    auto checkpoint = std::make_shared<Checkpoint>();
    BURIN_ASSIGN(checkpoint->entries_, readTable(file->bytes()));
    tfpb::BundleHeader header;
    auto entry = checkpoint->entries_.find("");
    if (entry == checkpoint->entries_.end() || !parse(header, entry->second) || header.num_shards() < 1 ||
        header.num_shards() > kMaxShards)
      return fail(ErrorCode::Input, "has no valid header", "copy or save the model again");
    if (header.endianness() != 0)
      return fail(ErrorCode::Unsupported, "was written on a big-endian machine",
                  "save the model on a little-endian one");
    checkpoint->prefix_ = prefix;
    checkpoint->shards_ = header.num_shards();
    return checkpoint;
  };
  auto result = run();
  if (!result) return tl::unexpected(inFile(result.error(), path));
  return result;
}

Result<std::shared_ptr<const MappedFile>> Checkpoint::shard(int32_t index) {
  if (index < 0 || index >= shards_)
    return fail(ErrorCode::Input, fmt::format("it is in part {} of {}", index, shards_),
                "the checkpoint is damaged; copy or save the model again");
  auto& file = files_[index];
  if (!file) {
    BURIN_ASSIGN(file, MappedFile::open(fmt::format("{}.data-{:05}-of-{:05}", prefix_, index, shards_)));
  }
  return file;
}

Result<Value> Checkpoint::read(ImportSession& session, const std::string& key, const std::string& tensor) {
  tfpb::BundleEntry entry;
  if (!parse(entry, entries_.at(key)))
    return fail(ErrorCode::Input, fmt::format("its entry '{}' is not valid", key), "save the model again");
  if (entry.slices_size() > 0)
    return fail(ErrorCode::Unsupported, "it is stored in slices (a partitioned variable)",
                "save the model without partitioning, or freeze it");
  BURIN_ASSIGN(std::shared_ptr<const MappedFile> file, shard(entry.shard_id()));
  auto all = file->bytes();
  if (entry.offset() < 0 || entry.size() < 0 || static_cast<uint64_t>(entry.offset()) > all.size() ||
      static_cast<uint64_t>(entry.size()) > all.size() - static_cast<uint64_t>(entry.offset()))
    return fail(ErrorCode::Input,
                fmt::format("it is at {} with {} bytes in a data file of {}", entry.offset(), entry.size(),
                            all.size()),
                "the data file is cut short or of another model; copy it again");
  auto bytes = all.subspan(static_cast<size_t>(entry.offset()), static_cast<size_t>(entry.size()));
  if (maskedCrc32c(bytes) != entry.crc32c())
    return fail(ErrorCode::Input, "the checksum of its data is wrong",
                "the data file is damaged or of another model; copy it again");
  return constantFromBytes(session, entry.dtype(), entry.shape(), bytes, file, tensor);
}

namespace {
// From a graph's restore operation: the names it reads, and the variables that take them.
class RestoreMap {
public:
  explicit RestoreMap(const std::vector<GraphNode>& nodes) : nodes_(nodes) {
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i].outputs.empty()) producer_.emplace(nodes[i].name, i);
      for (const std::string& output : nodes[i].outputs) producer_.emplace(output, i);
    }
  }

  std::unordered_map<std::string, std::string> run() {
    std::unordered_map<std::string, std::string> keys;
    for (const GraphNode& node : nodes_) {
      if ((node.type != "AssignVariableOp" && node.type != "Assign") || node.inputs.size() != 2) continue;
      auto key = keyOf(node.inputs[1]);
      if (key) keys.emplace(source(node.inputs[0]), *key);
    }
    return keys;
  }

private:
  const GraphNode* find(const std::string& tensor) const {
    auto it = producer_.find(tensor);
    if (it == producer_.end()) it = producer_.find(splitTensor(tensor).first);
    return it == producer_.end() ? nullptr : &nodes_[it->second];
  }
  // Through identities.
  std::string source(std::string tensor) const {
    for (int i = 0; i < 64; ++i) {
      const GraphNode* node = find(tensor);
      if (!node || node->type != "Identity" || node->inputs.size() != 1) break;
      tensor = node->inputs[0];
    }
    return tensor;
  }
  std::optional<std::string> keyOf(const std::string& value) {
    std::string tensor = source(value);
    const GraphNode* restore = find(tensor);
    if (!restore || restore->type != "RestoreV2" || restore->inputs.size() != 3) return std::nullopt;
    const GraphNode* names = find(source(restore->inputs[1]));
    const tfpb::AttrValue* list = names && names->type == "Const" ? findAttribute(*names, "value") : nullptr;
    int index = splitTensor(tensor).second;
    if (!list || !list->has_tensor() || index >= list->tensor().string_val_size()) return std::nullopt;
    return list->tensor().string_val(index);
  }

  const std::vector<GraphNode>& nodes_;
  std::unordered_map<std::string, size_t> producer_;
};
} // namespace

CheckpointVariables::CheckpointVariables(std::shared_ptr<Checkpoint> checkpoint,
                                         const std::vector<GraphNode>& nodes)
    : checkpoint_(std::move(checkpoint)), keys_(RestoreMap(nodes).run()) {}

Result<Value> CheckpointVariables::read(ImportSession& session, const GraphNode& variable,
                                        const std::string& tensor) {
  std::vector<std::string> candidates;
  if (auto it = keys_.find(variable.name); it != keys_.end()) candidates.push_back(it->second);
  if (const tfpb::AttrValue* shared = findAttribute(variable, "shared_name"))
    candidates.push_back(shared->s());
  candidates.push_back(variable.name);
  for (const std::string& key : candidates)
    if (!key.empty() && checkpoint_->has(key)) {
      auto value = checkpoint_->read(session, key, tensor);
      if (!value) return tl::unexpected(atOp(value.error(), fmt::format("variable '{}'", variable.name)));
      return value;
    }
  return fail(Error{ErrorCode::Input,
                    {},
                    fmt::format("variable '{}'", variable.name),
                    fmt::format("the checkpoint has no value under '{}'", candidates.front()),
                    "the variables folder is of another model; save the model again"});
}

} // namespace burin::tensorflow
