// Top-1 and top-5 on labelled pictures, and how far the scores are from those of another network.
#include "cli/eval.h"

#include "lib/analyze/classification.h"
#include "lib/analyze/metrics.h"
#include "lib/data/feed.h"

#include <fmt/format.h>

namespace burin::cli {

namespace {
constexpr size_t kTopClasses = 5;

// Which tensors of a program are read: the class scores, and what goes into the softmax that made them (the
// scores themselves when there is none).
struct ScoreTensors {
  std::string scores, logits;
  int64_t rows = 1, classes = 0;
};

const rt::Node* producerOf(const rt::Graph& graph, const rt::Tensor* tensor) {
  for (const rt::Node& node : graph.nodes)
    if (std::find(node.outputs.begin(), node.outputs.end(), tensor) != node.outputs.end()) return &node;
  return nullptr;
}

// Follows ops that only move or convert values back to a softmax.
const rt::Tensor* beforeSoftmax(const rt::Graph& graph, const rt::Tensor* scores) {
  static const std::set<std::string> passing = {"nn.reshape",   "nn.transpose",   "nn.cast",
                                                "qnn.quantize", "qnn.dequantize", "qnn.requantize",
                                                "nn.quantize",  "nn.dequantize"};
  for (const rt::Tensor* t = scores; const rt::Node* node = producerOf(graph, t); t = node->input(0)) {
    if (node->type.ends_with("softmax")) return node->input(0);
    if (!passing.count(node->type)) break;
  }
  return scores;
}

std::string outputNames(const rt::Graph& graph) {
  std::string names;
  for (int t : graph.outputs)
    names += (names.empty() ? "" : ", ") + graph.tensors[static_cast<size_t>(t)].name;
  return names;
}

Result<ScoreTensors> findScores(const Executable& executable, const std::string& path,
                                const std::string& wanted) {
  const rt::Graph& graph = executable.graph();
  const rt::Tensor* scores = nullptr;
  if (wanted.empty()) {
    if (graph.outputs.size() != 1)
      return fail(Error{ErrorCode::Usage,
                        path,
                        {},
                        fmt::format("has {} outputs: {}", graph.outputs.size(), outputNames(graph)),
                        "name the class scores with --output"});
    scores = &graph.tensors[static_cast<size_t>(graph.outputs[0])];
  }
  for (const rt::Tensor& t : graph.tensors)
    if (!wanted.empty() && t.name == wanted && !t.constant) scores = &t;
  if (!scores)
    return fail(Error{ErrorCode::Usage, path, wanted, "no such tensor",
                      "outputs are " + outputNames(graph) + "; 'burin dump --tensors' lists all"});
  const rt::Shape& shape = scores->shape();
  int64_t batch = executable.inputs().empty() || executable.inputs()[0].shape.empty()
                      ? 1
                      : executable.inputs()[0].shape[0];
  ScoreTensors found{scores->name, beforeSoftmax(graph, scores)->name,
                     shape.rank > 1 && shape[0] == batch ? batch : 1, 0};
  found.classes = found.rows > 0 ? shape.elements() / found.rows : 0;
  if (found.classes < 2)
    return fail(Error{ErrorCode::Usage, path, scores->name,
                      "has shape " + rt::toString(shape) + ", no class scores",
                      "name the class scores with --output"});
  return found;
}

struct Scores {
  std::vector<float> scores, logits; // rows x classes
};

// A session that keeps the two tensors of each run.
class Classifier {
public:
  static Result<std::unique_ptr<Classifier>> create(const Executable& executable, const ScoreTensors& tensors,
                                                    const std::string& path) {
    auto classifier = std::make_unique<Classifier>();
    BURIN_ASSIGN(classifier->runner_, Runner::create(executable, {}));
    Scores& last = classifier->last_;
    classifier->path_ = path;
    classifier->tensors_ = tensors;
    classifier->runner_->observe([&last, tensors](const rt::Tensor& t) {
      if (t.name == tensors.scores) last.scores = realValues(t);
      if (t.name == tensors.logits) last.logits = realValues(t);
    });
    return classifier;
  }

