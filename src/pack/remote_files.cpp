#include <string>
#include <utility>
#include <vector>

#include "smlp/config/nearest.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/pack/fetch.hpp"

namespace smlp {
namespace {

RemoteFile data_set(std::string name, const std::string& folder, std::string file, std::uint64_t bytes,
                    std::string md5) {
  return {RemoteFile::Kind::data_set, std::move(name), folder + file, std::move(file), bytes, std::move(md5)};
}

// As the list of addresses in github.com/gregorbachmann/scaling_mlps (utils/download.py) has it.
RemoteFile weights(const std::string& name, const std::string& id) {
  return {RemoteFile::Kind::weights, name,
          "https://drive.usercontent.google.com/download?export=download&confirm=t&id=" + id, name + ".pt"};
}

// MD5: CIFAR's are published on www.cs.toronto.edu/~kriz/cifar.html; Stanford's pages publish none, these are
// torchvision's (STL-10) and Avalanche's (Tiny-ImageNet). Sizes: public logs' (docs/dependencies.md). Of the
// weights neither is published. B_6-Wi_512 on ImageNet is left out: its address there is that on CIFAR-100.
std::vector<RemoteFile> make_files() {
  const std::string toronto = "https://www.cs.toronto.edu/~kriz/",
                    stanford = "https://cs.stanford.edu/~acoates/";
  return {
      data_set("cifar10", toronto, "cifar-10-binary.tar.gz", 170'052'171, "c32a1d4ab5d03f1284b67883e8d87530"),
      data_set("cifar100", toronto, "cifar-100-binary.tar.gz", 168'513'733,
               "03b5dce01913d631647c71ecec9e9cb8"),
      data_set("stl10", stanford + "stl10/", "stl10_binary.tar.gz", 2'640'397'119,
               "91f7769df0f17e558f3565bffb0c7dfb"),
      data_set("tiny-imagenet", "https://cs231n.stanford.edu/", "tiny-imagenet-200.zip", 248'100'043,
               "90528d7ca1a48142e341f4ef8d21d0de"),
      weights("B_6-Wi_512_res_64_in21k", "1QV3a99UT8llfh9zDDuNKWDH_5c6S_YT5"),
      weights("B_6-Wi_512_res_64_in21k_cifar10", "1VjHgjheSm_w7xPtheEmY5kV_KE4-38zQ"),
      weights("B_6-Wi_512_res_64_in21k_cifar100", "1iK3t20-GS_Vs-_Q3ZexSiCfjGJ3IaPC2"),
      weights("B_6-Wi_1024_res_64_in21k", "1cmO3QSz_hfHtyzkUOZnPmXPxIE2YzEbf"),
      weights("B_6-Wi_1024_res_64_in21k_cifar10", "1Tyd5CkROPCMQybnrZ_o1wiAW7VoK6AfJ"),
      weights("B_6-Wi_1024_res_64_in21k_cifar100", "1FrRb78bjun6QGbbH-pCWDaaE_8LWW785"),
      weights("B_6-Wi_1024_res_64_in21k_imagenet", "115Lks211vx1at2dWn3JtQ57EZ7eNAVP4E"),
      weights("B_12-Wi_512_res_64_in21k", "1sL9j_4FFeBTWTzuRFbHLfwrmPVLXhUtW"),
      weights("B_12-Wi_512_res_64_in21k_cifar10", "1F1NvoOsYCgsn1GOZcwsoToOtsw-9Aw1v"),
      weights("B_12-Wi_512_res_64_in21k_cifar100", "1KIULehrqOyxIkZj0HiqowNmBy4Ye1EQ2"),
      weights("B_12-Wi_512_res_64_in21k_imagenet", "1f0ZYzB_XujX8hDcEn_J6iWvw1meJ4Cbg"),
      weights("B_12-Wi_1024_res_64_in21k", "1rcV8RXij_kW9X2zSLNyNOTO_bKUjE0cJ"),
      weights("B_12-Wi_1024_res_64_in21k_cifar10", "1GyxuewoOzMRhzEOyUrIBLQzquc-QEYNV"),
      weights("B_12-Wi_1024_res_64_in21k_cifar100", "1LNqC58cSwtuDr-C4bk1O3GA_vAWls-UH"),
      weights("B_12-Wi_1024_res_64_in21k_imagenet", "1MVebvnSGL02k_ql1gUCjh4quGqM9RM4F"),
  };
}

}  // namespace

std::span<const RemoteFile> remote_files() {
  static const std::vector<RemoteFile> files = make_files();
  return files;
}

const RemoteFile& find_remote_file(const std::string& name) {
  std::vector<std::string> names, sets;
  for (const RemoteFile& each : remote_files()) {
    if (lower_case(name) == lower_case(each.name)) return each;
    names.push_back(each.name);
    if (each.kind == RemoteFile::Kind::data_set) sets.push_back(each.name);
  }
  fail(ErrorKind::usage,
       "\"{}\" cannot be fetched{}; there are {}, and weights, which `smlp fetch --help` lists", name,
       did_you_mean(name, names), fmt::join(sets, ", "));
}

}  // namespace smlp
