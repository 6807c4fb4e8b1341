# `cmake --install`: headers, both libraries, what find_package and pkg-config read, the program.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS memberlist memberlist_shared EXPORT memberlistTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/memberlist
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development FILES_MATCHING PATTERN *.hpp)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/memberlist)
install(EXPORT memberlistTargets NAMESPACE memberlist:: DESTINATION ${package_dir}
  COMPONENT development)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/memberlistConfig.cmake.in
  ${PROJECT_BINARY_DIR}/memberlistConfig.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change the API.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/memberlistConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/memberlistConfig.cmake
  ${PROJECT_BINARY_DIR}/memberlistConfigVersion.cmake
  DESTINATION ${package_dir} COMPONENT development)

# The prefix is known only when it is installed.
set(pc_in ${CMAKE_CURRENT_LIST_DIR}/memberlist.pc.in)
install(CODE "
  set(PROJECT_DESCRIPTION [[${PROJECT_DESCRIPTION}]])
  set(PROJECT_VERSION ${PROJECT_VERSION})
  cmake_path(APPEND CMAKE_INSTALL_PREFIX ${CMAKE_INSTALL_LIBDIR} OUTPUT_VARIABLE MEMBERLIST_PC_LIBDIR)
  cmake_path(APPEND CMAKE_INSTALL_PREFIX ${CMAKE_INSTALL_INCLUDEDIR} OUTPUT_VARIABLE MEMBERLIST_PC_INCLUDEDIR)
  configure_file([[${pc_in}]] [[${PROJECT_BINARY_DIR}/memberlist.pc]] @ONLY)
" COMPONENT development)
install(FILES ${PROJECT_BINARY_DIR}/memberlist.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT development)

if(TARGET memberlist_cli)
  install(TARGETS memberlist_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
endif()
