#pragma once

#include <cstddef>
#include <optional>

// How many members a struct has, so that a table about them can tell at compile time that it lacks
// a row.
namespace memberlist {
namespace field_count_detail {

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

/// Stands for the initializer of any member. An optional takes it for its value.
struct AnyField {
  template <class T>
    requires(!kIsOptional<T>)
  operator T() const;
};

}  // namespace field_count_detail

/// The number of members of an aggregate: how many initializers it takes.
template <class T, class... Fields>
consteval std::size_t field_count() {
  using field_count_detail::AnyField;
  if constexpr (requires { T{Fields{}..., AnyField{}}; }) {
    return field_count<T, Fields..., AnyField>();
  } else {
    return sizeof...(Fields);
  }
}

}  // namespace memberlist
