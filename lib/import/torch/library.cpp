#include "lib/import/torch/library.h"

#include <algorithm>

namespace burin::torch {

namespace {
constexpr uint64_t kMaxSource = uint64_t(1) << 23; // bytes of all files; a parsed one is many times its size

template <class T>
const T* findNamed(const std::vector<T>& list, const std::string& path) {
  std::string name = path.substr(path.rfind('.') + 1);
  auto it = std::find_if(list.begin(), list.end(), [&](const T& item) { return item.name == name; });
  return it == list.end() ? nullptr : &*it;
}
} // namespace

// "__torch__.a.b.Name" is defined in code/__torch__/a/b.py.
Result<const SourceFile*> Library::file(const std::string& path) {
  size_t dot = path.rfind('.');
  if (!path.starts_with("__torch__") || dot == std::string::npos) return nullptr;
  std::string record = "code/" + path.substr(0, dot);
  std::replace(record.begin(), record.end(), '.', '/');
  record += ".py";
  if (auto it = files_.find(record); it != files_.end()) return &it->second;
  if (!archive_.has(record)) return nullptr;
  BURIN_ASSIGN(std::vector<uint8_t> bytes, archive_.read(record, kMaxSource - sourceBytes_));
  sourceBytes_ += bytes.size();
  auto parsed = parseSource(std::string(bytes.begin(), bytes.end()));
  if (!parsed) return tl::unexpected(atOp(parsed.error(), record));
  return &(files_[record] = std::move(*parsed));
}

Result<const FunctionDefinition*> Library::function(const std::string& path) {
  BURIN_ASSIGN(const SourceFile* source, file(path));
  return source ? findNamed(source->functions, path) : nullptr;
}

Result<const ClassDefinition*> Library::type(const std::string& path) {
  BURIN_ASSIGN(const SourceFile* source, file(path));
  return source ? findNamed(source->classes, path) : nullptr;
}

const FunctionDefinition* findMethod(const ClassDefinition& type, const std::string& name) {
  return findNamed(type.methods, name);
}

} // namespace burin::torch
