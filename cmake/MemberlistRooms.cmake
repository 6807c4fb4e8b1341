# How every room of the library and every test is built, in one place.

add_library(memberlist_flags INTERFACE)
target_compile_options(memberlist_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast)
# g++ 12 takes moves of std::variant and std::optional for reads of what they do not hold, and
# sees overlapping copies in additions of strings (its bugs 105562 and 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(memberlist_flags INTERFACE -Wno-maybe-uninitialized -Wno-restrict)
endif()
target_include_directories(memberlist_flags INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
if(MEMBERLIST_SANITIZE)
  target_compile_options(memberlist_flags INTERFACE
    -fsanitize=${MEMBERLIST_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(memberlist_flags INTERFACE -fsanitize=${MEMBERLIST_SANITIZE})
  if(MEMBERLIST_SANITIZE MATCHES "undefined")
    # It opens a pipe to look at an object, and takes its failure for a bad object: there is a test
    # in which no descriptor is left.
    target_compile_options(memberlist_flags INTERFACE -fno-sanitize=vptr)
  endif()
endif()

# memberlist_together(TARGET REST|LIBRARY): where MEMBERLIST_UNITY is this word or ALL, sources of the
# target are compiled several at a time: most of what a compiler reads of each is the same headers. Each
# joins the first group that has room and none of its own names, so that a name that is local to a file
# stays that file's.
function(memberlist_together target kind)
  if(NOT MEMBERLIST_UNITY MATCHES "^(ALL|${kind})$")
    return()
  endif()
  set(groups 0)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    memberlist_names(names ${source})
    set(group 0)
    while(group LESS groups)
      memberlist_has_room(fits "${names_${group}}" ${size_${group}} "${names}")
      if(fits)
        break()
      endif()
      math(EXPR group "${group} + 1")
    endwhile()
    if(group EQUAL groups)
      math(EXPR groups "${groups} + 1")
      set(size_${group} 0)
      set(names_${group} "")
    endif()
    list(APPEND names_${group} ${names})
    math(EXPR size_${group} "${size_${group}} + 1")
    # By this name clang's analyzer knows that it is to look into what is included, too.
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP UnifiedSource_${target}_${group})
  endforeach()
  # What is local to a function hides nothing of another file's.
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP
    UNITY_BUILD_CODE_BEFORE_INCLUDE
      "#pragma GCC diagnostic ignored \"-Wshadow\"\n// NOLINTNEXTLINE(bugprone-suspicious-include)")
  # GCC takes what is included for a header, which should use nothing that is local to a file.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endfunction()

# memberlist_has_room(RESULT GROUP SIZE NAMES): whether a group of that size with the names of the list
# GROUP can take a source with NAMES. With sixteen the compiler needs 2 GB at most.
function(memberlist_has_room result group size names)
  set(others ${group})
  list(REMOVE_ITEM others "" ${names})
  list(LENGTH group before)
  list(LENGTH others after)
  if(before EQUAL after AND size LESS 16)
    set(${result} TRUE PARENT_SCOPE)
  else()
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()

# memberlist_names(RESULT SOURCE): what the file declares at the left margin, where clang-format leaves
# whatever is not inside of something else. It need not be exact: a name too many makes a group smaller,
# a name too few is the compiler's error. Aliases may be declared twice, and the two functions that
# every type has one of are overloads.
function(memberlist_names result source)
  file(STRINGS ${source} lines REGEX "^[A-Za-z]")
  set(names "")
  foreach(line IN LISTS lines)
    if(line MATCHES "^(using|namespace) ")
      continue()
    elseif(line MATCHES "^(struct|class|enum|enum class|union) ([A-Za-z0-9_]+)")
      list(APPEND names ${CMAKE_MATCH_2})
    elseif(line MATCHES "^[^(={]*[ *&]([A-Za-z0-9_]+)( =|[({])")
      list(APPEND names ${CMAKE_MATCH_1})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES names)
  list(REMOVE_ITEM names PrintTo to_string)
  set(${result} ${names} PARENT_SCOPE)
endfunction()

