#include "lib/prepare/prepare.h"

#include "lib/prepare/rewrite.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace burin {

namespace rewrites {

// Functions are recognised before their constants disappear in weights, scales are folded before a clamp
// stands between.
ArrayRef<Group> groups() {
  static const Group all[] = {
      {"constants", addConstantPatterns},
      {"movement",
       [](RewritePatternSet& p) {
         addIdentityPatterns(p);
         addReshapePatterns(p);
         addTransposePatterns(p);
         addSlicePatterns(p);
         addMatMulPatterns(p);
         addPoolPatterns(p);
       }},
      {"functions",
       [](RewritePatternSet& p) {
         addFunctionPatterns(p);
         addGatedPatterns(p);
         addNormPatterns(p);
       }},
      {"scales", addScalePatterns},
      {"batch_norm", addBatchNormPatterns},
      {"pads", addPadPatterns},
      {"clamps", addClampPatterns},
  };
  return all;
}

bool runGroup(nn::GraphOp graph, const Group& group) {
  RewritePatternSet patterns(graph.getContext());
  group.add(patterns);
  GreedyRewriteConfig config;
  config.enableFolding(false).enableConstantCSE(false).setRegionSimplificationLevel(
      GreedySimplifyRegionLevel::Disabled);
  bool changed = false;
  (void)applyPatternsGreedily(graph.getOperation(), std::move(patterns), config, &changed);
  return changed;
}

} // namespace rewrites

namespace {
// Each round makes the graph smaller or moves a constant into weights; real networks need two.
constexpr int kMaxRounds = 8;

bool enabled(StringRef group, const PrepareOptions& options) {
  if (group == "functions") return options.recogniseFunctions;
  if (group == "scales" || group == "batch_norm") return options.foldScales;
  if (group == "clamps") return options.fuseActivations;
  return true;
}

bool runRound(nn::GraphOp graph, const PrepareOptions& options) {
  bool changed = rewrites::mergeEqualOps(graph);
  for (const rewrites::Group& group : rewrites::groups()) {
    if (!enabled(group.name, options)) continue;
    changed |= rewrites::runGroup(graph, group);
    if (StringRef(group.name) != "movement" || !options.moveTransposes ||
        !rewrites::flipTransposedRegions(graph))
      continue;
    // Constants moved along: they have to be constants again before scales are folded.
    rewrites::runGroup(graph, rewrites::groups().front());
    rewrites::runGroup(graph, group);
    changed = true;
  }
  return changed;
}
} // namespace

Status prepare(ModuleOp module, const PrepareOptions& options) {
  for (nn::GraphOp graph : module.getOps<nn::GraphOp>()) {
    rewrites::expandSplats(graph);
    rewrites::removeDeadOps(graph);
    for (int round = 0; round < kMaxRounds && runRound(graph, options); ++round) {
    }
    rewrites::removeDeadOps(graph);
    nameValues(graph);
  }
  if (failed(verify(module))) return fail(ErrorCode::Internal, "the prepared graph is not valid");
  return {};
}

} // namespace burin
