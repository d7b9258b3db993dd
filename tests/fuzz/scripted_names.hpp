#pragma once
// The names that scripts of files choose from, by source.
#include <string_view>

namespace smlp::fuzz {

inline constexpr std::string_view cifar_files[] = {"c/data_batch_1.bin",
                                                   "c/data_batch_2.bin",
                                                   "c/data_batch_3.bin",
                                                   "c/data_batch_4.bin",
                                                   "c/data_batch_5.bin",
                                                   "c/test_batch.bin",
                                                   "c/batches.meta.txt",
                                                   "c/train.bin",
                                                   "c/test.bin",
                                                   "c/fine_label_names.txt",
                                                   "c/coarse_label_names.txt",
                                                   "c/readme.html",
                                                   "test.bin",
                                                   "a/b/test.bin"};

inline constexpr std::string_view stl10_files[] = {
    "s/train_X.bin",     "s/train_y.bin",     "s/test_X.bin",       "s/test_y.bin",
    "s/unlabeled_X.bin", "s/class_names.txt", "s/fold_indices.txt", "train_y.bin"};

inline constexpr std::string_view webdataset_files[] = {
    "0.jpg", "0.cls", "0.json", "1.PNG",       "1.cls",    "1.json",        "x/2.jpeg",    "x/2.cls",
    "x/",    "._1",   "readme", "x/2.seg.png", "a\nb.cls", "x/.hidden.jpg", "dataset.json"};

inline constexpr std::string_view class_folder_files[] = {"train/n00000001/images/a.JPEG",
                                                          "train/n00000002/images/b.JPEG",
                                                          "val/images/a.JPEG",
                                                          "val/images/b.JPEG",
                                                          "val/val_annotations.txt",
                                                          "wnids.txt",
                                                          "n00000001.tar",
                                                          "n00000002.tar",
                                                          "n00000001_1.JPEG",
                                                          "n00000002_2.JPEG",
                                                          "ILSVRC2012_val_00000001.JPEG",
                                                          "ILSVRC2012_val_00000003.JPEG",
                                                          "val/n00000001/c.png",
                                                          "train/empty/",
                                                          "train/",
                                                          "r/train/n00000001/d.jpg",
                                                          "n00000001/e.jpg",
                                                          "n00000002/f/g.jpg",
                                                          "readme"};

inline constexpr std::string_view split_folder_files[] = {"set_train/1/a.JPEG",
                                                          "set_train/10/b.webp",
                                                          "set_train/2/c.bmp",
                                                          "set_valid/1/d.gif",
                                                          "set_valid/2/",
                                                          "set_small/1/e.jpg",
                                                          "other_train/1/a.jpg",
                                                          "other_dev/1/a.jpg",
                                                          "r/Training/n00000001/a",
                                                          "r/eval/n00000001/b.jpg",
                                                          "r/eval/n00000002/c.jpg",
                                                          "r/dev/n00000001/d.jpg",
                                                          "train/a.jpg",
                                                          "train/n00000001/b.jpg",
                                                          "lost+found/x",
                                                          "readme"};

}  // namespace smlp::fuzz
