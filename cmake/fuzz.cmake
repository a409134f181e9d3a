# sluice-fuzz-TARGET: libFuzzer over what reads foreign text and files, with AddressSanitizer and
# UndefinedBehaviorSanitizer. Only with -DSLUICE_FUZZ=ON, for Clang, and without Node's part:
# scripts/fuzz/fuzz.mjs builds and runs them. CONTRIBUTING.md says what each compares.

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "SLUICE_FUZZ needs Clang, whose runtime has libFuzzer.")
endif()

set(fuzz_options -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=vptr
  -fno-sanitize-recover=undefined -fno-omit-frame-pointer)

sluice_glob(fuzzed_sources native/base native/grammar native/gguf native/engine/request)
add_library(sluice-fuzzed STATIC EXCLUDE_FROM_ALL ${fuzzed_sources})
target_include_directories(sluice-fuzzed PUBLIC native)
target_compile_options(sluice-fuzzed PRIVATE ${fuzz_options})
target_link_libraries(sluice-fuzzed PRIVATE sluice-warnings PUBLIC Threads::Threads)

# What is ours is judged, but these files decide what it meets: libFuzzer is to see their branches.
# Not with AddressSanitizer: it would take more stack for each bracket than the limit counts on.
set_source_files_properties("${LLAMA_CPP_DIR}/common/peg-parser.cpp"
  "${LLAMA_CPP_DIR}/common/chat-peg-parser.cpp" TARGET_DIRECTORY llama-common
  PROPERTIES COMPILE_OPTIONS -fsanitize=fuzzer-no-link)
# The reader that a checked file is handed to.
set_source_files_properties("${LLAMA_CPP_DIR}/ggml/src/gguf.cpp" TARGET_DIRECTORY ggml-base
  PROPERTIES COMPILE_OPTIONS "-fsanitize=fuzzer-no-link,address")

function(sluice_add_fuzz_target name)
  add_executable(sluice-fuzz-${name} EXCLUDE_FROM_ALL native/llama/test/fuzz/${name}.cpp)
  set_target_properties(sluice-fuzz-${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${SLUICE_RESULT_DIR}")
  target_compile_options(sluice-fuzz-${name} PRIVATE ${fuzz_options})
  target_link_options(sluice-fuzz-${name} PRIVATE -fsanitize=fuzzer,address,undefined)
  target_link_libraries(sluice-fuzz-${name} PRIVATE sluice-warnings sluice-fuzzed ${ARGN})
endfunction()

foreach(name json-scan text-stream grammar-text grammar-made)
  sluice_add_fuzz_target(${name})
endforeach()
target_include_directories(sluice-fuzz-json-scan SYSTEM PRIVATE "${LLAMA_CPP_DIR}/vendor")
sluice_add_fuzz_target(gguf-preflight ggml-base)

sluice_glob(fuzzed_chat_sources native/llama/chat)
sluice_add_fuzz_target(chat-parser llama-common llama ggml)
target_sources(sluice-fuzz-chat-parser PRIVATE ${fuzzed_chat_sources}
  native/llama/test/chat-samples.cpp)
target_include_directories(sluice-fuzz-chat-parser SYSTEM PRIVATE
  $<TARGET_PROPERTY:llama-common,INTERFACE_INCLUDE_DIRECTORIES>)
target_compile_definitions(sluice-fuzz-chat-parser PRIVATE
  SLUICE_LLAMA_CPP_DIR="${LLAMA_CPP_DIR}")
