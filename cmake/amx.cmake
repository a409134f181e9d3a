# AMX, the matrix unit of Xeons since 2023. llama.cpp's code for it has faults that deps/patches
# mends. Where the source lacks one of those patches (another LLAMA_CPP_DIR, a moved pin), AMX is left
# out of ggml's CPU backend: right before fast. Each patch leaves a line with its name in the source.

set(SLUICE_AMX_MISSING "")
file(GLOB amx_patches CONFIGURE_DEPENDS deps/patches/amx-*.patch)
if(NOT amx_patches)
  set(SLUICE_AMX_MISSING "deps/patches")
endif()
foreach(patch IN LISTS amx_patches)
  get_filename_component(name "${patch}" NAME_WE)
  set(folder ggml/src/ggml-cpu/amx)
  sluice_has_patch(has_patch ${name} ${folder}/mmq.cpp ${folder}/amx.cpp ${folder}/common.h)
  if(NOT has_patch)
    list(APPEND SLUICE_AMX_MISSING "${name}")
  endif()
endforeach()

# Takes AMX from one target of ggml's CPU backend, whatever switched it on.
function(sluice_leave_out_amx target)
  foreach(property COMPILE_DEFINITIONS COMPILE_OPTIONS)
    get_target_property(values ${target} ${property})
    list(FILTER values EXCLUDE REGEX "^(__AMX_|-mamx-)")
    set_target_properties(${target} PROPERTIES ${property} "${values}")
  endforeach()
  foreach(part tile int8 bf16)                 # -march=native has it too
    target_compile_options(${target} PRIVATE $<$<BOOL:${SLUICE_KNOWS_AMX}>:-mno-amx-${part}>)
  endforeach()
endfunction()

if(SLUICE_AMX_MISSING AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  include(CheckCXXCompilerFlag)
  check_cxx_compiler_flag(-mno-amx-tile SLUICE_KNOWS_AMX)
  sluice_cpu_targets(ggml_targets)
  foreach(target IN LISTS ggml_targets)
    sluice_leave_out_amx(${target})
  endforeach()
  string(REPLACE ";" ", " amx_missing "${SLUICE_AMX_MISSING}")
  message(WARNING "AMX is left out: llama.cpp's source in ${LLAMA_CPP_DIR} lacks ${amx_missing}. "
    "deps/llama.cpp has them after: npm run fetch")
endif()
