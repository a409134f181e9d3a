# What llama.cpp's source has: our patches of deps/patches, and the targets of ggml's CPU backend.

# Whether one of the files, in LLAMA_CPP_DIR, has the line that the patch leaves with its name.
# CMake configures anew when one of them changes.
function(sluice_has_patch result patch)
  set(${result} OFF PARENT_SCOPE)
  foreach(file IN LISTS ARGN)
    set(path "${LLAMA_CPP_DIR}/${file}")
    if(NOT EXISTS "${path}")
      continue()
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${path}")
    file(READ "${path}" source)
    string(FIND "${source}" "sluice patch: ${patch}\n" position)
    if(NOT position EQUAL -1)
      set(${result} ON PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# One target, or one for each generation of processors.
function(sluice_cpu_targets result)
  get_property(targets DIRECTORY "${LLAMA_CPP_DIR}/ggml/src" PROPERTY BUILDSYSTEM_TARGETS)
  list(FILTER targets INCLUDE REGEX "^ggml-cpu")
  list(FILTER targets EXCLUDE REGEX "-feats$")
  set(${result} "${targets}" PARENT_SCOPE)
endfunction()
