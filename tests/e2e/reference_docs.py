#!/usr/bin/python3
"""The reference pages come from the tool itself: tests/e2e/reference_docs.py BURIN [--write]

docs/cli.md holds the help of every command between its markers, docs/operators.md the operator table of every format.
Without --write, exit 1 when a page is not what the tool says today; `./dev docs` writes them.
"""
import json
import os
import re
import subprocess
import sys

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs")


def say(burin, *arguments):
    done = subprocess.run([burin, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.replace(burin, "burin").rstrip()


def commands(burin):
    listing = say(burin, "--help").split("Subcommands:\n", 1)[1]
    return re.findall(r"^  (\w+) ", listing.split("\n\n")[0], re.M)


def cli_page(burin, text):
    """The page with the generated part replaced."""
    blocks = []
    for command in commands(burin):
        body = say(burin, command, "--help").split("\n\nburin COMMAND --help tells more")[0]
        blocks.append("### burin %s\n\n```\n%s\n```\n" % (command, body))
    begin, end = "<!-- generated: begin -->\n", "<!-- generated: end -->\n"
    head, rest = text.split(begin)
    return head + begin + "\n" + "\n".join(blocks) + "\n" + end + rest.split(end)[1]


def operators_page(burin):
    lines = ["# Operators", "",
             "What each importer knows, as `burin ops --format NAME` prints it. *Shown by* says what an operator was seen to work on:",
             "*model*, a published model uses it; *fixture*, a file of ours made from the format's definition, never met in the",
             "wild; *node test*, the format's own conformance tests."]
    formats = [f for f in json.loads(say(burin, "formats", "--json"))["formats"] if f["use"] == "import"]
    for entry in formats:
        if entry["name"] == "module":
            continue
        operators = json.loads(say(burin, "ops", "--format", entry["name"], "--json"))["operators"]
        lines += ["", "## %s" % entry["name"], "", "%s; %s. %d operators." % (entry["files"], entry["notes"], len(operators)),
                  "", "| operator | domain | shown by |", "|---|---|---|"]
        lines += ["| %s | %s | %s |" % (o["name"], o["domain"], o["shown_by"]) for o in operators]
    return "\n".join(lines) + "\n"


def main():
    burin, write = sys.argv[1], "--write" in sys.argv
    stale = []
    for name, make in (("cli.md", lambda text: cli_page(burin, text)), ("operators.md", lambda _: operators_page(burin))):
        path = os.path.join(DOCS, name)
        before = ""
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                before = file.read()
        after = make(before)
        if after == before:
            continue
        stale.append(name)
        if write:
            with open(path, "w", encoding="utf-8") as file:
                file.write(after)
    if write:
        return 0
    for name in stale:
        print("FAILED: docs/%s is not what the tool says; run ./dev docs" % name)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
