#include "lib/import/tflite/metadata.h"

#include "schema/tflite_metadata_generated.h"

#include <cmath>
#include <fmt/format.h>

namespace burin::tflite {

namespace {
const tflmeta::ModelMetadata* findMetadata(const tfl::Model& model) {
  const auto* list = model.metadata();
  for (flatbuffers::uoffset_t i = 0; list && i < list->size(); ++i) {
    const tfl::Metadata* entry = list->Get(i);
    if (!entry || !entry->name() || entry->name()->string_view() != "TFLITE_METADATA") continue;
    if (!model.buffers() || entry->buffer() >= model.buffers()->size()) return nullptr;
    const tfl::Buffer* buffer = model.buffers()->Get(entry->buffer());
    if (!buffer || !buffer->data() || buffer->data()->size() < 8) return nullptr;
    flatbuffers::Verifier verifier(buffer->data()->data(), buffer->data()->size(), 16, 1 << 16);
    return tflmeta::VerifyModelMetadataBuffer(verifier) ? tflmeta::GetModelMetadata(buffer->data()->data())
                                                        : nullptr;
  }
  return nullptr;
}

const tflmeta::NormalizationOptions* normalizationOf(const tflmeta::TensorMetadata& input) {
  const auto* units = input.process_units();
  for (flatbuffers::uoffset_t i = 0; units && i < units->size(); ++i) {
    const auto* options = units->Get(i) ? units->Get(i)->options_as_NormalizationOptions() : nullptr;
    if (options && options->mean() && options->std() && options->mean()->size() == options->std()->size() &&
        options->mean()->size() <= 4)
      return options;
  }
  return nullptr;
}

// Of real numbers: an input that stores integers quantizes them itself.
std::optional<PreprocessHint> hintFor(const tflmeta::TensorMetadata& input, const TensorFacts& tensor) {
  const auto* content = input.content();
  const auto* image = content ? content->properties_as_ImageProperties() : nullptr;
  const auto* normalization = normalizationOf(input);
  if (!image || !normalization) return std::nullopt;
  PreprocessHint hint;
  hint.input = tensor.name, hint.source = "the model's metadata";
  for (flatbuffers::uoffset_t i = 0; i < normalization->mean()->size(); ++i) {
    const double mean = normalization->mean()->Get(i), std = normalization->std()->Get(i);
    if (!std::isfinite(mean) || !std::isfinite(std) || !(std > 0)) return std::nullopt;
    hint.mean += fmt::format("{}{}", i ? "," : "", mean);
    hint.scale += fmt::format("{}{}", i ? "," : "", 1 / std);
  }
  if (image->color_space() == tflmeta::ColorSpace::RGB) hint.pixel = "rgb";
  if (image->color_space() == tflmeta::ColorSpace::GRAYSCALE) hint.pixel = "gray";
  return hint;
}
} // namespace

std::vector<PreprocessHint> preprocessHints(const Model& model) {
  std::vector<PreprocessHint> hints;
  const tflmeta::ModelMetadata* metadata = findMetadata(model.stored());
  const auto* graphs = metadata ? metadata->subgraphs() : nullptr;
  const auto* inputs = graphs && graphs->size() && graphs->Get(0) ? graphs->Get(0)->inputs() : nullptr;
  for (flatbuffers::uoffset_t i = 0; inputs && i < inputs->size() && i < model.inputs().size(); ++i)
    if (inputs->Get(i) && model.inputs()[i] >= 0)
      if (auto hint = hintFor(*inputs->Get(i), model.tensors()[static_cast<size_t>(model.inputs()[i])]))
        hints.push_back(*hint);
  return hints;
}

} // namespace burin::tflite
