#include "smlp/networks/registry.hpp"
#include "smlp/nn/model.hpp"
#include "smlp/optim/clip.hpp"
#include "smlp/optim/lion.hpp"
#include "smlp/optim/registry.hpp"
#include "support/errors.hpp"
#include "support/golden_tensors.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::expect_close;
using testing::GoldenTensors;
using testing::same_bits;

Chosen<OptimizerConfig> read_optimizer(const std::string& yaml) {
  return testing::read_chosen<OptimizerConfig>(optimizer_table(), yaml);
}

Parameter parameter(const std::string& name, const torch::Tensor& value, double lr = 0.01, double decay = 0) {
  return {.name = name, .value = value.clone().requires_grad_(), .lr = lr, .weight_decay = decay};
}

StepInputs inputs(float bad, float clip = 1, float lr = 1) {
  return {.lr_factor = torch::tensor(lr), .clip_factor = torch::tensor(clip), .bad = torch::tensor(bad)};
}

// Sizes around the edges of a chunk, and one that is empty.
std::vector<Parameter> uneven_parameters() {
  std::vector<Parameter> parameters;
  for (const std::int64_t size : {3, 16384, 0, 1, 40000, 16380, 17})
    parameters.push_back(parameter(fmt::format("p{}", parameters.size()),
                                   size == 16384 ? torch::randn({64, 256}) : torch::randn({size}), 0.01,
                                   0.1));
  parameters[1].lr = 0.002, parameters[1].weight_decay = 0;
  return parameters;
}

class GoldenOptimizer : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenOptimizer, StepsClippingAndStateEqualTheReference) {
  const GoldenTensors golden("optimizers.safetensors");
  const std::string run = GetParam() + "/";
  const auto config = read_optimizer(golden.configs().at(GetParam()));
  std::vector<Parameter> parameters;
  for (const char* name : {"a", "b"})
    parameters.push_back(parameter(name, golden[run + name], config.config->lr, config.config->weight_decay));
  const auto optimizer = config.config->build(parameters);

  for (int step = 0; step < 6; ++step) {
    const std::string at = run + std::to_string(step) + "/";
    for (Parameter& p : parameters) p.value.mutable_grad() = golden[at + p.name + ".grad"];
    const torch::Tensor norm = global_grad_norm(parameters);
    expect_close(norm, golden[at + "norm"], at + "norm", 1e-6, 1e-7);
    optimizer->step(
        step_inputs(torch::tensor(1.5f), norm, 1.0, torch::tensor(static_cast<float>(1 - 0.1 * step))));
    for (const Parameter& p : parameters)
      expect_close(p.value.detach(), golden[at + p.name], at + p.name, 1e-5, 1e-6);
  }
  const OptimizerState state = optimizer->state();
  for (const char* key : {"exp_avg", "exp_avg_sq", "momentum_buffer", "step"})
    if (golden.contains(run + "state/" + key))
      expect_close(state.at("a").at(key), golden[run + "state/" + key], key, 1e-5, 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Runs, GoldenOptimizer,
                         ::testing::Values("lion", "sgd", "nesterov", "plain_sgd", "adamw"),
                         [](const auto& run) { return run.param; });

// torch.optim.Muon's products are bfloat16's, which other processors round otherwise.
TEST(Muon, AHundredStepsEndWithinAHundredthOfTheWayOfTheReference) {
  const GoldenTensors golden("muon.safetensors");
  for (const auto& [run, yaml] : golden.configs()) {
    const auto config = read_optimizer(yaml);
    std::vector<Parameter> parameters;
    for (const char* name : {"tall", "wide"})
      parameters.push_back(parameter(name, golden[name], config.config->lr, config.config->weight_decay));
    const auto optimizer = config.config->build(parameters);
    for (int step = 0; step < 100; ++step) {
      for (const Parameter& p : parameters) p.value.mutable_grad().reset();
      (golden["x"].mm(parameters[0].value.t()).mm(parameters[1].value.t()) - golden["y"])
          .square()
          .mean()
          .backward();
      optimizer->step(inputs(0));
    }
    for (const Parameter& p : parameters) {
      const torch::Tensor end = golden[run + "/" + p.name];
      const double way = (end - golden[p.name]).norm().item<double>();
      EXPECT_GT(way, 0.5);
      EXPECT_LT((p.value.detach() - end).norm().item<double>(), 0.01 * way) << run << " " << p.name;
      const torch::Tensor buffer = golden[run + "/state/" + p.name];
      EXPECT_LT((optimizer->state().at(p.name).at("momentum_buffer") - buffer).norm().item<double>(),
                0.1 * buffer.norm().item<double>());
    }
  }
}

// Ours keeps the average in the parameters, the reference the points between.
TEST(ScheduleFree, AHundredStepsWithAWarmUpEndWhereTheReferenceDoes) {
  const GoldenTensors golden("schedule_free.safetensors");
  const auto config = read_optimizer(golden.configs().at("schedule_free"));
  std::vector<Parameter> parameters;
  for (const char* name : {"tall", "wide"})
    parameters.push_back(parameter(name, golden[name], config.config->lr, config.config->weight_decay));
  const auto optimizer = config.config->build(parameters);
  torch::Tensor loss;
  for (int step = 0; step < 100; ++step) {
    std::vector<torch::Tensor> points = optimizer->gradient_points();
    for (torch::Tensor& point : points) point.requires_grad_();
    loss = (golden["x"].mm(points[0].t()).mm(points[1].t()) - golden["y"]).square().mean();
    loss.backward();
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].value.mutable_grad() = points[i].grad();
    optimizer->step(inputs(0, 1, std::min(1.f, 0.1f * static_cast<float>(step + 1))));
  }
  EXPECT_NEAR(loss.item<double>(), golden["loss"].item<double>(), 1e-4 * golden["loss"].item<double>());
  for (const Parameter& p : parameters) {
    EXPECT_GT((golden["end/" + p.name] - golden[p.name]).norm().item<double>(), 0.5);
    expect_close(p.value.detach(), golden["end/" + p.name], p.name, 1e-3, 1e-4);
    expect_close(optimizer->state().at(p.name).at("z"), golden["state/" + p.name], p.name, 1e-3, 1e-4);
  }
}

