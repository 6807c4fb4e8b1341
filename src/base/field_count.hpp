#pragma once

#include <cstddef>
#include <optional>

// The number of members of a struct, so that a table about them can check at compile time that no
// row is missing.
namespace memberlist {
namespace field_count_detail {

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

/// Converts to the type of any member. For an optional, it converts to the value.
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
