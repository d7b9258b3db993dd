#pragma once
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace smlp {

// What a batch system and a container tell the processes in them, as JSON objects; null outside.
using Variable = std::function<std::string(const char* name)>;  // of the environment; "" where it is not set
std::string environment_variable(const char* name);

// {"job_id", "array_job_id", "array_task_id", "node"}, as far as Slurm says them.
nlohmann::ordered_json slurm_job(const Variable& variable = environment_variable);

// {"runtime": "apptainer", "image"}, {"runtime": "docker" or "podman", "id"}, {"runtime": "kubernetes",
// "pod"}, or the runtime alone where nothing says more. `root` is where /proc and /run are looked for.
nlohmann::ordered_json container(const Variable& variable = environment_variable,
                                 const std::filesystem::path& root = "/");

}  // namespace smlp
