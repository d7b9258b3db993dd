#include "smlp/optim/optimizer.hpp"

#include <algorithm>
#include <string_view>

#include "smlp/config/nearest.hpp"
#include "smlp/core/error.hpp"
#include "smlp/nn/model.hpp"

namespace smlp {

namespace {

// Far above any use, far below float32's range.
const Bounds rate_bounds = between(0, 100);

// '*' stands for any run of characters.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool matches(const ParameterGroupConfig& group, const std::string& name, const Model& model) {
  return group.match == "head" ? name.starts_with(model.head_prefix()) : matches(group.match, name);
}

void check_groups(const std::vector<ParameterGroupConfig>& groups, const std::vector<std::string>& names,
                  const Model& model) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].lr && groups[i].lr_scale)
      fail(ErrorKind::usage, "optim.groups[{}]: lr is {:g} and lr_scale {:g}; give one of them", i,
           *groups[i].lr, *groups[i].lr_scale);
    const auto found = [&](const std::string& name) { return matches(groups[i], name, model); };
    if (std::any_of(names.begin(), names.end(), found)) continue;
    fail(ErrorKind::usage, "optim.groups[{}].match: no tensor of the model matches '{}'{}", i,
         groups[i].match, did_you_mean(groups[i].match, names));
  }
}

}  // namespace

void ParameterGroupConfig::fields(FieldVisitor& v) {
  v.field("match", match, "tensor name, with * for any run of characters; head: all of the head's");
  v.field("lr", lr, "null: the optimiser's", rate_bounds);
  v.field("lr_scale", lr_scale, "in place of lr: the optimiser's times this", rate_bounds);
  v.field("weight_decay", weight_decay, "null: the optimiser's", rate_bounds);
  v.field("freeze", freeze, "leave these as they are");
}

double OptimizerConfig::width_rate(Role role, double multiplier) const {
  return role == Role::hidden || role == Role::head ? 1 / multiplier : 1;
}

void OptimizerConfig::common_fields(FieldVisitor& v) {
  v.field("lr", lr, "learning rate, before the schedule's factor", rate_bounds);
  v.field("weight_decay", weight_decay, "of every parameter a group doesn't name", rate_bounds);
  v.field("clip_norm", clip_norm, "limit of the global gradient norm; 0: none", between(0, 1e6));
  v.list("groups", groups, "settings by tensor name; the first match wins");
}

std::vector<Parameter> group_parameters(Model& model, const OptimizerConfig& config) {
  std::vector<std::string> names;
  const auto named = model.named_parameters();
  for (const auto& item : named) names.push_back(item.key());
  check_groups(config.groups, names, model);

  const std::vector<Role> role = roles(model);
  std::vector<Parameter> parameters;
  for (std::size_t i = 0; i < named.size(); ++i) {
    const auto& item = named[i];
    const auto group =
        std::find_if(config.groups.begin(), config.groups.end(),
                     [&](const ParameterGroupConfig& g) { return matches(g, item.key(), model); });
    const ParameterGroupConfig chosen = group == config.groups.end() ? ParameterGroupConfig{} : *group;
    const double times = config.steps_by_rate() ? model.rate(item.key()) : 1;
    const double by_width = config.width_rate(role[i], model.width_multiplier());
    item.value().set_requires_grad(!chosen.freeze);
    if (!chosen.freeze)
      parameters.push_back({.name = item.key(),
                            .value = item.value(),
                            .lr = times * by_width * chosen.rate(config.lr),
                            .weight_decay = chosen.weight_decay.value_or(config.weight_decay) / by_width,
                            .role = role[i]});
  }
  if (parameters.empty())
    fail(ErrorKind::usage, "optim.groups: every parameter is frozen, nothing would be trained");
  return parameters;
}

}  // namespace smlp
