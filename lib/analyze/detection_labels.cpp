#include "lib/analyze/detection_labels.h"

#include "lib/support/file.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace burin {

namespace {
using Json = nlohmann::json;

std::string baseName(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

tl::unexpected<Error> bad(const std::string& where, const std::string& what) {
  return fail(ErrorCode::Input, where + ": " + what,
              "give annotations in COCO's format: images, annotations, categories");
}

// obj[key] of one JSON kind, or null.
const Json* member(const Json& object, const char* key, bool (Json::*is)() const noexcept) {
  if (!object.is_object()) return nullptr;
  auto it = object.find(key);
  return it != object.end() && ((*it).*is)() ? &*it : nullptr;
}

class Reader {
public:
  explicit Reader(const Json& root) : root_(root) {}

  Result<DetectionLabels> read() {
    BURIN_CHECK(readCategories());
    BURIN_CHECK(readImages());
    BURIN_CHECK(readAnnotations());
    return std::move(labels_);
  }

private:
  Result<const Json*> list(const char* key) const {
    if (const Json* found = member(root_, key, &Json::is_array)) return found;
    return bad("the file", std::string("no list '") + key + "'");
  }

  Status readCategories() {
    BURIN_ASSIGN(const Json* categories, list("categories"));
    std::map<int64_t, std::string> names;
    for (const Json& category : *categories) {
      const Json *id = member(category, "id", &Json::is_number_integer),
                 *name = member(category, "name", &Json::is_string);
      if (!id) return bad("categories", "an entry has no integer 'id'");
      if (!names.emplace(id->get<int64_t>(), name ? name->get<std::string>() : "").second)
        return bad("categories", "id " + std::to_string(id->get<int64_t>()) + " appears twice");
    }
    for (const auto& [id, name] : names) {
      classOf_[id] = static_cast<int>(labels_.classes.size());
      labels_.classes.push_back(name);
    }
    return {};
  }

  Status readImages() {
    BURIN_ASSIGN(const Json* images, list("images"));
    for (const Json& image : *images) {
      const Json *id = member(image, "id", &Json::is_number_integer),
                 *file = member(image, "file_name", &Json::is_string);
      if (!id || !file) return bad("images", "an entry has no integer 'id' or no 'file_name'");
      std::string name = file->get<std::string>();
      if (!labels_.images.emplace(name, std::vector<TruthBox>{}).second)
        return bad("images", "'" + name + "' appears twice");
      if (!fileOf_.emplace(id->get<int64_t>(), name).second)
        return bad("images", "id " + std::to_string(id->get<int64_t>()) + " appears twice");
    }
    return {};
  }

  Status readAnnotations() {
    BURIN_ASSIGN(const Json* annotations, list("annotations"));
    size_t index = 0;
    for (const Json& annotation : *annotations)
      if (Status status = readAnnotation(annotation, "annotations[" + std::to_string(index++) + "]"); !status)
        return status;
    return {};
  }

  Status readAnnotation(const Json& annotation, const std::string& where) {
    const Json *image = member(annotation, "image_id", &Json::is_number_integer),
               *category = member(annotation, "category_id", &Json::is_number_integer);
    const Json* corners = member(annotation, "bbox", &Json::is_array);
    if (!image || !category || !corners || corners->size() != 4)
      return bad(where, "image_id, category_id or bbox [x, y, width, height] is missing");
    double v[4];
    for (size_t i = 0; i < 4; ++i) {
      if (!(*corners)[i].is_number()) return bad(where, "bbox has something that is no number");
      v[i] = (*corners)[i].get<double>();
      if (!std::isfinite(v[i])) return bad(where, "bbox is not finite");
    }
    auto file = fileOf_.find(image->get<int64_t>());
    auto classIndex = classOf_.find(category->get<int64_t>());
    if (file == fileOf_.end()) return bad(where, "no image has id " + std::to_string(image->get<int64_t>()));
    if (classIndex == classOf_.end())
      return bad(where, "no category has id " + std::to_string(category->get<int64_t>()));
    const Json* crowd = member(annotation, "iscrowd", &Json::is_number_integer);
    labels_.images[file->second].push_back(
        {classIndex->second, {v[0], v[1], v[0] + v[2], v[1] + v[3]}, crowd && crowd->get<int64_t>() != 0});
    return {};
  }

  const Json& root_;
  DetectionLabels labels_;
  std::map<int64_t, int> classOf_;
  std::map<int64_t, std::string> fileOf_;
};
} // namespace

const std::vector<TruthBox>* DetectionLabels::find(const std::string& file) const {
  auto it = images.find(file);
  if (it == images.end()) it = images.find(baseName(file));
  if (it != images.end()) return &it->second;
  for (const auto& [name, boxes] : images)
    if (baseName(name) == baseName(file)) return &boxes;
  return nullptr;
}

Result<DetectionLabels> parseDetectionLabels(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return bad("the file", "is no JSON");
  return Reader(json).read();
}

Result<DetectionLabels> loadDetectionLabels(const std::string& path) {
  BURIN_ASSIGN(std::string text, readTextFile(path));
  auto labels = parseDetectionLabels(text);
  if (!labels) return tl::unexpected(inFile(labels.error(), path));
  return labels;
}

} // namespace burin
