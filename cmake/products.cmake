# Our own products of Q8_0 weights (native/llama/kernels) in ggml's CPU backend, in every variant of
# it. ggml asks for them by the name llamafile_sgemm. Its own function gets another name, and ours
# calls it for all else.

set(products_source "${CMAKE_CURRENT_LIST_DIR}/../native/llama/kernels/q8-products.cpp")
set(sgemm_source "${LLAMA_CPP_DIR}/ggml/src/ggml-cpu/llamafile/sgemm.cpp")
get_property(ggml_targets DIRECTORY "${LLAMA_CPP_DIR}/ggml/src" PROPERTY BUILDSYSTEM_TARGETS)
list(FILTER ggml_targets INCLUDE REGEX "^ggml-cpu")
list(FILTER ggml_targets EXCLUDE REGEX "-feats$")
foreach(target IN LISTS ggml_targets)
  get_target_property(sources ${target} SOURCES)
  if(NOT "${sources}" MATCHES "llamafile/sgemm.cpp")
    continue()
  endif()
  target_sources(${target} PRIVATE "${products_source}")
  set_source_files_properties("${sgemm_source}" TARGET_DIRECTORY ${target}
    PROPERTIES COMPILE_DEFINITIONS llamafile_sgemm=sluice_ggml_sgemm)
endforeach()
