#include "lib/import/torch/archive.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace burin::torch {

namespace {
tl::unexpected<Error> damaged(const std::string& record, const std::string& what) {
  return fail(ErrorCode::Input, fmt::format("its record '{}' {}", record, what),
              "the file is damaged; save it again");
}

// Elements of the storage that the tensor spans; nothing when the numbers are impossible. A size of zero does
// not excuse the others: their product has to be a number, too.
std::optional<uint64_t> spanOf(const StoredTensor& t) {
  constexpr double kMost = 1e15;
  double last = static_cast<double>(t.offset), count = 1;
  bool isEmpty = false;
  if (t.offset < 0 || t.sizes.size() > static_cast<size_t>(rt::kMaxRank)) return std::nullopt;
  for (size_t i = 0; i < t.sizes.size(); ++i) {
    if (t.sizes[i] < 0 || t.strides[i] < 0) return std::nullopt;
    if (t.sizes[i] > 0) last += static_cast<double>(t.sizes[i] - 1) * static_cast<double>(t.strides[i]);
    isEmpty = isEmpty || t.sizes[i] == 0;
    count *= static_cast<double>(std::max<int64_t>(t.sizes[i], 1));
  }
  if (last > kMost || count > kMost) return std::nullopt;
  return isEmpty ? 0 : static_cast<uint64_t>(last) + 1;
}

bool isContiguous(const StoredTensor& t) {
  int64_t stride = 1;
  for (size_t i = t.sizes.size(); i-- > 0; stride *= t.sizes[i])
    if (t.sizes[i] != 1 && t.strides[i] != stride) return false;
  return true;
}

// Copies the elements in row-major order.
std::vector<char> gather(const StoredTensor& t, const char* storage, size_t elementBytes, size_t count) {
  std::vector<char> out(count * elementBytes);
  Ints index(t.sizes.size(), 0);
  for (size_t n = 0; n < count; ++n) {
    int64_t at = t.offset;
    for (size_t i = 0; i < index.size(); ++i) at += index[i] * t.strides[i];
    std::memcpy(out.data() + n * elementBytes, storage + static_cast<size_t>(at) * elementBytes,
                elementBytes);
    for (size_t i = index.size(); i-- > 0;) {
      if (++index[i] < t.sizes[i]) break;
      index[i] = 0;
    }
  }
  return out;
}

std::vector<char> floatsFromDoubles(llvm::ArrayRef<char> bytes) {
  std::vector<char> out(bytes.size() / 2);
  for (size_t i = 0; i < bytes.size() / 8; ++i) {
    double d;
    std::memcpy(&d, bytes.data() + 8 * i, 8);
    float f = static_cast<float>(d);
    std::memcpy(out.data() + 4 * i, &f, 4);
  }
  return out;
}
} // namespace

Result<Archive> Archive::open(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner) {
  Archive archive;
  archive.bytes_ = bytes, archive.owner_ = std::move(owner);
  BURIN_ASSIGN(std::vector<ZipEntry> entries, readZipDirectory(bytes));
  for (ZipEntry& entry : entries) {
    size_t slash = entry.name.find('/');
    archive.entries_[slash == std::string::npos ? entry.name : entry.name.substr(slash + 1)] = entry;
  }
  return archive;
}

bool Archive::hasFolder(const std::string& folder) const {
  auto it = entries_.lower_bound(folder);
  return it != entries_.end() && it->first.starts_with(folder);
}

Result<std::vector<uint8_t>> Archive::read(const std::string& record, uint64_t limit) const {
  auto it = entries_.find(record);
  if (it == entries_.end()) return damaged(record, "is missing");
  if (it->second.bytes > limit) return damaged(record, fmt::format("is larger than {} bytes", limit));
  return readZipEntry(bytes_, it->second);
}

Result<Value> Archive::load(const StoredTensor& t, ImportSession& session) const {
  auto it = entries_.find(t.record);
  if (it == entries_.end()) return damaged(t.record, "is missing");
  const ZipEntry& entry = it->second;
  const size_t elementBytes = t.isDouble ? 8 : rt::dtypeBytes(t.dtype);
  auto span = spanOf(t);
  if (!span || *span > entry.bytes / elementBytes)
    return damaged(t.record, fmt::format("is too short for a tensor of {}", dimsText(t.sizes)));
  rt::TensorType type;
  type.dtype = t.dtype;
  for (int64_t d : t.sizes) type.shape.push(d);
  const size_t count = static_cast<size_t>(type.shape.elements());
  std::vector<uint8_t> unpacked;
  if (entry.deflated) {
    // PyTorch never compresses, so this is rare; little can become much, and be asked for again and again.
    if (!session.takeGeneratedBytes(static_cast<int64_t>(std::min<uint64_t>(entry.bytes, INT64_MAX))))
      return fail(ErrorCode::Unsupported,
                  fmt::format("its compressed records become too big at '{}'", t.record),
                  "save it again with torch.jit.save, which does not compress");
    BURIN_ASSIGN(unpacked, readZipEntry(bytes_, entry));
  }
  const char* storage =
      reinterpret_cast<const char*>(entry.deflated ? unpacked.data() : bytes_.data() + entry.dataOffset);
  std::vector<char> copied;
  llvm::ArrayRef<char> data;
  if (isContiguous(t)) {
    data = {storage + (count ? static_cast<size_t>(t.offset) * elementBytes : 0), count * elementBytes};
  } else {
    // Strides of zero make much of little.
    if (count * elementBytes > entry.bytes &&
        !session.takeGeneratedBytes(static_cast<int64_t>(count * elementBytes)))
      return damaged(t.record, "is expanded to too big a tensor");
    copied = gather(t, storage, elementBytes, count);
    data = copied;
  }
  nn::GraphBuilder& builder = session.builder();
  if (t.isDouble && count > 1)
    session.warn(fmt::format("'{}' is double; programs compute in float32", t.name));
  if (t.isDouble) return builder.constant(type, floatsFromDoubles(data), t.name);
  if (!copied.empty() || entry.deflated) return builder.constant(type, data, t.name);
  return builder.constantView(type, data, owner_, t.name);
}

} // namespace burin::torch
