// The zip archive that torch.jit.save writes: records by name, below one folder named after the model.
#pragma once

#include "lib/data/zip.h"
#include "lib/import/torch/data.h"
#include "lib/support/file.h"

namespace burin::torch {

class Archive {
public:
  // `owner` keeps `bytes` alive.
  static Result<Archive> open(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner);

  bool has(const std::string& record) const { return entries_.contains(record); }
  bool hasFolder(const std::string& folder) const; // "code/"
  Result<std::vector<uint8_t>> read(const std::string& record, uint64_t limit) const;
  // The constant for a stored tensor, over the archive's own bytes where they can be used as they lie.
  Result<Value> load(const StoredTensor& stored, ImportSession& session) const;

private:
  std::span<const uint8_t> bytes_;
  std::shared_ptr<const void> owner_;
  std::map<std::string, ZipEntry> entries_; // by name without the model's folder
};

} // namespace burin::torch
