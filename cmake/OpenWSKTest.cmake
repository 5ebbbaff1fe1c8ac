# How tests are declared. Every test is a process of its own with a time limit and a label:
# "quick" (default), or "slow" for what takes more than a few seconds.

# gcc 12's thread sanitizer needs a predictable address space.
set(OW_TEST_LAUNCHER "")
if(OPENWSK_SANITIZE MATCHES thread)
    set(OW_TEST_LAUNCHER ${PROJECT_SOURCE_DIR}/tools/fixed-addresses)
endif()

# ow_add_test(NAME name COMMAND command [arg...] [LABELS label...] [TIMEOUT seconds])
# $OW_BUILD (the build tree), $OW_SOURCE (the source tree) and PATH with the programs are set.
function(ow_add_test)
    cmake_parse_arguments(T "" "NAME;TIMEOUT" "COMMAND;LABELS" ${ARGN})
    if(NOT T_TIMEOUT)
        set(T_TIMEOUT 60)
    endif()
    if(NOT T_LABELS)
        set(T_LABELS quick)
    endif()
    list(GET T_COMMAND 0 program)
    if(TARGET ${program})
        list(REMOVE_AT T_COMMAND 0)
        list(PREPEND T_COMMAND $<TARGET_FILE:${program}>)
    endif()
    add_test(NAME ${T_NAME} COMMAND ${OW_TEST_LAUNCHER} ${T_COMMAND})
    set_tests_properties(${T_NAME} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}"
        SKIP_RETURN_CODE 77
        ENVIRONMENT "OW_BUILD=${PROJECT_BINARY_DIR};OW_SOURCE=${PROJECT_SOURCE_DIR};OW_SANITIZE=${OPENWSK_SANITIZE};CC=${CMAKE_C_COMPILER};CXX=${CMAKE_CXX_COMPILER};PATH=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}:$ENV{PATH}")
endfunction()

# Unit tests and some of tests/conformance run once more under valgrind. Not those that touch bad
# memory on purpose, to see that the fault is told: valgrind is right to report that.
set(OW_FAULTING_TESTS test_fault test_mdl test_seh)
find_program(VALGRIND valgrind)
function(ow_add_valgrind_test name)
    if(VALGRIND AND NOT OPENWSK_SANITIZE AND NOT name IN_LIST OW_FAULTING_TESTS)
        ow_add_test(NAME valgrind.${name} LABELS valgrind TIMEOUT 300 COMMAND ${VALGRIND} -q
            --error-exitcode=99 --leak-check=full --show-leak-kinds=definite
            --errors-for-leak-kinds=definite --fair-sched=try ${ARGN})
    endif()
endfunction()

# ow_add_unit_test(name source... [LIBS lib...] [FLAGS flag...] [LABELS ...] [TIMEOUT ...]): a cmocka
# program that sees the insides of the library.
function(ow_add_unit_test name)
    cmake_parse_arguments(U "" "TIMEOUT" "LIBS;FLAGS;LABELS" ${ARGN})
    add_executable(${name} ${U_UNPARSED_ARGUMENTS})
    set_target_properties(${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    target_compile_definitions(${name} PRIVATE OPENWSK_RUNTIME=1 _GNU_SOURCE)
    target_compile_options(${name} PRIVATE ${KM_FLAGS} ${U_FLAGS})
    target_include_directories(${name} PRIVATE
        ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include/km
        ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/tests)
    target_link_libraries(${name} PRIVATE openwsk_static cmocka ${U_LIBS})
    ow_add_test(NAME ${name} COMMAND ${name} TIMEOUT ${U_TIMEOUT} LABELS ${U_LABELS})
    ow_add_valgrind_test(${name} $<TARGET_FILE:${name}>)
endfunction()

# ow_add_driver(name source... [FLAGS flag...]): drivers/<name>.so, compiled by wskcc with the
# preset's sanitizers.
function(ow_add_driver name)
    cmake_parse_arguments(D "" "" "FLAGS;DEPENDS" ${ARGN})
    set(sources "")
    foreach(source ${D_UNPARSED_ARGUMENTS})
        get_filename_component(source ${source} ABSOLUTE)
        list(APPEND sources ${source})
    endforeach()
    set(out ${PROJECT_BINARY_DIR}/drivers/${name}.so)
    set(sanitize "")
    if(OPENWSK_SANITIZE)
        set(sanitize -fsanitize=${OPENWSK_SANITIZE} -fno-sanitize-recover=all)
    endif()
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/km/*.h)
    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/drivers)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -E env CC=${CMAKE_C_COMPILER} CXX=${CMAKE_CXX_COMPILER}
            $<TARGET_FILE:wskcc> ${sanitize} -O1 -Wall -Werror ${D_FLAGS} -o ${out} ${sources}
        DEPENDS ${sources} ${headers} ${D_DEPENDS} wskcc
        COMMENT "wskcc ${name}.so"
        VERBATIM)
    add_custom_target(driver-${name} ALL DEPENDS ${out})
endfunction()

# The harness of tests/conformance, on which other drivers stand, too: its sources, and the headers.
set(OW_CONFORMANCE ${PROJECT_SOURCE_DIR}/tests/conformance)
file(GLOB OW_HARNESS CONFIGURE_DEPENDS ${OW_CONFORMANCE}/harness/*.c)
file(GLOB OW_HARNESS_HEADERS CONFIGURE_DEPENDS ${OW_CONFORMANCE}/*.h ${OW_CONFORMANCE}/harness/*.h)
