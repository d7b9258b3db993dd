#pragma once
// How the backward kernels cut a [rows, width] array, so that their column sums need no atomics: each part of
// the rows leaves one row of partial sums, which are added up afterwards.

namespace smlp {

inline constexpr int column_threads = 128;  // of a block
inline constexpr int columns_a_thread = 8;
inline constexpr int columns_a_block = column_threads * columns_a_thread;
inline constexpr int most_row_parts = 256;
inline constexpr int warp_columns = 32 * columns_a_thread;
inline constexpr int sum_columns = 32,
                     sum_groups = 8;  // a block of column_sums: so many columns, parts in groups

// Parts are `rows_a_part` rows each; the last may be shorter.
inline long long rows_a_part(long long rows) {
  return (rows + most_row_parts - 1) / most_row_parts;
}
inline long long row_parts(long long rows) {
  return (rows + rows_a_part(rows) - 1) / rows_a_part(rows);
}

}  // namespace smlp
