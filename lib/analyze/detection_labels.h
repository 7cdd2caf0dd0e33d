// Ground truth boxes in the COCO annotation format.
#pragma once

#include "lib/analyze/detection.h"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace burin {

struct TruthBox {
  int classIndex = 0; // place of the category among the file's categories, by rising id
  Box box;
  bool crowd = false; // many objects in one box: a detection there is neither right nor wrong
};

struct DetectionLabels {
  std::vector<std::string> classes;                    // names by class index
  std::map<std::string, std::vector<TruthBox>> images; // by file name; pictures without boxes are there, too

  // By name, or by name without folders.
  const std::vector<TruthBox>* find(const std::string& file) const;
};

// Errors name the file and the entry that is wrong.
Result<DetectionLabels> loadDetectionLabels(const std::string& path);
Result<DetectionLabels> parseDetectionLabels(std::string_view json);

} // namespace burin
