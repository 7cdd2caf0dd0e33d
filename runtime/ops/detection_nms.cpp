// nn.nms: greedy suppression per batch and class. Candidates are taken by falling score, ties by lower index;
// one is kept when its overlap with every box kept before is at most the threshold.
#include "runtime/ops/detection_ops.h"

#include <algorithm>
#include <cstring>

namespace burin::rt {

namespace {
constexpr int64_t kMaxBoxes = int64_t{1} << 26; // per class: scratch memory stays bounded
}

bool inferNms(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 2, 2, error) ||
      !checkInts(signature, "max_output", 1, 0, kMaxElements, error) ||
      !checkInts(signature, "center_point_box", 1, 0, 1, error))
    return false;
  const TensorType &boxes = *signature.input(0), &scores = *signature.input(1);
  if (!isFloat(boxes.dtype) || !isFloat(scores.dtype))
    return reject(error, "boxes and scores must be floats");
  if (boxes.shape.rank != 3 || boxes.shape[2] != 4)
    return reject(error, "boxes of shape " + toString(boxes.shape) + " must be [batch, boxes, 4]");
  if (scores.shape.rank != 3 || scores.shape[0] != boxes.shape[0] || scores.shape[2] != boxes.shape[1])
    return reject(error, "scores of shape " + toString(scores.shape) + " do not fit boxes of shape " +
                             toString(boxes.shape));
  if (boxes.shape[1] > kMaxBoxes)
    return reject(error, "there are more than " + std::to_string(kMaxBoxes) + " boxes");
  const int64_t most = std::min(signature.attrs.integer("max_output"), boxes.shape[1]);
  const int64_t rows = boundedProduct(boundedProduct(scores.shape[0], scores.shape[1]), most);
  if (rows > kMaxElements / 3) return reject(error, "the result is too large");
  results = {{DType::I64, Shape{rows, 3}}, {DType::I64, Shape{1}}};
  return true;
}

namespace {
// A score that orders as an integer: NaN is lowest.
struct Candidate {
  int32_t key;
  int32_t box;
  bool operator<(const Candidate& o) const { return key != o.key ? key > o.key : box < o.box; }
};

int32_t orderKey(float score) {
  if (score != score) return INT32_MIN;
  score += 0.0f; // -0 ties with 0
  int32_t bits;
  std::memcpy(&bits, &score, sizeof bits);
  return bits < 0 ? static_cast<int32_t>(0x80000000u - static_cast<uint32_t>(bits)) : bits;
}

struct Box {
  float x0, y0, x1, y1, area;
};

class NmsKernel final : public Kernel {
public:
  explicit NmsKernel(const Node& node) : node_(node) {
    centered_ = node.attrs.integer("center_point_box") != 0;
    threshold_ = node.attrs.real("iou_threshold");
    most_ = std::min(node.attrs.integer("max_output"), boxes());
  }

  size_t scratchBytes() const override {
    return static_cast<size_t>(boxes()) * sizeof(Candidate) + static_cast<size_t>(most_) * sizeof(Box);
  }

  void run(Context& context) override {
    const Tensor &scores = node_.in(1), &y = node_.out(0);
    int64_t rows = 0;
    for (int64_t b = 0; b < scores.type.shape[0]; ++b)
      for (int64_t c = 0; c < scores.type.shape[1]; ++c) rows = selectClass(b, c, rows, context.scratch);
    node_.out(1).as<int64_t>()[0] = rows;
    for (; rows < y.type.shape[0]; ++rows) writeRow(rows, -1, -1, -1);
  }

private:
  int64_t boxes() const { return node_.in(0).type.shape[1]; }

  int64_t selectClass(int64_t batch, int64_t klass, int64_t row, uint8_t* scratch) const {
    const Tensor& scores = node_.in(1);
    Box* kept = reinterpret_cast<Box*>(scratch);
    Candidate* candidates = reinterpret_cast<Candidate*>(kept + most_);
    const float* score = scores.as<float>() + batch * scores.stride[0] + klass * scores.stride[1];
    const bool limited = node_.attrs.has("score_threshold");
    const float least = node_.attrs.real("score_threshold");
    int64_t count = 0, found = 0;
    for (int64_t i = 0; i < boxes(); ++i) {
      const float value = score[i * scores.stride[2]];
      if (!limited || value > least) candidates[count++] = {orderKey(value), static_cast<int32_t>(i)};
    }
    std::sort(candidates, candidates + count);
    for (int64_t i = 0; i < count && found < most_; ++i) {
      const Box box = readBox(batch, candidates[i].box);
      bool free = true;
      for (int64_t k = 0; k < found && free; ++k) free = !overlaps(kept[k], box);
      if (!free) continue;
      kept[found++] = box;
      writeRow(row++, batch, klass, candidates[i].box);
    }
    return row;
  }

  void writeRow(int64_t row, int64_t batch, int64_t klass, int64_t box) const {
    const Tensor& y = node_.out(0);
    int64_t* to = y.as<int64_t>() + row * y.stride[0];
    to[0] = batch;
    to[y.stride[1]] = klass;
    to[2 * y.stride[1]] = box;
  }

  Box readBox(int64_t batch, int64_t i) const {
    const Tensor& t = node_.in(0);
    const float* p = t.as<float>() + batch * t.stride[0] + i * t.stride[1];
    const int64_t s = t.stride[2];
    Box box;
    if (centered_) { // x, y, width, height
      box = {p[0] - p[2 * s] / 2, p[s] - p[3 * s] / 2, p[0] + p[2 * s] / 2, p[s] + p[3 * s] / 2, 0};
    } else { // y, x of any two opposite corners
      box = {std::min(p[s], p[3 * s]), std::min(p[0], p[2 * s]), std::max(p[s], p[3 * s]),
             std::max(p[0], p[2 * s]), 0};
    }
    box.area = (box.x1 - box.x0) * (box.y1 - box.y0);
    return box;
  }

  bool overlaps(const Box& a, const Box& b) const {
    const float width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
    const float height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
    if (!(width > 0) || !(height > 0) || !(a.area > 0) || !(b.area > 0)) return false;
    const float both = width * height;
    return both / (a.area + b.area - both) > threshold_;
  }

  const Node& node_;
  bool centered_ = false;
  float threshold_ = 0;
  int64_t most_ = 0;
};
} // namespace

std::unique_ptr<Kernel> makeNms(const Node& node, const KernelConfig&, std::string& error) {
  if (node.in(0).dtype() != DType::F32 || node.in(1).dtype() != DType::F32) {
    error = "16-bit floats need a cast to f32";
    return nullptr;
  }
  return std::make_unique<NmsKernel>(node);
}

} // namespace burin::rt
