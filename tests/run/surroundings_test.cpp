#include "smlp/run/surroundings.hpp"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

Variable variables(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
  };
}

Json container_with(const std::string& mounts, const std::map<std::string, std::string>& values = {}) {
  testing::TempDir root;
  fs::create_directories(root / "proc/self");
  testing::write_plainly(root / "proc/self/mountinfo", mounts);
  return container(variables(values), root.path());
}

TEST(Surroundings, AContainerIsNamedByTheMountsOfItsFiles) {
  const std::string id(64, 'a'), pod = "0fe2c9a1-7b6d-4b36-9a4e-2f4dcd1c7c11";
  EXPECT_EQ(container_with("22 1 8:1 / / rw\n611 600 254:1 /var/lib/docker/containers/" + id +
                           "/hostname /etc/hostname rw - ext4 /dev/vda1 rw\n"),
            Json({{"runtime", "docker"}, {"id", id}}));
  EXPECT_EQ(container_with("611 600 0:25 /containers/overlay-containers/" + id +
                           "/userdata/resolv.conf /etc/resolv.conf rw - tmpfs tmpfs rw\n"),
            Json({{"runtime", "podman"}, {"id", id}}));
  EXPECT_EQ(
      container_with("611 600 8:1 /var/lib/kubelet/pods/" + pod + "/etc-hosts /etc/hosts rw - ext4 x rw\n"),
      Json({{"runtime", "kubernetes"}, {"pod", pod}}));
  EXPECT_TRUE(
      container_with("30 22 0:50 / /var/lib/docker/containers/" + id + "/mounts/shm rw - tmpfs shm rw\n")
          .is_null())
      << "a host that has containers";
  EXPECT_EQ(container_with("", {{"APPTAINER_CONTAINER", "/images/torch.sif"}}),
            Json({{"runtime", "apptainer"}, {"image", "/images/torch.sif"}}));
  EXPECT_EQ(container_with("", {{"container", "lxc"}}), Json({{"runtime", "lxc"}}));
}

TEST(Surroundings, SlurmsIdentifiersAreThoseThatAreSet) {
  EXPECT_TRUE(slurm_job(variables({})).is_null());
  EXPECT_EQ(slurm_job(variables({{"SLURM_JOB_ID", "12"}, {"SLURMD_NODENAME", "gpu3"}})),
            Json({{"job_id", "12"}, {"node", "gpu3"}}));
  EXPECT_EQ(slurm_job(variables(
                {{"SLURM_JOB_ID", "13"}, {"SLURM_ARRAY_JOB_ID", "12"}, {"SLURM_ARRAY_TASK_ID", "1"}})),
            Json({{"job_id", "13"}, {"array_job_id", "12"}, {"array_task_id", "1"}}));
}

}  // namespace
}  // namespace smlp
