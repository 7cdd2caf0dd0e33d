# Text tests of the rewrites: burin-opt prints, FileCheck reads.
import os

import lit.formats

config.name = "burin"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = lit_config.params["output"]
config.substitutions.append(("burin-opt", lit_config.params["burin_opt"]))
config.substitutions.append(("FileCheck", os.path.join(lit_config.params["llvm_tools"], "FileCheck")))
