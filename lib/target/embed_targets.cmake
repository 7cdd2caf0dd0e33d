# cmake -DFILES="a.json;b.json" -DOUTPUT=x.cpp -P embed_targets.cmake
set(rows "")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(APPEND rows "    {\"${name}\", R\"burin(${text})burin\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"lib/target/embedded_targets.h\"

namespace burin {
const EmbeddedTarget kEmbeddedTargets[] = {
${rows}};
const size_t kEmbeddedTargetCount = sizeof kEmbeddedTargets / sizeof *kEmbeddedTargets;
} // namespace burin
")
