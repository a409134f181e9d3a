# A run of a chat template is counted and may be stopped where llama.cpp's source has the patch for it.
# Another LLAMA_CPP_DIR, or a moved pin, may not: then a run takes as long as it takes.

sluice_has_patch(SLUICE_COUNTS_TEMPLATES jinja-work common/jinja/utils.h)
if(NOT SLUICE_COUNTS_TEMPLATES)
  message(WARNING "Runs of chat templates have no bound and cannot be given up: llama.cpp's source "
    "in ${LLAMA_CPP_DIR} lacks jinja-work. deps/llama.cpp has it after: npm run fetch")
endif()
