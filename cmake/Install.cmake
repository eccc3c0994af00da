# Headers keep their tree paths under include/halftone; layers are the targets halftone::NAME of the package `halftone`.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/halftone)
install(DIRECTORY src/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/halftone FILES_MATCHING PATTERN *.h)
install(EXPORT halftone NAMESPACE halftone:: FILE halftone-targets.cmake DESTINATION ${package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/halftone-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/halftone-config.cmake ${CMAKE_BINARY_DIR}/halftone-config-version.cmake DESTINATION ${package})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
