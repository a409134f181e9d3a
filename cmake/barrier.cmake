# Compute threads sleep while they wait long for each other, where llama.cpp's source has the patch
# for it. Another LLAMA_CPP_DIR, or a moved pin, may not: then they spin, which is slow on a machine
# that others use too.

set(cpu_source "${LLAMA_CPP_DIR}/ggml/src/ggml-cpu/ggml-cpu.c")
set(position -1)
if(EXISTS "${cpu_source}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${cpu_source}")
  file(READ "${cpu_source}" cpu_text)
  string(FIND "${cpu_text}" "sluice patch: barrier-waits\n" position)
endif()

if(position EQUAL -1)
  message(WARNING "Compute threads spin while they wait for each other: llama.cpp's source in "
    "${LLAMA_CPP_DIR} lacks barrier-waits. deps/llama.cpp has it after: npm run fetch")
else()
  add_library(sluice-barrier-wait OBJECT native/llama/runtime/shared/barrier-wait.cpp)
  # For std::atomic::wait. Where the compiler knows it not, waiting threads yield.
  set_target_properties(sluice-barrier-wait PROPERTIES CXX_STANDARD 20 CXX_STANDARD_REQUIRED OFF
    CXX_VISIBILITY_PRESET hidden)
  target_link_libraries(sluice-barrier-wait PRIVATE sluice-warnings)
  get_property(cpu_targets DIRECTORY "${LLAMA_CPP_DIR}/ggml/src" PROPERTY BUILDSYSTEM_TARGETS)
  list(FILTER cpu_targets INCLUDE REGEX "^ggml-cpu")
  list(FILTER cpu_targets EXCLUDE REGEX "-feats$")
  foreach(target IN LISTS cpu_targets)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:sluice-barrier-wait>)
    target_compile_definitions(${target} PRIVATE GGML_BARRIER_WAITS)
  endforeach()
endif()
