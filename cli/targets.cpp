#include "cli/command.h"

#include <fmt/format.h>

namespace burin::cli {

namespace {
Json targetJson(const Target& t) {
  Json schemes = Json::array(), precisions = Json::array();
  for (Scheme s : {Scheme::Symmetric, Scheme::Asymmetric})
    if (t.scheme(s)) schemes.push_back(nameOf(s));
  for (Precision p : {Precision::Int8, Precision::Int16, Precision::F16, Precision::BF16, Precision::F32})
    if (t.has(p)) precisions.push_back(nameOf(p));
  return {{"name", t.name},
          {"vendor", t.vendor},
          {"description", t.description},
          {"schemes", schemes},
          {"default_scheme", nameOf(t.defaultScheme)},
          {"precisions", precisions}};
}

Status run(const CommonFlags& common) {
  Json list = Json::array();
  for (const std::string& name : listTargets()) {
    BURIN_ASSIGN(Target target, loadTarget(name));
    if (common.json)
      list.push_back(targetJson(target));
    else
      fmt::print("{:<10} {}\n", target.name, target.description);
  }
  if (common.json) printJson(Json{{"targets", list}});
  return {};
}
} // namespace

void addTargets(App& app) {
  auto flags = std::make_shared<CommonFlags>();
  CLI::App* command = app.cli.add_subcommand("targets", "the chips we know, from targets/*.json");
  flags->add(*command, false);
  command->callback([flags, &app] { finish(app, run(*flags)); });
}

} // namespace burin::cli
