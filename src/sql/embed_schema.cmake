# Writes OUT, the source of sql::migrations(), from the migration files FILES (a comma between two).
# Run by the build whenever one of them changes.
string(REPLACE "," ";" files "${FILES}")
set(entries "")
set(expected 0)
foreach(file IN LISTS files)
  get_filename_component(stem "${file}" NAME_WE)
  if(NOT stem MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)$")
    message(FATAL_ERROR "${file}: migrations are named NNNN_name.sql")
  endif()
  set(digits ${CMAKE_MATCH_1})
  set(name ${CMAKE_MATCH_2})
  math(EXPR expected "${expected} + 1")
  string(REGEX REPLACE "^0+" "" number "${digits}")
  if(NOT number EQUAL expected)
    message(FATAL_ERROR "${file}: migration ${expected} should stand here")
  endif()
  file(READ "${file}" text)
  string(FIND "${text}" ")sql\"" clash)
  if(NOT clash EQUAL -1)
    message(FATAL_ERROR "${file}: contains the end mark of our string literals")
  endif()
  string(APPEND entries "    {${number}, \"${name}\", R\"sql(${text})sql\"},\n")
endforeach()
file(WRITE "${OUT}" "// Made by embed_schema.cmake from src/sql/schema.
#include \"sql/schema.h\"

namespace todoke::sql {
namespace {
constexpr Migration all[] = {
${entries}};
}  // namespace

std::span<const Migration> migrations() {
  return all;
}

}  // namespace todoke::sql
")
