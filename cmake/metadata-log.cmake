# llama.cpp's loader makes text of all metadata for its log: some 15 ms of a vocabulary of 32,000
# tokens, of which the log shows 40 characters. In its place it calls
# native/llama/runtime/shared/metadata-text.cpp. No file of llama.cpp is changed.

set(loader "${LLAMA_CPP_DIR}/src/llama-model-loader.cpp")
set(loader_source "")
if(EXISTS "${loader}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${loader}")
  file(READ "${loader}" loader_source)
endif()
if(loader_source MATCHES "gguf_kv_to_str\\(metadata, i\\)")
  set_source_files_properties("${loader}" TARGET_DIRECTORY llama
    PROPERTIES COMPILE_DEFINITIONS gguf_kv_to_str=sluice_metadata_text)
  set(metadata_text "${CMAKE_CURRENT_LIST_DIR}/../native/llama/runtime/shared/metadata-text.cpp")
  target_sources(llama PRIVATE "${metadata_text}")
else()
  message(WARNING "llama.cpp's loader makes its log otherwise than in the pinned source, which may "
    "take 15 ms of each load: ${loader}")
endif()