TEST(Muon, AStepOfALargeMatrixMovesAllItsDirectionsAlike) {
  torch::manual_seed(4);
  for (const auto& [rows, columns] : {std::pair{96, 160}, {160, 96}}) {
    const std::vector<Parameter> parameters{parameter("w", torch::zeros({rows, columns}), 1)};
    const auto optimizer =
        read_optimizer("{name: muon, lr: 1, adjust_lr_fn: original}").config->build(parameters);
    const torch::Tensor gradient = torch::randn({rows, columns});
    parameters[0].value.mutable_grad() = gradient;
    optimizer->step(inputs(0));
    const double scale = std::sqrt(std::max(1.0, static_cast<double>(rows) / columns));
    const torch::Tensor moved = parameters[0].value.detach() / -scale;
    const auto [u, s, vh] = torch::linalg_svd(gradient, /*full_matrices=*/false);
    const torch::Tensor along = u.t().mm(moved).mm(vh.t()), sizes = along.diag();
    EXPECT_GT(sizes.min().item<double>(), 0.6) << "five Newton-Schulz steps bring singular values near one";
    EXPECT_LT(sizes.max().item<double>(), 1.3);
    EXPECT_LT((along - sizes.diag()).abs().max().item<double>(), 0.05) << "bfloat16's rounding";
  }
}

TEST(Muon, MatricesBetweenInputLayerAndHeadAreItsAndAllElseIsAdamWs) {
  torch::manual_seed(0);
  std::vector<Parameter> parameters;
  for (const Role role : {Role::input, Role::hidden, Role::head, Role::vector}) {
    parameters.push_back(parameter(fmt::format("p{}", parameters.size()), torch::randn({6, 4}), 0.01, 0.1));
    parameters.back().role = role;
  }
  parameters.push_back(parameter("conv", torch::randn({6, 4, 3, 3}), 0.01, 0.1));
  const OptimizerState state = read_optimizer("{name: muon}").config->build(parameters)->state();
  for (const Parameter& p : parameters)
    EXPECT_EQ(state.at(p.name).contains("momentum_buffer"), p.name == "p1") << p.name;
  EXPECT_TRUE(state.at("conv").contains("exp_avg_sq"));
}

