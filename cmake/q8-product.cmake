# Puts native/llama/kernels/q8-product.cpp in front of ggml's own matrix products, in each of its CPU
# backends. ggml's function gets another name; no file of it is changed.

function(sluice_add_q8_product target)
  get_target_property(folder ${target} SOURCE_DIR)
  set_source_files_properties("${folder}/ggml-cpu/llamafile/sgemm.cpp" TARGET_DIRECTORY ${target}
    PROPERTIES COMPILE_DEFINITIONS llamafile_sgemm=sluice_ggml_sgemm)
  set(source "${SLUICE_KERNEL_FOLDER}/q8-product.cpp")
  target_sources(${target} PRIVATE "${source}")
  set_source_files_properties("${source}" TARGET_DIRECTORY ${target}
    PROPERTIES INCLUDE_DIRECTORIES "${folder}/ggml-cpu;${folder}")
endfunction()

set(SLUICE_KERNEL_FOLDER "${CMAKE_CURRENT_LIST_DIR}/../native/llama/kernels")
sluice_cpu_targets(ggml_targets)
set(has_product OFF)
foreach(target IN LISTS ggml_targets)
  get_target_property(sources ${target} SOURCES)
  if("${sources}" MATCHES "llamafile/sgemm\\.cpp")
    sluice_add_q8_product(${target})
    set(has_product ON)
  endif()
endforeach()
if(NOT has_product)
  message(WARNING "Q8_0 weights are multiplied by ggml's code alone: its CPU backend is built without "
    "llamafile/sgemm.cpp (GGML_LLAMAFILE)")
endif()