  Result<const Scores*> run(std::span<const Array> inputs) {
    if (Status status = runner_->run(inputs); !status) return tl::unexpected(inFile(status.error(), path_));
    if (findNan(last_.scores))
      return fail(Error{ErrorCode::Input, path_, tensors_.scores, "class scores have NaN",
                        "look for the first tensor with NaN with 'burin run --all-tensors'"});
    return &last_;
  }

private:
  std::unique_ptr<Runner> runner_;
  ScoreTensors tensors_;
  std::string path_;
  Scores last_;
};

// What one view of one picture adds to the result.
struct View {
  size_t rank = 0, againstRank = 0; // of the label
  bool agrees = false;
  double scoresSqnr = 0, logitsSqnr = 0;
};

class ClassificationRun {
public:
  ClassificationRun(const EvalFlags& flags, const Evaluation& evaluation)
      : f_(flags), e_(evaluation), views_(e_.data.size()), problems_(e_.data.size()) {}

  Status run() {
    BURIN_ASSIGN(tensors_, findScores(e_.network, f_.network, f_.output));
    if (e_.against) {
      BURIN_ASSIGN(againstTensors_, findScores(*e_.against, f_.against, f_.output));
      if (againstTensors_.classes != tensors_.classes || againstTensors_.rows != tensors_.rows)
        return fail(Error{
            ErrorCode::Input,
            f_.against,
            {},
            fmt::format("has {} classes, {} has {}", againstTensors_.classes, f_.network, tensors_.classes),
            "compare networks of the same task"});
    }
    BURIN_CHECK(readLabels());
    BURIN_CHECK(checkViews());
    int threads = std::min(f_.common.threadCount(), static_cast<int>(std::max<size_t>(1, e_.data.size())));
    for (int i = 0; i < threads; ++i) BURIN_CHECK(addWorker());
    return forEachSample(e_.data.size(), threads, f_.common.progress("evaluating"),
                         [this](size_t worker, size_t sample) { return evaluate(workers_[worker], sample); });
  }

  Status report() const;

private:
  struct Worker {
    std::unique_ptr<Classifier> network, against;
  };

  Status addWorker() {
    Worker worker;
    BURIN_ASSIGN(worker.network, Classifier::create(e_.network, tensors_, f_.network));
    if (e_.against) {
      BURIN_ASSIGN(worker.against, Classifier::create(*e_.against, againstTensors_, f_.against));
    }
    workers_.push_back(std::move(worker));
    return {};
  }

  // The output index of every row of every sample, so that a missing label is told before anything runs.
  Status readLabels() {
    if (f_.labels.empty()) return {};
    BURIN_ASSIGN(ClassLabels labels, ClassLabels::load(f_.labels));
    labels_.resize(e_.data.size());
    for (size_t i = 0; i < e_.data.size(); ++i) {
      std::vector<std::string> files = e_.data.files(i);
      if (static_cast<int64_t>(files.size()) < tensors_.rows)
        return fail(
            Error{ErrorCode::Input,
                  f_.data.path,
                  {},
                  fmt::format("sample {} has {} files for a batch of {}", i, files.size(), tensors_.rows),
                  "import with a batch of 1"});
      for (int64_t row = 0; row < tensors_.rows; ++row) {
        const std::string& file = files[static_cast<size_t>(row)];
        auto label = labels.find(file);
        if (!label)
          return fail(Error{ErrorCode::Input,
                            f_.labels,
                            {},
                            "no label for '" + file + "'",
                            "add a row '" + file + " <class>'"});
        int64_t index = *label + f_.labelOffset;
        if (index < 0 || index >= tensors_.classes)
          return fail(Error{ErrorCode::Input,
                            f_.labels,
                            {},
                            fmt::format("class {} of '{}' is output {}, but there are {}", *label, file,
                                        index, tensors_.classes),
                            "check the labels and --label-offset"});
        labels_[i].push_back(static_cast<size_t>(index));
      }
    }
    return {};
  }

  Status checkViews() const {
    if (f_.views == 1 || e_.data.size() == 0) return {};
    for (const std::string& file : e_.data.files(0))
      if (dataFileKind(file) != DataFileKind::Image)
        return fail(Error{ErrorCode::Usage,
                          f_.data.path,
                          {},
                          "--views 5 needs pictures, '" + file + "' is none",
                          "leave --views out"});
    return {};
  }

