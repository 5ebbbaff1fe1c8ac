# openwsk_add_driver(target source... [FLAGS flag...]): <target>.so in the current binary directory,
# compiled by wskcc. OPENWSK_WSKCC is where wskcc is.
function(openwsk_add_driver target)
    cmake_parse_arguments(D "" "" "FLAGS" ${ARGN})
    set(sources "")
    foreach(source ${D_UNPARSED_ARGUMENTS})
        get_filename_component(source ${source} ABSOLUTE)
        list(APPEND sources ${source})
    endforeach()
    set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}.so)
    add_custom_command(OUTPUT ${out}
        COMMAND ${OPENWSK_WSKCC} ${D_FLAGS} -o ${out} ${sources}
        DEPENDS ${sources}
        COMMENT "wskcc ${target}.so"
        VERBATIM)
    add_custom_target(${target} ALL DEPENDS ${out})
endfunction()
