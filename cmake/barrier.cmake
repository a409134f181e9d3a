# Compute threads sleep while they wait long for each other, where llama.cpp's source has the patch
# for it. Another LLAMA_CPP_DIR, or a moved pin, may not: then they spin, which is slow on a machine
# that others use too.

sluice_has_patch(has_barrier-waits barrier-waits ggml/src/ggml-cpu/ggml-cpu.c)
if(NOT has_barrier-waits)
  message(WARNING "Compute threads spin while they wait for each other: llama.cpp's source in "
    "${LLAMA_CPP_DIR} lacks barrier-waits. deps/llama.cpp has it after: npm run fetch")
else()
  add_library(sluice-barrier-wait OBJECT native/llama/runtime/shared/barrier-wait.cpp)
  # For std::atomic::wait. Where the compiler knows it not, waiting threads yield.
  set_target_properties(sluice-barrier-wait PROPERTIES CXX_STANDARD 20 CXX_STANDARD_REQUIRED OFF
    CXX_VISIBILITY_PRESET hidden)
  target_link_libraries(sluice-barrier-wait PRIVATE sluice-warnings)
  sluice_cpu_targets(cpu_targets)
  foreach(target IN LISTS cpu_targets)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:sluice-barrier-wait>)
    target_compile_definitions(${target} PRIVATE GGML_BARRIER_WAITS)
  endforeach()
endif()