# memberlist_explored(TARGET): the fuzzers see which of its branches an input takes. Tests do without,
# which makes them compile in two thirds of the time.
function(memberlist_explored target)
  if(MEMBERLIST_BUILD_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# memberlist_room(NAME SOURCES a.cpp ... [DEPENDS room ...] [LIBRARIES lib ...])
# An object library that all of the room's users link, and that the libraries are made of.
function(memberlist_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_library(memberlist_${name} OBJECT ${ARG_SOURCES})
  target_include_directories(memberlist_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>)
  target_link_libraries(memberlist_${name} PUBLIC memberlist_flags)
  foreach(room IN LISTS ARG_DEPENDS)
    target_link_libraries(memberlist_${name} PUBLIC memberlist_${room})
  endforeach()
  target_link_libraries(memberlist_${name} PRIVATE ${ARG_LIBRARIES})
  memberlist_explored(memberlist_${name})
  memberlist_together(memberlist_${name} LIBRARY)
endfunction()

# memberlist_waits(TARGET): for what mostly waits for others. Sanitizer builds do not optimise it, because
# optimising takes as long as all other compiling.
function(memberlist_waits target)
  if(MEMBERLIST_SANITIZE)
    target_compile_options(${target} PRIVATE -O0)
  endif()
endfunction()

# memberlist_unoptimised(TARGET): what is tested is optimised, but the tests themselves need not be. With
# the library's options they take twice as long to compile.
function(memberlist_unoptimised target)
  if(MEMBERLIST_SANITIZE)
    target_compile_options(${target} PRIVATE -O0)
  else()
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O0>)
  endif()
endfunction()

# memberlist_test_library(NAME SOURCES a.cpp ... LIBRARIES lib ...): what programs of tests share.
function(memberlist_test_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC memberlist_flags GTest::gtest Threads::Threads ${ARG_LIBRARIES})
  memberlist_together(${name} REST)
  memberlist_unoptimised(${name})
endfunction()

# memberlist_parts(NAME PROPERTIES): the tests of a program in four processes. With a sanitizer a program
# takes longer to start than most tests take to run.
function(memberlist_parts name properties)
  foreach(part RANGE 3)
    add_test(NAME ${name}/${part} COMMAND ${name})
    set_tests_properties(${name}/${part} PROPERTIES ${properties} TIMEOUT 1800
      ENVIRONMENT "GTEST_TOTAL_SHARDS=4;GTEST_SHARD_INDEX=${part}")
  endforeach()
endfunction()

# memberlist_test(NAME SOURCES a_test.cpp ... LIBRARIES lib ... [ROOMS room ...] [LABELS l ...] [TIMEOUT s]
#                 [ONE_AT_A_TIME] [PURE])
# One program of GoogleTest tests, each a ctest test of its own, by default with the label `unit`. ROOMS
# are linked with all the rooms that they depend on named too: objects do not travel through object
# libraries. ONE_AT_A_TIME: none of them runs beside another one, and each takes the place of two.
# PURE: they use no threads, no clock and nothing of the system's.
function(memberlist_test name)
  if(NOT MEMBERLIST_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "ONE_AT_A_TIME;PURE" "TIMEOUT" "SOURCES;LIBRARIES;ROOMS;LABELS" ${ARGN})
  # Beyond every wait of a test (90 s at most): it is the test that says what did not come in time.
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  set(properties TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  if(ARG_ONE_AT_A_TIME)
    # They start first, so that other tests run beside them; last, they would run alone.
    list(APPEND properties RESOURCE_LOCK ${name} PROCESSORS 2 COST 1000)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE memberlist_flags GTest::gtest GTest::gtest_main fmt::fmt
    Threads::Threads ${ARG_LIBRARIES})
  foreach(room IN LISTS ARG_ROOMS)
    target_link_libraries(${name} PRIVATE memberlist_${room})
  endforeach()
  memberlist_together(${name} REST)
  memberlist_unoptimised(${name})
  # `build_paths.hpp`: where sources and programs are, for those tests that ask.
  target_include_directories(${name} PRIVATE ${PROJECT_BINARY_DIR}/generated)
  if(ARG_PURE AND MEMBERLIST_SANITIZE)
    memberlist_parts(${name} "${properties}")
  else()
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES ${properties})
  endif()
endfunction()