TEST(Lion, OnePassEqualsTensorOperations) {
  torch::manual_seed(0);
  const std::vector<Parameter> one = uneven_parameters();
  std::vector<Parameter> other = one;
  for (Parameter& p : other) p.value = p.value.detach().clone().requires_grad_();
  Lion fast(one, {0.9, 0.99}, Lion::Path::one_pass), slow(other, {0.9, 0.99}, Lion::Path::tensor_operations);
  for (int step = 0; step < 4; ++step) {
    for (std::size_t i = 0; i < one.size(); ++i)
      one[i].value.mutable_grad() = other[i].value.mutable_grad() = torch::randn_like(one[i].value.detach());
    if (step == 2) one[4].value.mutable_grad().reset(), other[4].value.mutable_grad().reset();
    for (Optimizer* optimizer : {static_cast<Optimizer*>(&fast), static_cast<Optimizer*>(&slow)})
      optimizer->step(inputs(0, 0.37f, 0.8f));
  }
  for (std::size_t i = 0; i < one.size(); ++i) {
    expect_close(one[i].value.detach(), other[i].value.detach(), one[i].name, 1e-6, 1e-7);
    expect_close(fast.state()[one[i].name]["exp_avg"], slow.state()[one[i].name]["exp_avg"], one[i].name,
                 1e-6, 1e-7);
  }
}

void take_state(const Optimizer& optimizer, std::vector<torch::Tensor>& tensors) {
  for (const Parameter& p : optimizer.parameters()) tensors.push_back(p.value.detach().clone());
  for (const auto& [name, state] : optimizer.state())
    for (const auto& [key, tensor] : state) tensors.push_back(tensor.clone());
}

TEST(Lion, ReadsBf16GradientsAndWritesBf16CopiesWithTheBitsOfFloat32) {
  torch::manual_seed(2);
  const torch::Tensor start = torch::randn({300, 70});
  std::vector<Parameter> wide{{"w", start.clone(), 0.1, 0.01}}, narrow{{"w", start.clone(), 0.1, 0.01}};
  Lion reference(wide, {0.9, 0.99}, Lion::Path::one_pass), lion(narrow, {0.9, 0.99}, Lion::Path::one_pass);
  EXPECT_TRUE(lion.reads_bf16());
  const torch::Tensor copy = torch::zeros({300, 70}, torch::kBFloat16);
  ASSERT_TRUE(lion.write_copies({copy}));
  for (int step = 0; step < 3; ++step) {
    const torch::Tensor gradient = torch::randn({70, 300}).to(torch::kBFloat16).t();  // not contiguous
    wide[0].value.mutable_grad() = gradient.to(torch::kFloat32);
    narrow[0].value.mutable_grad() = gradient;
    const torch::Tensor norm = global_grad_norm(narrow), one = torch::ones({});
    EXPECT_TRUE(testing::same_bits(norm, global_grad_norm(wide)));
    reference.step(step_inputs(one, norm, 1, one));
    lion.step(step_inputs(one, norm, 1, one));
    EXPECT_TRUE(testing::same_bits(narrow[0].value, wide[0].value));
    EXPECT_TRUE(testing::same_bits(copy, wide[0].value.to(torch::kBFloat16)));
  }
}

TEST(Optimizers, AStepThatIsNotFiniteChangesNoBit) {
  const auto lion_operations = [](std::vector<Parameter> parameters) -> std::unique_ptr<Optimizer> {
    return std::make_unique<Lion>(std::move(parameters), std::array<double, 2>{0.9, 0.99},
                                  Lion::Path::tensor_operations);
  };
  std::vector<std::function<std::unique_ptr<Optimizer>(std::vector<Parameter>)>> makers = {lion_operations};
  for (const FamilyRow<OptimizerConfig>& row : optimizer_table())
    makers.push_back(
        [&row](std::vector<Parameter> parameters) { return row.make()->build(std::move(parameters)); });

  for (const auto& make : makers)
    for (const float poison :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      const std::vector<Parameter> parameters = uneven_parameters();
      const auto optimizer = make(parameters);
      const auto step = [&](const torch::Tensor& loss) {
        optimizer->step(step_inputs(loss, global_grad_norm(parameters), 1.0, torch::tensor(1.f)));
      };
      for (const Parameter& p : parameters) p.value.mutable_grad() = torch::randn_like(p.value.detach());
      step(torch::tensor(1.f));
      {
        const torch::NoGradGuard no_grad;
        parameters[0].value[0] = -0.0f;
        optimizer->state().begin()->second.begin()->second.view(-1)[0] = -0.0f;
      }
      std::vector<torch::Tensor> before, after, later;
      take_state(*optimizer, before);

      step(torch::tensor(poison));  // the loss alone
      parameters[3].value.mutable_grad().fill_(poison);
      step(torch::tensor(1.f));
      take_state(*optimizer, after);
      for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(same_bits(before[i], after[i])) << i;

      for (const Parameter& p : parameters) p.value.mutable_grad() = torch::randn_like(p.value.detach());
      step(torch::tensor(1.f));
      take_state(*optimizer, later);
      EXPECT_FALSE(same_bits(after[1], later[1]));
      for (const torch::Tensor& tensor : later) EXPECT_TRUE(tensor.isfinite().all().item<bool>());
    }
}

