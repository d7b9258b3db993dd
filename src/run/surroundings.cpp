#include "smlp/run/surroundings.hpp"

#include <array>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

namespace smlp {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// Docker and Podman mount three files of /etc from a folder that is named after the container, Kubernetes
// /etc/hosts from the pod's. A host's own table has these folders too, but mounted elsewhere.
Json mounted_container(const fs::path& mounts) {
  static const std::regex by_id("containers/([0-9a-f]{64})/"), by_pod("/pods/([0-9a-f-]{36})/");
  std::ifstream table(mounts);
  for (std::string line; std::getline(table, line);) {
    std::istringstream fields(line);
    std::string skipped, source, target;
    fields >> skipped >> skipped >> skipped >> source >> target;
    if (target != "/etc/hostname" && target != "/etc/hosts" && target != "/etc/resolv.conf") continue;
    std::smatch found;
    if (std::regex_search(source, found, by_id)) {
      const bool podman = source.find("overlay-containers/") != std::string::npos;
      return {{"runtime", podman ? "podman" : "docker"}, {"id", found[1].str()}};
    }
    if (std::regex_search(source, found, by_pod)) return {{"runtime", "kubernetes"}, {"pod", found[1].str()}};
  }
  return nullptr;
}

}  // namespace

std::string environment_variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Json slurm_job(const Variable& variable) {
  constexpr std::array names{
      std::pair("job_id", "SLURM_JOB_ID"), std::pair("array_job_id", "SLURM_ARRAY_JOB_ID"),
      std::pair("array_task_id", "SLURM_ARRAY_TASK_ID"), std::pair("node", "SLURMD_NODENAME")};
  Json job;
  for (const auto& [key, name] : names)
    if (const std::string value = variable(name); !value.empty()) job[key] = value;
  return job;
}

Json container(const Variable& variable, const fs::path& root) {
  for (const char* image : {"APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"})
    if (const std::string value = variable(image); !value.empty())
      return {{"runtime", "apptainer"}, {"image", value}};
  Json mounted = mounted_container(root / "proc/self/mountinfo");
  if (!mounted.is_null()) return mounted;
  std::error_code error;
  if (fs::exists(root / ".dockerenv", error)) return {{"runtime", "docker"}};
  if (fs::exists(root / "run/.containerenv", error)) return {{"runtime", "podman"}};
  const std::string runtime = variable("container");  // systemd-nspawn, lxc and others set it
  return runtime.empty() ? Json(nullptr) : Json{{"runtime", runtime}};
}

}  // namespace smlp
