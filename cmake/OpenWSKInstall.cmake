# What `cmake --install` puts where. Programs, libraries, headers and the start-up object keep their
# places relative to each other, so that an installation can be moved.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/openwsk)

install(TARGETS openwsk openwsk-ms EXPORT openwskTargets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT openwskTargets NAMESPACE openwsk:: DESTINATION ${package_dir})
install(FILES include/openwsk/openwsk.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/openwsk)
install(DIRECTORY include/km DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/openwsk)

configure_package_config_file(cmake/openwskConfig.cmake.in
    ${PROJECT_BINARY_DIR}/openwskConfig.cmake
    INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/openwskConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/openwskConfig.cmake
    ${PROJECT_BINARY_DIR}/openwskConfigVersion.cmake cmake/OpenWSKDriver.cmake
    DESTINATION ${package_dir})

file(RELATIVE_PATH PREFIX_FROM_PC /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/openwsk.pc.in ${PROJECT_BINARY_DIR}/openwsk.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/openwsk.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

file(GLOB man_pages CONFIGURE_DEPENDS docs/man/*.1)
install(FILES ${man_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME openwsk)
set(CPACK_PACKAGE_CONTACT "OpenWSK")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Windows' Winsock Kernel for drivers in a Linux process")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "gcc | clang")
include(CPack)