int reads = 0;
std::unique_ptr<at::ObserverContext> count_reads(const at::RecordFunction& function) {
  if (std::string(function.name()) == "aten::_local_scalar_dense") ++reads;
  return nullptr;
}

TEST(Optimizers, AStepReadsNothingBackFromTheDevice) {
  for (const FamilyRow<OptimizerConfig>& row : optimizer_table()) {
    const std::vector<Parameter> parameters = uneven_parameters();
    const auto optimizer = row.make()->build(parameters);
    for (const Parameter& p : parameters) p.value.mutable_grad() = torch::randn_like(p.value.detach());
    const torch::Tensor loss = torch::ones({});
    reads = 0;
    const auto handle =
        at::addGlobalCallback(at::RecordFunctionCallback(count_reads).scopes({at::RecordScope::FUNCTION}));
    optimizer->step(step_inputs(loss, global_grad_norm(parameters), 1.0, torch::tensor(0.5f)));
    at::removeCallback(handle);
    // On a CPU at::_fused_adamw_ itself reads the step count for each tensor, from memory; on CUDA it does
    // not.
    const int all = static_cast<int>(parameters.size());
    const std::map<std::string, int> of_adamw{{"adamw", all}, {"muon", all - 1}};
    EXPECT_EQ(reads, of_adamw.contains(row.name) ? of_adamw.at(row.name) : 0) << row.name;
  }
}

TEST(Optimizers, StateIsAsLargeAsTheConfigurationSays) {
  for (const FamilyRow<OptimizerConfig>& row : optimizer_table()) {
    const auto config = row.make();
    std::int64_t values = 0, kept = 0;
    const std::vector<Parameter> parameters = uneven_parameters();
    for (const Parameter& p : parameters) values += p.value.numel();
    for (const auto& [name, tensors] : config->build(parameters)->state())
      for (const auto& [key, tensor] : tensors)
        if (tensor.dim() > 0) kept += tensor.numel();
    const bool muon = std::string(row.name) == "muon";  // whose matrix has one
    EXPECT_EQ(kept, config->state_values() * values - (muon ? parameters[1].value.numel() : 0)) << row.name;
  }
}

TEST(Optimizers, PrintedConfigReadsBackToTheSame) {
  for (const FamilyRow<OptimizerConfig>& row : optimizer_table()) {
    auto chosen =
        read_optimizer(fmt::format("{{name: {}, lr: 0.25, groups: [{{match: \"linear_out.*\", lr: 0.5}}, "
                                   "{{match: \"*\", freeze: true}}]}}",
                                   row.name));
    ASSERT_EQ(chosen.config->groups.size(), 2u);
    const std::string printed = testing::print_chosen(chosen, optimizer_table());
    Chosen<OptimizerConfig> again;
    read_config(parse_yaml(printed, "printed"),
                [&](FieldVisitor& v) { v.family("it", again, optimizer_table(), ""); });
    EXPECT_EQ(testing::print_chosen(again, optimizer_table()), printed);
    EXPECT_EQ(again.config->groups[0].lr, 0.5);
    EXPECT_TRUE(again.config->groups[1].freeze);
  }
  for (const char* yaml :
       {"{name: lion, lr: -1}", "{name: lion, lr: .inf}", "{name: adamw, eps: 0}", "{name: sgd, momentum: 1}",
        "{name: lion, betas: [0.9, 1.5]}", "{name: lion, momentum: 0}"})
    error_of(ErrorKind::usage, [&] { read_optimizer(yaml); });
}