  Status evaluate(Worker& worker, size_t sample) {
    for (int view = 0; view < f_.views; ++view) {
      auto inputs = e_.load(sample, view);
      if (!inputs) {
        problems_[sample] = inputs.error().text();
        views_[sample].clear();
        return {};
      }
      BURIN_ASSIGN(const Scores* scores, worker.network->run(inputs->network));
      const Scores* other = nullptr;
      if (worker.against) {
        BURIN_ASSIGN(other, worker.against->run(inputs->against.empty() ? inputs->network : inputs->against));
      }
      for (int64_t row = 0; row < tensors_.rows; ++row)
        views_[sample].push_back(judge(*scores, other, sample, static_cast<size_t>(row)));
    }
    return {};
  }

  std::span<const float> rowOf(const std::vector<float>& values, size_t row) const {
    size_t size = values.size() / static_cast<size_t>(tensors_.rows);
    return std::span(values).subspan(row * size, size);
  }

  View judge(const Scores& scores, const Scores* other, size_t sample, size_t row) const {
    View view;
    std::span<const float> own = rowOf(scores.scores, row);
    if (!labels_.empty()) view.rank = rankOf(own, labels_[sample][row]);
    if (!other) return view;
    std::span<const float> theirs = rowOf(other->scores, row);
    if (!labels_.empty()) view.againstRank = rankOf(theirs, labels_[sample][row]);
    view.agrees = firstClass(own) == firstClass(theirs);
    view.scoresSqnr = similarity(theirs, own).sqnrDb;
    if (other->logits.size() == scores.logits.size())
      view.logitsSqnr = similarity(rowOf(other->logits, row), rowOf(scores.logits, row)).sqnrDb;
    return view;
  }

  const EvalFlags& f_;
  const Evaluation& e_;
  ScoreTensors tensors_, againstTensors_;
  std::vector<std::vector<size_t>> labels_;
  std::vector<Worker> workers_;
  std::vector<std::vector<View>> views_; // per sample, so that sums do not depend on threads
  std::vector<std::string> problems_;
};

double percent(size_t part, size_t whole) {
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

Status ClassificationRun::report() const {
  BURIN_ASSIGN(size_t skipped, reportSkipped(problems_, f_));
  size_t n = 0, top1 = 0, top5 = 0, against1 = 0, against5 = 0, agree = 0;
  double scoresSqnr = 0, logitsSqnr = 0;
  for (const auto& sample : views_)
    for (const View& v : sample) {
      ++n;
      top1 += v.rank == 0, top5 += v.rank < kTopClasses;
      against1 += v.againstRank == 0, against5 += v.againstRank < kTopClasses;
      agree += v.agrees;
      scoresSqnr += v.scoresSqnr, logitsSqnr += v.logitsSqnr;
    }
  Json json = Json::object();
  if (!labels_.empty()) json["top1"] = percent(top1, n), json["top5"] = percent(top5, n);
  json["n"] = n, json["skipped"] = skipped;
  if (e_.against) {
    json["agreement"] = percent(agree, n);
    json["sqnr_db"] = scoresSqnr / static_cast<double>(n);
    json["logits_sqnr_db"] = logitsSqnr / static_cast<double>(n);
    json["logits"] = tensors_.logits;
    if (!labels_.empty()) json["against"] = {{"top1", percent(against1, n)}, {"top5", percent(against5, n)}};
  }
  if (f_.common.json) {
    printJson(json);
    return {};
  }
  if (!labels_.empty())
    fmt::print("top-1 {:.2f} %, top-5 {:.2f} % of {} views ({} samples skipped)\n", percent(top1, n),
               percent(top5, n), n, skipped);
  if (!e_.against) return {};
  if (!labels_.empty())
    fmt::print("{}: top-1 {:.2f} %, top-5 {:.2f} %\n", f_.against, percent(against1, n),
               percent(against5, n));
  fmt::print("same first class on {:.2f} % of {} views; SQNR of '{}' {:.2f} dB, of '{}' {:.2f} dB\n",
             percent(agree, n), n, tensors_.scores, scoresSqnr / static_cast<double>(n), tensors_.logits,
             logitsSqnr / static_cast<double>(n));
  return {};
}
} // namespace

Status evalClassification(const EvalFlags& flags, const Evaluation& evaluation) {
  ClassificationRun run(flags, evaluation);
  BURIN_CHECK(run.run());
  return run.report();
}

} // namespace burin::cli
