# Content never becomes a control token, and texts are put into normalization form C for
# the vocabularies that want it, where llama.cpp's source has the patches for it. Another
# LLAMA_CPP_DIR, or a moved pin, may not.

set(SLUICE_TELLS_ORIGINS ON)
foreach(place "common/jinja/string.h template-origins" "include/llama.h tokenize-hooks")
  string(REPLACE " " ";" place "${place}")
  list(GET place 0 file)
  list(GET place 1 patch)
  set(file "${LLAMA_CPP_DIR}/${file}")
  set(position -1)
  if(EXISTS "${file}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(READ "${file}" source)
    string(FIND "${source}" "sluice patch: ${patch}\n" position)
  endif()
  if(position EQUAL -1)
    set(SLUICE_TELLS_ORIGINS OFF)
    message(WARNING "The names of control tokens in messages become control tokens, and texts are "
      "tokenized in the form they are sent in: llama.cpp's source in ${LLAMA_CPP_DIR} lacks "
      "${patch}. deps/llama.cpp has it after: npm run fetch")
  endif()
endforeach()
