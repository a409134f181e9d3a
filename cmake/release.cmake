# The layout of a package: sluice.node with llama.cpp inside, and beside it ggml's core and registry
# as shared libraries and each backend as a module. The CPU backend comes once per generation of
# processors; native/llama/runtime/backends.cpp loads the best one.

set(BUILD_SHARED_LIBS ON)
set(GGML_BACKEND_DL ON)
set(GGML_CPU_ALL_VARIANTS ON)
set(GGML_LLAMAFILE ON)                         # as llama.cpp sets them
set(GGML_CUDA_GRAPHS ON)
set(GGML_BUILD_NUMBER ${LLAMA_BUILD_NUMBER})
set(GGML_BUILD_COMMIT ${LLAMA_BUILD_COMMIT})
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${SLUICE_RESULT_DIR}")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${SLUICE_RESULT_DIR}")
# GCC makes a template's static variable one for all addons of a process.
add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
add_subdirectory("${LLAMA_CPP_DIR}/ggml" ggml EXCLUDE_FROM_ALL)
set(BUILD_SHARED_LIBS OFF)

# One process may hold another addon's libggml-base, or another release of this one. A linker takes
# the library of that name which is already loaded, so each release's names are its own. For the
# same reason a backend of another release finds no core, and is not loaded.
file(READ package.json manifest)
string(REGEX MATCH "\"version\": *\"([^\"]+)\"" _ "${manifest}")
set(SLUICE_RELEASE_ID "${CMAKE_MATCH_1}-${LLAMA_BUILD_COMMIT}")
foreach(library ggml-base ggml)
  set_target_properties(${library} PROPERTIES OUTPUT_NAME "sluice-${library}-${SLUICE_RELEASE_ID}")
endforeach()
target_sources(ggml PRIVATE native/llama/runtime/shared/backends-mutex.cpp)
target_include_directories(ggml PRIVATE native)

# What belongs into a package, by name; scripts/build-native.mjs reads it.
set(release_files "$<TARGET_FILE_NAME:sluice>\n")
foreach(library ggml-base ggml ${GGML_AVAILABLE_BACKENDS})
  string(APPEND release_files "$<TARGET_FILE_NAME:${library}>\n")
endforeach()
file(GENERATE OUTPUT "${SLUICE_RESULT_DIR}/release-files.txt" CONTENT "${release_files}")
