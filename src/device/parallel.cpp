#include "smlp/device/parallel.hpp"

#include <ATen/TensorIterator.h>

namespace smlp {

void for_each_in_parallel(std::int64_t count, const std::function<void(std::int64_t)>& body) {
  const at::Tensor numbers = at::arange(count, at::kLong);
  at::TensorIterator iterator = at::TensorIteratorConfig().add_const_input(numbers).build();
  iterator.for_each(
      [&](char** data, const std::int64_t* strides, std::int64_t columns, std::int64_t rows) {
        for (std::int64_t row = 0; row < rows; ++row)
          for (std::int64_t column = 0; column < columns; ++column)
            body(*reinterpret_cast<const std::int64_t*>(data[0] + row * strides[1] + column * strides[0]));
      },
      /*grain_size=*/1);
}

}  // namespace smlp
