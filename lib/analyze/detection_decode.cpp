#include "lib/analyze/detection_decode.h"

#include "lib/analyze/detection_grid.h"

namespace burin {

namespace detection {

std::vector<int64_t> stridesFor(const DetectorOutput& output, int64_t locations, int64_t perCell) {
  std::vector<int64_t> strides = {8, 16};
  int64_t cells = cellsOf(output, 8) + cellsOf(output, 16);
  for (int64_t stride : {32, 64}) {
    strides.push_back(stride);
    cells += cellsOf(output, stride);
    if (cells * perCell == locations) return strides;
  }
  return {};
}

BestClass bestClass(const float* scores, int64_t count, int64_t step) {
  int64_t best = 0;
  for (int64_t i = 1; i < count; ++i)
    if (scores[i * step] > scores[best * step]) best = i;
  return {static_cast<int>(best), scores[best * step]};
}

bool asTable(const NamedValues& tensor, Table& table) {
  const Dims& s = tensor.shape;
  if (s.size() == 3 && s[0] == 1)
    table = {s[1], s[2]};
  else if (s.size() == 2)
    table = {s[0], s[1]};
  else
    return false;
  return table.rows > 0 && table.columns > 0;
}

} // namespace detection

std::span<const Decoder> decoders() {
  static const Decoder table[] = {detection::kYolox, detection::kYolov5, detection::kYolov8,
                                  detection::kNanodet, detection::kUltraface};
  return table;
}

namespace {
std::string decoderNames() {
  std::string names;
  for (const Decoder& d : decoders()) names += (names.empty() ? "" : ", ") + std::string(d.name);
  return names;
}

std::string describe(const DetectorOutput& output) {
  std::string text;
  for (const NamedValues& t : output.tensors)
    text += (text.empty() ? "" : ", ") + t.name + " " + dimsText(t.shape);
  return text + " for a picture of " + std::to_string(output.inputWidth) + "x" +
         std::to_string(output.inputHeight);
}
} // namespace

Result<const Decoder*> findDecoder(const std::string& name, const DetectorOutput& output) {
  for (const Decoder& d : decoders()) {
    if (!name.empty() && name != d.name) continue;
    if (d.recognises(output)) return &d;
    if (!name.empty())
      return fail(ErrorCode::Usage, "the outputs are not those of '" + name + "': " + describe(output),
                  std::string("it wants ") + d.description);
  }
  if (!name.empty())
    return fail(ErrorCode::Usage, "unknown detection decoder '" + name + "'", "use one of " + decoderNames());
  return fail(ErrorCode::Unsupported, "no detection decoder knows these outputs: " + describe(output),
              "give --decode with one of " + decoderNames() + " to see what it wants");
}

Result<Detections> detect(const Decoder& decoder, const DetectorOutput& output, double minScore,
                          double maxOverlap) {
  for (const NamedValues& t : output.tensors)
    for (float v : t.values)
      if (std::isnan(v))
        return fail(Error{ErrorCode::Input,
                          {},
                          t.name,
                          "output has NaN",
                          "look for the first tensor with NaN with 'burin run --all-tensors'"});
  return suppressOverlaps(decoder.decode(output, minScore), maxOverlap);
}

} // namespace burin
