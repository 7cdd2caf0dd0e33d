#include "cli/command.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

namespace {
// A report that a full disk cut short is no success.
int outputFailed() {
  std::fprintf(stderr, "burin: error: cannot write to standard output: %s; check that the disk has room\n",
               std::strerror(errno));
  return static_cast<int>(burin::ErrorCode::Output);
}
} // namespace

int main(int argc, char** argv) {
  using namespace burin::cli;
  App app;
  app.cli.require_subcommand(1);
  app.cli.set_version_flag("--version", "burin " BURIN_VERSION);
  app.cli.footer("burin COMMAND --help tells more. Exit codes: 0 ok, 1 a comparison or floor failed, 2 "
                 "usage, 3 invalid input,\n"
                 "4 unsupported, 5 cannot write, 70 our own bug.");
  addQuantize(app);
  addImport(app);
  addCalibrate(app);
  addCompile(app);
  addRun(app);
  addCompare(app);
  addEval(app);
  addBench(app);
  addInfo(app);
  addDump(app);
  addTargets(app);
  addFormats(app);
  addExport(app);
  auto isWanted = [&](CLI::App* command) { return command->get_name() == argv[1]; };
  if (argc > 1 && argv[1][0] != '-' && app.cli.get_subcommands(isWanted).empty()) {
    std::fprintf(stderr, "burin: error: unknown command '%s'; see 'burin --help'\n", argv[1]);
    return static_cast<int>(burin::ErrorCode::Usage);
  }
  try {
    app.cli.parse(argc, argv);
  } catch (const CLI::Success& e) { // --help, --version
    return app.cli.exit(e);
  } catch (const CLI::ParseError& e) {
    std::fprintf(stderr, "burin: error: %s; see 'burin --help' or 'burin COMMAND --help'\n", e.what());
    return static_cast<int>(burin::ErrorCode::Usage);
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "burin: error: out of memory; use a smaller input shape or fewer threads\n");
    return static_cast<int>(burin::ErrorCode::Input);
  } catch (const std::exception& e) {
    if (std::ferror(stdout)) return outputFailed();
    std::fprintf(stderr,
                 "burin: error: internal error: %s; please report it with the model and the command\n",
                 e.what());
    return static_cast<int>(burin::ErrorCode::Internal);
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout)) return outputFailed();
  return app.exitCode;
}