TEST(Clipping, NormIsTheSameForAnyNumberOfThreads) {
  const std::vector<Parameter> parameters = uneven_parameters();
  double expected = 0;
  for (const Parameter& p : parameters) {
    p.value.mutable_grad() = torch::randn_like(p.value.detach());
    expected += p.value.grad().to(torch::kFloat64).square().sum().item<double>();
  }
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const torch::Tensor one = global_grad_norm(parameters);
  at::set_num_threads(2);
  EXPECT_TRUE(same_bits(one, global_grad_norm(parameters)));
  at::set_num_threads(threads);
  EXPECT_NEAR(one.item<double>(), std::sqrt(expected), 1e-4);
}

TEST(Clipping, LargeFiniteGradientsAreNotTakenForInfinite) {
  const std::vector<Parameter> parameters = {parameter("p", torch::zeros({100}))};
  parameters[0].value.mutable_grad() = torch::full({100}, 1e30f);  // the square exceeds float32
  const torch::Tensor norm = global_grad_norm(parameters);
  EXPECT_NEAR(norm.item<double>() / 1e31, 1, 1e-6);
  EXPECT_EQ(step_inputs(torch::tensor(1.f), norm, 1.0, torch::tensor(1.f)).bad.item<float>(), 0);
}

TEST(Clipping, FactorIsOneBelowTheLimitAndWhenOff) {
  const auto factor = [](float norm, double limit) {
    return step_inputs(torch::tensor(1.f), torch::tensor(norm), limit, torch::tensor(1.f))
        .clip_factor.item<double>();
  };
  EXPECT_EQ(factor(0.5f, 1.0), 1.0);
  EXPECT_EQ(factor(0.f, 1.0), 1.0);
  EXPECT_EQ(factor(100.f, 0.0), 1.0);
  EXPECT_NEAR(factor(4.f, 1.0), 0.25, 1e-6);
}

TEST(Groups, FirstMatchWinsAndFrozenTensorsStay) {
  const auto model = build_model(
      testing::read_chosen<ModelConfig>(model_table(), "{name: b_mlp, depth: 2, width: 4}"), 2, 3);
  const auto config = read_optimizer(
      "{name: sgd, lr: 0.001, weight_decay: 0.5, groups: [{match: head, lr: 0.01}, "
      "{match: \"*.bias\", weight_decay: 0}, {match: linear_in.weight, lr_scale: 0.1}, {match: "
      "\"blocks.*.block.0.*\", freeze: true}]}");
  std::map<std::string, Parameter> found;
  for (const Parameter& p : group_parameters(*model, *config.config)) found[p.name] = p;
  EXPECT_EQ(found.size(), model->named_parameters().size() - 2);  // the biases of block.0 have matched before
  EXPECT_EQ(found.at("linear_out.bias").lr, 0.01);
  EXPECT_EQ(found.at("linear_out.bias").weight_decay, 0.5);
  EXPECT_EQ(found.at("linear_in.bias").weight_decay, 0);
  EXPECT_DOUBLE_EQ(found.at("linear_in.weight").lr, 0.0001) << "a tenth of the optimiser's";
  EXPECT_EQ(found.at("linear_in.bias").lr, 0.001);
  EXPECT_FALSE(found.contains("blocks.1.block.0.weight"));
  EXPECT_FALSE(model->named_parameters()["blocks.1.block.0.weight"].requires_grad());
}

TEST(Groups, PatternsThatMatchNothingAreNamedWithTheNearestTensor) {
  const auto model = build_model(
      testing::read_chosen<ModelConfig>(model_table(), "{name: s_mlp, depth: 2, width: 4}"), 2, 3);
  const auto refused = [&](const std::string& groups) {
    return error_of(ErrorKind::usage, [&] {
      group_parameters(*model, *read_optimizer(fmt::format("{{name: lion, groups: [{}]}}", groups)).config);
    });
  };
  const std::string message = refused("{match: \"*\"}, {match: linear_out.weigth}");
  EXPECT_NE(message.find("groups[1]"), std::string::npos) << message;
  EXPECT_NE(message.find("linear_out.weight"), std::string::npos) << message;
  refused("{match: linear_ou}");
  refused("{match: \"\"}");
  EXPECT_NE(refused("{match: head, lr: 0.1, lr_scale: 2}").find("lr is 0.1 and lr_scale 2; give one"),
            std::string::npos);
  EXPECT_NE(refused("{match: \"*\", freeze: true}").find("frozen"), std::string::npos);
}

}  // namespace
}  // namespace smlp
