#include <iostream>

#include "smlp/models/registry.hpp"

int main() {
  const auto b_mlp = smlp::choose<smlp::ModelConfig>(smlp::model_table(), "b_mlp");
  const auto model = b_mlp->build(/*image_size=*/32, /*classes=*/10);
  std::cout << model->forward(torch::zeros({2, 3, 32, 32})).sizes() << '\n';
}
