# A run of a chat template is counted and may be stopped where llama.cpp's source has the patch for it.
# Another LLAMA_CPP_DIR, or a moved pin, may not: then a run takes as long as it takes.

set(SLUICE_COUNTS_TEMPLATES OFF)
set(jinja_utils "${LLAMA_CPP_DIR}/common/jinja/utils.h")
if(EXISTS "${jinja_utils}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${jinja_utils}")
  file(READ "${jinja_utils}" jinja_source)
  string(FIND "${jinja_source}" "sluice patch: jinja-work\n" position)
  if(NOT position EQUAL -1)
    set(SLUICE_COUNTS_TEMPLATES ON)
  endif()
endif()
if(NOT SLUICE_COUNTS_TEMPLATES)
  message(WARNING "Runs of chat templates have no bound and cannot be given up: llama.cpp's source "
    "in ${LLAMA_CPP_DIR} lacks jinja-work. deps/llama.cpp has it after: npm run fetch")
endif()
