# Puts the files of native/llama/kernels in front of ggml's own code, in each of its CPU backends.
# ggml's functions get other names; no file of it is changed.

set(SLUICE_KERNEL_FOLDER "${CMAKE_CURRENT_LIST_DIR}/../native/llama/kernels")

# `function` in ggml's file `theirs` becomes `name` there, and our file `ours` has `function`.
function(sluice_put_before target theirs function name ours)
  get_target_property(folder ${target} SOURCE_DIR)
  set_source_files_properties("${folder}/ggml-cpu/${theirs}" TARGET_DIRECTORY ${target}
    PROPERTIES COMPILE_DEFINITIONS ${function}=${name})
  set(source "${SLUICE_KERNEL_FOLDER}/${ours}")
  target_sources(${target} PRIVATE "${source}")
  set_source_files_properties("${source}" TARGET_DIRECTORY ${target}
    PROPERTIES INCLUDE_DIRECTORIES "${folder}/ggml-cpu;${folder}")
endfunction()

sluice_cpu_targets(ggml_targets)
set(has_product OFF)
foreach(target IN LISTS ggml_targets)
  sluice_put_before(${target} ops.cpp ggml_compute_forward_flash_attn_ext sluice_ggml_attention
    attention.cpp)
  get_target_property(sources ${target} SOURCES)
  if("${sources}" MATCHES "llamafile/sgemm\\.cpp")
    sluice_put_before(${target} llamafile/sgemm.cpp llamafile_sgemm sluice_ggml_sgemm
      q8-product.cpp)
    set(has_product ON)
  endif()
endforeach()
if(NOT has_product)
  message(WARNING "Q8_0 weights are multiplied by ggml's code alone: its CPU backend is built without "
    "llamafile/sgemm.cpp (GGML_LLAMAFILE)")
endif()
