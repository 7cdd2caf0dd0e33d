// Runs every folder of Debian's libonnx-testdata through import, float compile and run.
//
//   node_tests [--data DIR] [--json FILE] [--floor N] [FOLDER...]
//
// Exit codes: 0 at least N folders passed, 1 fewer did, 2 usage, 77 no test data.
#include "tests/node/node_case.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <sys/wait.h>
#include <unistd.h>

using namespace burin::node_tests;
namespace fs = std::filesystem;

namespace {
constexpr unsigned kSecondsPerFolder = 60;
constexpr int kSkipped = 77;

std::string readAll(int descriptor) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(descriptor, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(n));
  return text;
}

// In a process of its own: a crash or a hang is a failure of one folder, not of the run.
Outcome runIsolated(const fs::path& folder) {
  int ends[2];
  if (pipe(ends) != 0) return {"harness", "no pipe", {}, {}};
  fflush(nullptr);
  pid_t child = fork();
  if (child < 0) return {"harness", "no process", {}, {}};
  if (child == 0) {
    close(ends[0]);
    alarm(kSecondsPerFolder);
    std::string text =
        toJson(runCase(folder.string())).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    ssize_t written = write(ends[1], text.data(), text.size());
    _exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string text = readAll(ends[0]);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    int signal = WTERMSIG(status);
    if (signal == SIGALRM) return {"hang", fmt::format("not done after {} s", kSecondsPerFolder), {}, {}};
    return {"crash", fmt::format("ended by signal {} ({})", signal, strsignal(signal)), {}, {}};
  }
  auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded())
    return {"crash", fmt::format("ended with exit code {}", WEXITSTATUS(status)), {}, {}};
  return fromJson(json);
}

std::vector<fs::path> foldersOf(const std::string& data, const std::vector<std::string>& only) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(data, error)) {
    bool wanted = only.empty() || std::find(only.begin(), only.end(), entry.path().filename()) != only.end();
    if (wanted && fs::exists(entry.path() / "model.onnx")) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

void writeReport(const std::string& path, const nlohmann::ordered_json& report) {
  std::error_code ignored;
  if (fs::path parent = fs::path(path).parent_path(); !parent.empty())
    fs::create_directories(parent, ignored);
  std::ofstream file(path + ".part");
  file << report.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  file.close();
  if (!file || rename((path + ".part").c_str(), path.c_str()) != 0)
    fmt::print(stderr, "node_tests: error: {}: cannot be written\n", path);
}
} // namespace

int main(int argc, char** argv) {
  std::string data = "/usr/share/libonnx-testdata/data/node", jsonPath;
  size_t floor = 0;
  std::vector<std::string> only;
  CLI::App app("ONNX node tests through import, float compile and run");
  app.add_option("--data", data, "folder of the node tests");
  app.add_option("--json", jsonPath, "report to write");
  app.add_option("--floor", floor, "exit 1 when fewer folders pass");
  app.add_option("folders", only, "only these");
  CLI11_PARSE(app, argc, argv);

  std::vector<fs::path> folders = foldersOf(data, only);
  if (folders.empty()) {
    fmt::print("{}: no node tests there; install libonnx-testdata\n", data);
    return kSkipped;
  }
  nlohmann::ordered_json report{{"total", folders.size()},
                                {"passed", 0},
                                {"failed", nlohmann::ordered_json::array()},
                                {"bound", nlohmann::ordered_json::object()}};
  size_t passed = 0;
  std::map<std::string, size_t> byStage;
  for (const fs::path& folder : folders) {
    Outcome outcome = runIsolated(folder);
    std::string name = folder.filename();
    if (!outcome.bound.empty()) report["bound"][name] = outcome.bound;
    if (outcome.stage.empty()) {
      ++passed;
      continue;
    }
    ++byStage[outcome.stage];
    report["failed"].push_back({{"folder", name},
                                {"stage", outcome.stage},
                                {"outside", outcome.outside},
                                {"reason", outcome.reason}});
    fmt::print("{}: {}: {}{}\n", name, outcome.stage, outcome.reason,
               outcome.outside.empty() ? "" : " [outside a static compiler: " + outcome.outside + "]");
  }
  report["passed"] = passed;
  for (const auto& [stage, count] : byStage) report["failed_by_stage"][stage] = count;
  if (!jsonPath.empty()) writeReport(jsonPath, report);
  fmt::print("ONNX node tests: {} of {} passed, floor {}\n", passed, folders.size(), floor);
  return passed < floor ? 1 : 0;
}
