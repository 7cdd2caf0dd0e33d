#!/usr/bin/env bash
# Installs an independent executor of the tests, once: onnxruntime-node under build/peer (about 300 MB), or with the
# argument "litert" LiteRT.js under build/litert (about 50 MB; its browser is the system's chromium).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
install() { # FOLDER PACKAGES...
  mkdir -p "$1"
  printf '{"private": true, "type": "module"}\n' >"$1/package.json"
  npm install --prefix "$1" --ignore-scripts --no-audit --no-fund --loglevel=error "${@:2}"
}
if [[ ${1:-} == litert ]]; then
  [[ -f build/litert/node_modules/@litertjs/core/package.json ]] && exit 0
  install build/litert @litertjs/core@2.5.3 playwright-core@1.65.1
  exit 0
fi
version=1.30.0 # the one the golden files of the model zoo were made with
folder=build/peer
installed=$folder/node_modules/onnxruntime-node/package.json
if [[ -f $installed ]] && grep -q "\"version\": \"$version\"" "$installed"; then exit 0; fi
# No install scripts: they only fetch GPU libraries. The one for the CPU is in the package.
install "$folder" "onnxruntime-node@$version"
