# `cmake --install`: headers, both libraries, what find_package and pkg-config read, the program,
# licences.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Each library has an export of its own: users of the shared one do not need what only the static one is linked with.
set(kinds static shared)
set(target_of_static memberlist)
set(target_of_shared memberlist_shared)
if(TARGET memberlist_sim_library)
  list(APPEND kinds sim)
  set(target_of_sim memberlist_sim_library)
endif()
foreach(kind IN LISTS kinds)
  set(target ${target_of_${kind}})
  install(TARGETS ${target} EXPORT memberlist-${kind}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/memberlist
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development FILES_MATCHING PATTERN *.hpp)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/memberlist)
foreach(kind IN LISTS kinds)
  install(EXPORT memberlist-${kind} FILE memberlist-${kind}-targets.cmake NAMESPACE memberlist::
    DESTINATION ${package_dir} COMPONENT development)
endforeach()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/memberlistConfig.cmake.in
  ${PROJECT_BINARY_DIR}/memberlistConfig.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change the API.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/memberlistConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/memberlistConfig.cmake
  ${PROJECT_BINARY_DIR}/memberlistConfigVersion.cmake
  DESTINATION ${package_dir} COMPONENT development)

# The prefix is known only when it is installed.
foreach(module memberlist memberlist-static)
  set(pc_in ${CMAKE_CURRENT_LIST_DIR}/${module}.pc.in)
  install(CODE "
    set(PROJECT_DESCRIPTION [[${PROJECT_DESCRIPTION}]])
    set(PROJECT_VERSION ${PROJECT_VERSION})
    cmake_path(APPEND CMAKE_INSTALL_PREFIX [[${CMAKE_INSTALL_LIBDIR}]] OUTPUT_VARIABLE MEMBERLIST_PC_LIBDIR)
    cmake_path(APPEND CMAKE_INSTALL_PREFIX [[${CMAKE_INSTALL_INCLUDEDIR}]] OUTPUT_VARIABLE MEMBERLIST_PC_INCLUDEDIR)
    configure_file([[${pc_in}]] [[${PROJECT_BINARY_DIR}/${module}.pc]] @ONLY)
  " COMPONENT development)
  install(FILES ${PROJECT_BINARY_DIR}/${module}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
    COMPONENT development)
endforeach()

if(TARGET memberlist_cli)
  install(TARGETS memberlist_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
endif()

# Not CMAKE_INSTALL_DOCDIR: in a subdirectory that has the name of the project above.
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/THIRD-PARTY-NOTICES.md
  DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/memberlist COMPONENT runtime)
