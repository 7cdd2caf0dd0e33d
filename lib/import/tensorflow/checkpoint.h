// A checkpoint: PREFIX.index names the tensors, PREFIX.data-00000-of-00001 and so on hold them.
#pragma once

#include "lib/import/tensorflow/graph_importer.h"
#include "lib/support/file.h"

namespace burin::tensorflow {

class Checkpoint {
public:
  static Result<std::shared_ptr<Checkpoint>> open(const std::string& prefix);

  bool has(const std::string& key) const { return entries_.contains(key); }
  Result<Value> read(ImportSession& session, const std::string& key, const std::string& tensor);

private:
  Result<std::shared_ptr<const MappedFile>> shard(int32_t index);

  std::string prefix_;
  int32_t shards_ = 0;
  std::map<std::string, std::string> entries_; // serialised BundleEntry by key
  std::map<int32_t, std::shared_ptr<const MappedFile>> files_;
};

// The variables of a graph. Which key holds a variable is what the graph's own restore operation says, else
// the variable's name.
class CheckpointVariables : public VariableStore {
public:
  CheckpointVariables(std::shared_ptr<Checkpoint> checkpoint, const std::vector<GraphNode>& nodes);
  Result<Value> read(ImportSession& session, const GraphNode& variable, const std::string& tensor) override;

private:
  std::shared_ptr<Checkpoint> checkpoint_;
  std::unordered_map<std::string, std::string> keys_; // by node
};

} // namespace burin::tensorflow
