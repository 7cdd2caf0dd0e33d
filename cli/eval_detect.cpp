// Detections of a network against those of another one, or against ground truth.
#include "cli/eval.h"

#include "lib/analyze/detection_agreement.h"
#include "lib/analyze/detection_average_precision.h"
#include "lib/analyze/detection_decode.h"
#include "lib/data/feed.h"
#include "lib/data/image_file.h"
#include "lib/support/file.h"

#include <cmath>
#include <filesystem>
#include <fmt/format.h>

namespace burin::cli {

namespace {
// Average precision ranks all detections, down to this score.
constexpr double kLowestScore = 0.001;

// A session and the decoder of its outputs.
class Detector {
public:
  static Result<std::unique_ptr<Detector>> create(const Executable& executable, const std::string& path,
                                                  const std::string& decode) {
    auto detector = std::make_unique<Detector>();
    detector->path_ = path;
    const rt::Graph& graph = executable.graph();
    for (int index : graph.outputs) {
      const rt::Tensor& t = graph.tensors[static_cast<size_t>(index)];
      detector->tensors_.push_back(
          {t.name, Dims(t.type.shape.dim, t.type.shape.dim + t.type.shape.rank), {}});
    }
    auto picture = executable.inputs().size() == 1
                       ? pictureInput(executable.inputs()[0])
                       : fail(ErrorCode::Usage, "detection needs a network with one picture as input");
    if (!picture) return tl::unexpected(inFile(picture.error(), path));
    if (picture->batch != 1)
      return fail(
          Error{ErrorCode::Usage, path, {}, "detection needs a batch of 1", "import with --input-shapes"});
    detector->output_ = {detector->tensors_, picture->width, picture->height};
    auto decoder = findDecoder(decode, detector->output_);
    if (!decoder) return tl::unexpected(inFile(decoder.error(), path));
    detector->decoder_ = *decoder;
    BURIN_ASSIGN(detector->runner_, Runner::create(executable, {}));
    return detector;
  }

  const Decoder& decoder() const { return *decoder_; }
  const DetectorOutput& output() const { return output_; }

  Result<Detections> run(std::span<const Array> inputs, double minScore, double maxOverlap) {
    if (Status status = runner_->run(inputs); !status) return tl::unexpected(inFile(status.error(), path_));
    for (size_t i = 0; i < tensors_.size(); ++i) tensors_[i].values = realValues(runner_->outputTensor(i));
    auto found = detect(*decoder_, output_, minScore, maxOverlap);
    if (!found) return tl::unexpected(inFile(found.error(), path_));
    return found;
  }

private:
  std::string path_;
  std::unique_ptr<Runner> runner_;
  std::vector<NamedValues> tensors_;
  DetectorOutput output_; // views tensors_
  const Decoder* decoder_ = nullptr;
};

// The path of a sample's file: data sets speak of files relative to their directory or list.
std::string pathOf(const std::string& data, const std::string& file) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  for (const fs::path& folder : {fs::path(data), fs::path(data).parent_path()})
    if (fs::is_regular_file(folder / file, ignored)) return (folder / file).string();
  return file;
}

class DetectionRun {
public:
  DetectionRun(const EvalFlags& flags, const Evaluation& evaluation)
      : f_(flags), e_(evaluation), found_(e_.data.size()), reference_(e_.data.size()),
        problems_(e_.data.size()) {}

  Status run() {
    BURIN_CHECK(readLabels());
    int threads = std::min(f_.common.threadCount(), static_cast<int>(std::max<size_t>(1, e_.data.size())));
    for (int i = 0; i < threads; ++i) BURIN_CHECK(addWorker());
    chooseThresholds();
    return forEachSample(e_.data.size(), threads, f_.common.progress("evaluating"),
                         [this](size_t worker, size_t sample) { return evaluate(workers_[worker], sample); });
  }

  Status report() const;

private:
  struct Worker {
    std::unique_ptr<Detector> network, against;
  };

  Status readLabels() {
    if (f_.labels.empty()) return {};
    BURIN_ASSIGN(labels_, loadDetectionLabels(f_.labels));
    for (size_t i = 0; i < e_.data.size(); ++i)
      if (!labels_.find(fileOf(i)))
        return fail(Error{ErrorCode::Input,
                          f_.labels,
                          {},
                          "no image '" + fileOf(i) + "'",
                          "give annotations of these pictures"});
    return {};
  }

  Status addWorker() {
    Worker worker;
    BURIN_ASSIGN(worker.network, Detector::create(e_.network, f_.network, f_.decode));
    if (e_.against) {
      BURIN_ASSIGN(worker.against, Detector::create(*e_.against, f_.against, f_.decode));
    }
    workers_.push_back(std::move(worker));
    return {};
  }

  void chooseThresholds() {
    const Decoder& decoder = workers_[0].network->decoder();
    score_ = f_.score >= 0 ? f_.score : decoder.score;
    overlap_ = f_.overlap >= 0 ? f_.overlap : decoder.overlap;
    lowest_ = e_.against          ? std::max(0.0, score_ - kScoreTolerance)
              : f_.labels.empty() ? score_
                                  : std::min(score_, kLowestScore);
  }

  std::string fileOf(size_t sample) const { return e_.data.files(sample).at(0); }

  Status evaluate(Worker& worker, size_t sample) {
    auto inputs = e_.load(sample, 0);
    if (!inputs) {
      problems_[sample] = inputs.error().text();
      return {};
    }
    BURIN_ASSIGN(found_[sample], detectOn(*worker.network, e_.network, inputs->network, sample));
    if (worker.against) {
      std::span<const Array> other = inputs->against.empty() ? inputs->network : inputs->against;
      BURIN_ASSIGN(reference_[sample], detectOn(*worker.against, *e_.against, other, sample));
    }
    return {};
  }

