# Compiler settings and the one function that declares a module.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# -O2, not CMake's -O3: cheaper to build.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

option(TODOKE_FUZZ "Build the libFuzzer targets" OFF)
option(TODOKE_WERROR "Warnings are errors" ON)
set(TODOKE_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

# Everything that every target of ours is compiled with.
add_library(todoke_options INTERFACE)
target_include_directories(todoke_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(todoke_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wno-sign-conversion -Wshadow -Wnon-virtual-dtor
  $<$<BOOL:${TODOKE_WERROR}>:-Werror>
  -fno-omit-frame-pointer -fstack-protector-strong)
target_compile_definitions(todoke_options INTERFACE
  _GLIBCXX_ASSERTIONS BOOST_ASIO_NO_DEPRECATED BOOST_ALL_NO_LIB)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  target_compile_options(todoke_options INTERFACE -Wthread-safety
    -Wno-missing-designated-field-initializers  # our option structs have defaults
    "SHELL:-Xclang -fno-pch-timestamp")
  find_program(MOLD mold)
  find_program(LLD ld.lld-19)
  if(MOLD)
    target_link_options(todoke_options INTERFACE -fuse-ld=${MOLD})
  elseif(LLD)
    target_link_options(todoke_options INTERFACE -fuse-ld=${LLD})
  endif()
endif()
if(CMAKE_BUILD_TYPE STREQUAL Release)
  target_compile_definitions(todoke_options INTERFACE _FORTIFY_SOURCE=3)
  target_compile_options(todoke_options INTERFACE -g1)
  target_link_options(todoke_options INTERFACE -pie -Wl,-z,relro,-z,now)
endif()
if(TODOKE_SANITIZE)
  target_compile_options(todoke_options INTERFACE -fsanitize=${TODOKE_SANITIZE}
    -fno-sanitize-recover=all)
  target_link_options(todoke_options INTERFACE -fsanitize=${TODOKE_SANITIZE})
endif()
if(TODOKE_FUZZ)
  target_compile_options(todoke_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# ./test sets these, so that one CTest run of the release build covers the other builds too.
set(TODOKE_ASAN_BUILD "" CACHE PATH "Sanitizer build whose unit tests are run as well")
set(TODOKE_FUZZ_BUILD "" CACHE PATH "Fuzzing build whose targets are run for a few seconds")
set(TODOKE_FUZZ_SECONDS 5 CACHE STRING "Seconds for each fuzz target in a test run")

# Precompiled third-party and standard headers, shared by every module; never headers of ours.
# Off unless asked for: a clean build takes a third less CPU, but files may then forget
# includes, so ./test builds without it.
option(TODOKE_PCH "Precompile the headers that nearly every file includes" OFF)
if(TODOKE_PCH)
  # One code model for libraries and programs, or they could not share the headers.
  set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(todoke_options INTERFACE -fPIE)
endif()

function(todoke_add_pch)
  if(NOT TODOKE_PCH)
    return()
  endif()
  file(WRITE ${CMAKE_BINARY_DIR}/todoke_pch.cc "")
  add_library(todoke_pch STATIC ${CMAKE_BINARY_DIR}/todoke_pch.cc)
  target_link_libraries(todoke_pch PRIVATE todoke_options fmt::fmt)
  target_precompile_headers(todoke_pch PRIVATE
    <algorithm> <chrono> <expected> <functional> <map> <memory> <mutex> <optional> <span> <string>
    <string_view> <unordered_map> <utility> <variant> <vector>
    <fmt/format.h> <boost/asio/awaitable.hpp>)
endfunction()

function(todoke_precompile target)
  if(TARGET todoke_pch)
    target_precompile_headers(${target} REUSE_FROM todoke_pch)
  endif()
endfunction()

# todoke_module(name SOURCES a.cc … [TESTS a_test.cc …] [FUZZ a_fuzz.cc …] [DEPS module …]
#               [LIBS target …])
#   todoke_<name>       static library of the folder
#   <name>_test         one doctest program of its unit tests, run by CTest (label
#                       unit); in a full run the sanitizer build's too (label asan)
#   <fuzz file's stem>  one libFuzzer program for each FUZZ file (with TODOKE_FUZZ)
function(todoke_module name)
  cmake_parse_arguments(M "" "" "SOURCES;TESTS;FUZZ;DEPS;LIBS" ${ARGN})
  set(lib todoke_${name})
  list(TRANSFORM M_DEPS PREPEND todoke_)
  add_library(${lib} STATIC ${M_SOURCES})
  target_link_libraries(${lib} PUBLIC todoke_options ${M_DEPS} PRIVATE ${M_LIBS})
  todoke_precompile(${lib})
  if(M_TESTS)
    add_executable(${name}_test ${M_TESTS} $<TARGET_OBJECTS:todoke_doctest_main>)
    target_link_libraries(${name}_test PRIVATE ${lib} ${M_LIBS})
    target_include_directories(${name}_test PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_compile_definitions(${name}_test PRIVATE
      TODOKE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    todoke_precompile(${name}_test)
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300)
    todoke_add_asan_test(${name} ${name}_test)
  endif()
  foreach(file ${M_FUZZ})
    get_filename_component(stem ${file} NAME_WE)
    if(TODOKE_FUZZ_BUILD)
      add_test(NAME fuzz.${stem} COMMAND ${CMAKE_SOURCE_DIR}/tools/fuzz_smoke
               ${TODOKE_FUZZ_BUILD} ${TODOKE_FUZZ_SECONDS} ${stem})
      set_tests_properties(fuzz.${stem} PROPERTIES LABELS fuzz TIMEOUT 300)
    endif()
    if(TODOKE_FUZZ)
      add_executable(${stem} ${file})
      target_link_libraries(${stem} PRIVATE ${lib} ${M_LIBS} -fsanitize=fuzzer)
      set_property(GLOBAL APPEND PROPERTY TODOKE_FUZZERS ${stem})
    endif()
  endforeach()
endfunction()

# todoke_add_asan_test(name program) registers <name>.asan: the program that the sanitizer build
# made in the same folder as ours.
function(todoke_add_asan_test name program)
  if(NOT TODOKE_ASAN_BUILD)
    return()
  endif()
  file(RELATIVE_PATH folder ${CMAKE_BINARY_DIR} ${CMAKE_CURRENT_BINARY_DIR})
  add_test(NAME ${name}.asan COMMAND ${TODOKE_ASAN_BUILD}/${folder}/${program} ${ARGN})
  set_tests_properties(${name}.asan PROPERTIES LABELS asan TIMEOUT 900 ENVIRONMENT
    "ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19;UBSAN_OPTIONS=print_stacktrace=1")
endfunction()
