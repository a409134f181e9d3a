# Content never becomes a control token, and texts are put into normalization form C for
# the vocabularies that want it, where llama.cpp's source has the patches for it. Another
# LLAMA_CPP_DIR, or a moved pin, may not.

set(SLUICE_TELLS_ORIGINS ON)
sluice_has_patch(has_template-origins template-origins common/jinja/string.h)
sluice_has_patch(has_tokenize-hooks tokenize-hooks include/llama.h)
foreach(patch template-origins tokenize-hooks)
  if(NOT has_${patch})
    set(SLUICE_TELLS_ORIGINS OFF)
    message(WARNING "The names of control tokens in messages become control tokens, and texts are "
      "tokenized in the form they are sent in: llama.cpp's source in ${LLAMA_CPP_DIR} lacks "
      "${patch}. deps/llama.cpp has it after: npm run fetch")
  endif()
endforeach()
