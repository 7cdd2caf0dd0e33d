// One folder of the ONNX node tests.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace burin::node_tests {

struct Outcome {
  std::string stage; // empty when passed; else import, compile, run, compare, data, crash, hang or harness
  std::string reason;
  std::string outside; // why a compiler to static tensor programs need not pass it; empty: it has to
  std::vector<std::string> bound; // inputs whose stored value was made part of the graph
};

// Import (binding inputs only where the importer has to know a value), prepare, compile for f32, run,
// compare.
Outcome runCase(const std::string& folder);

nlohmann::ordered_json toJson(const Outcome& outcome);
Outcome fromJson(const nlohmann::json& json);

} // namespace burin::node_tests
