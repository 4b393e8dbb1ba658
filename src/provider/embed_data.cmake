# Writes OUT, the source of provider::built_in_toml(), from FILE.  Run by the build whenever FILE
# changes.  Bytes, not a literal: compilers bound the length of literals.
file(READ "${FILE}" bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
string(REGEX REPLACE "('[^']*',('[^']*',)('[^']*',)('[^']*',)('[^']*',)('[^']*',)('[^']*',)('[^']*',))"
  "\\1\n" bytes "${bytes}")
file(WRITE "${OUT}" "// Made by embed_data.cmake from src/provider/data.
#include \"provider/built_in.h\"

namespace todoke::provider {
namespace {
constexpr char text[] = {
${bytes}};
}  // namespace

std::string_view built_in_toml() {
  return {text, sizeof text};
}

}  // namespace todoke::provider
")