  // In pixels of the original picture; of the network's input for data that are no pictures.
  Result<Detections> detectOn(Detector& detector, const Executable& executable, std::span<const Array> inputs,
                              size_t sample) {
    BURIN_ASSIGN(Detections found, detector.run(inputs, lowest_, overlap_));
    const auto& preprocess = executable.inputs()[0].preprocess;
    std::string path = pathOf(f_.data.path, fileOf(sample));
    if (!preprocess || dataFileKind(path) != DataFileKind::Image) return found;
    BURIN_ASSIGN(Image image, loadImage(path));
    BURIN_ASSIGN(PictureTransform transform,
                 pictureTransform(*preprocess, image.width, image.height,
                                  static_cast<int32_t>(detector.output().inputWidth),
                                  static_cast<int32_t>(detector.output().inputHeight)));
    for (Detection& d : found) d.box = transform.toPicture(d.box);
    return found;
  }

  Agreement agreement() const {
    Agreement sum;
    for (size_t i = 0; i < found_.size(); ++i) {
      if (!problems_[i].empty()) continue;
      sum += e_.against ? compareDetections(reference_[i], found_[i], score_)
                        : compareWithTruth(*labels_.find(fileOf(i)), found_[i], score_);
    }
    return sum;
  }

  AveragePrecision precision() const {
    std::vector<DetectedPicture> pictures;
    for (size_t i = 0; i < found_.size(); ++i)
      if (problems_[i].empty()) pictures.push_back({&found_[i], labels_.find(fileOf(i))});
    return averagePrecision(pictures, static_cast<int>(labels_.classes.size()));
  }

  Status saveDetections() const;
  void print(const Json& json) const;

  const EvalFlags& f_;
  const Evaluation& e_;
  DetectionLabels labels_;
  std::vector<Worker> workers_;
  double score_ = 0, overlap_ = 0, lowest_ = 0;
  std::vector<Detections> found_, reference_; // per sample
  std::vector<std::string> problems_;
};

// Coordinates to a hundredth of a pixel, scores to four digits.
Status DetectionRun::saveDetections() const {
  auto rounded = [](double v, double unit) { return std::round(v * unit) / unit; };
  Json pictures = Json::object();
  for (size_t i = 0; i < found_.size(); ++i) {
    if (!problems_[i].empty()) continue;
    Json list = Json::array();
    for (const Detection& d : found_[i])
      if (d.score > score_)
        list.push_back({{"class", d.classIndex},
                        {"score", rounded(d.score, 1e4)},
                        {"box",
                         {rounded(d.box.x0, 100), rounded(d.box.y0, 100), rounded(d.box.x1, 100),
                          rounded(d.box.y1, 100)}}});
    pictures[fileOf(i)] = std::move(list);
  }
  std::string text =
      jsonLine(Json{{"score", score_}, {"iou", overlap_}, {"detections", std::move(pictures)}}) + "\n";
  return writeFile(f_.saveDetections, text);
}

void DetectionRun::print(const Json& json) const {
  if (f_.common.json) {
    printJson(json);
    return;
  }
  auto number = [&](const char* key) { return json[key].get<double>(); };
  fmt::print("{} detections on {} pictures ({} skipped); {}, score > {}, IoU {}\n", json["detections"].dump(),
             json["n"].dump(), json["skipped"].dump(), json["decoder"].get<std::string>(), score_, overlap_);
  if (json.contains("f1"))
    fmt::print("F1 {:.4f}, precision {:.4f}, recall {:.4f} of {} expected\n", number("f1"),
               number("precision"), number("recall"), json["expected"].dump());
  if (json.contains("map")) fmt::print("mAP@50 {:.4f}, mAP {:.4f}\n", number("map50"), number("map"));
}

Status DetectionRun::report() const {
  BURIN_ASSIGN(size_t skipped, reportSkipped(problems_, f_));
  if (!f_.saveDetections.empty()) BURIN_CHECK(saveDetections());
  Json json = Json::object();
  size_t detections = 0;
  for (const Detections& found : found_)
    detections += static_cast<size_t>(
        std::ranges::count_if(found, [&](const Detection& d) { return d.score > score_; }));
  if (e_.against || !f_.labels.empty()) {
    Agreement sum = agreement();
    if (sum.empty())
      return fail(Error{ErrorCode::Failed,
                        f_.network,
                        {},
                        fmt::format("neither side has a detection with a score above {}", score_),
                        "lower --score, or give other pictures"});
    json = {{"f1", sum.f1()},
            {"precision", sum.precisionValue()},
            {"recall", sum.recallValue()},
            {"expected", sum.recall.wanted}};
  }
  if (!f_.labels.empty()) {
    AveragePrecision ap = precision();
    json["map50"] = ap.map50;
    json["map"] = ap.map;
  }
  json["n"] = found_.size() - skipped;
  json["skipped"] = skipped;
  json["detections"] = detections;
  json["decoder"] = workers_[0].network->decoder().name;
  json["score"] = score_;
  json["iou"] = overlap_;
  print(json);
  return {};
}
} // namespace

Status evalDetection(const EvalFlags& flags, const Evaluation& evaluation) {
  DetectionRun run(flags, evaluation);
  BURIN_CHECK(run.run());
  return run.report();
}

} // namespace burin::cli
