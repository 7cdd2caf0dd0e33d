// Runs the suites of Debian's libonnx-testdata through import, float compile and run.
//
//   onnx_node_tests [--data DIR] [--json FILE] [FOLDER...]
//
// Exit codes: 0 every folder passed or has a reason not to, 1 one failed or too few passed, 2 usage, 77 no
// test data.
#include "tests/node/node_case.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
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

// The folders of test data and how many of each have to pass. Whatever else fails needs a reason why it is
// outside of what a static compiler does; the numbers keep those reasons from hiding what once worked.
struct Suite {
  const char* name;
  size_t floor;
};
constexpr Suite kSuites[] = {
    {"node", 876}, {"pytorch-converted", 82}, {"pytorch-operator", 35}, {"simple", 15}};

std::vector<fs::path> foldersOf(const fs::path& data, const std::vector<std::string>& only) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(data, error)) {
    bool wanted = only.empty() || std::find(only.begin(), only.end(), entry.path().filename()) != only.end();
    if (wanted && fs::exists(entry.path() / "model.onnx")) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

struct SuiteResult {
  size_t passed = 0;
  nlohmann::ordered_json failed = nlohmann::ordered_json::array(), excluded = failed,
                         bound = nlohmann::ordered_json::object();
};

SuiteResult runSuite(const std::vector<fs::path>& folders) {
  SuiteResult result;
  for (const fs::path& folder : folders) {
    Outcome outcome = runIsolated(folder);
    std::string name = folder.filename();
    if (!outcome.bound.empty()) result.bound[name] = outcome.bound;
    if (outcome.stage.empty()) {
      ++result.passed;
    } else if (!outcome.outside.empty()) {
      result.excluded.push_back({{"folder", name}, {"reason", outcome.outside}, {"message", outcome.reason}});
    } else {
      result.failed.push_back({{"folder", name}, {"stage", outcome.stage}, {"message", outcome.reason}});
      fmt::print("{}: {}: {}\n", name, outcome.stage, outcome.reason);
    }
  }
  return result;
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
  std::string data = "/usr/share/libonnx-testdata/data", jsonPath;
  std::vector<std::string> only;
  CLI::App app("ONNX test data through import, float compile and run");
  app.add_option("--data", data, "folder of the suites node, pytorch-converted, pytorch-operator and simple");
  app.add_option("--json", jsonPath, "report to write");
  app.add_option("folders", only, "only these, without a floor");
  CLI11_PARSE(app, argc, argv);

  nlohmann::ordered_json report;
  bool good = true;
  for (const Suite& suite : kSuites) {
    std::vector<fs::path> folders = foldersOf(fs::path(data) / suite.name, only);
    if (folders.empty()) continue;
    SuiteResult result = runSuite(folders);
    size_t floor = only.empty() ? suite.floor : 0;
    good = good && result.failed.empty() && result.passed >= floor;
    fmt::print("ONNX {}: {} of {} passed (at least {} have to), {} excluded, {} failed\n", suite.name,
               result.passed, folders.size(), floor, result.excluded.size(), result.failed.size());
    report[suite.name] = {{"total", folders.size()}, {"passed", result.passed},     {"floor", floor},
                          {"failed", result.failed}, {"excluded", result.excluded}, {"bound", result.bound}};
  }
  if (report.empty()) {
    fmt::print("{}: no test data there; install libonnx-testdata\n", data);
    return kSkipped;
  }
  if (!jsonPath.empty()) writeReport(jsonPath, report);
  return good ? 0 : 1;
}
