# halftone_embed(TARGET SYMBOL FILE…): joins the files into `extern const char* const halftone::SYMBOL` of the target.
function(halftone_embed TARGET SYMBOL)
  set(text "")
  foreach(file ${ARGN})
    set(path ${CMAKE_SOURCE_DIR}/${file})
    file(READ ${path} piece)
    string(APPEND text "${piece}\n")
    set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  endforeach()
  set(source ${CMAKE_BINARY_DIR}/embedded/${SYMBOL}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "namespace halftone {
extern const char* const ${SYMBOL};
const char* const ${SYMBOL} = R\"EMBEDDED(@text@)EMBEDDED\";
}  // namespace halftone
" @ONLY)
  target_sources(${TARGET} PRIVATE ${source})
endfunction()
