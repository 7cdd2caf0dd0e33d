#!/usr/bin/env bash
# Installs onnxruntime-node, the independent executor of the tests, under build/peer (about 300 MB, once).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
version=1.30.0 # the one the golden files of the model zoo were made with
folder=build/peer
installed=$folder/node_modules/onnxruntime-node/package.json
if [[ -f $installed ]] && grep -q "\"version\": \"$version\"" "$installed"; then exit 0; fi
mkdir -p "$folder"
printf '{"private": true, "type": "module"}\n' >"$folder/package.json"
# No install scripts: they only fetch GPU libraries. The one for the CPU is in the package.
npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error "onnxruntime-node@$version"
