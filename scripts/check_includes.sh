#!/usr/bin/env bash
# A room includes only itself and rooms below it; rooms without LibTorch never include it.
set -euo pipefail
cd "$(dirname "$0")/.."
awk '
  BEGIN {
    below["core"] = "core"
    below["formats"] = "core formats"
    below["config"] = "core config"
    below["data"] = "core formats config data"
    below["pack"] = "core formats config data pack"
    below["models"] = "core formats config data models"
    below["run"] = "core formats config data run"
    below["scaling"] = "core formats scaling"
    below["kernels"] = "kernels"
    below["device"] = "core config device"
    below["batches"] = "core formats config data kernels device batches"
    below["dist"] = "core config device dist"
    below["nn"] = "core config models kernels device nn"
    below["networks"] = "core config models kernels device nn networks"
    below["optim"] = "core config kernels device nn optim"
    below["train"] = "core formats config data models run kernels device batches dist nn networks optim train"
    below["sweep"] = below["train"] " sweep"
    below["analysis"] = below["train"] " analysis"
    below["python"] = below["train"]
    split("core formats config data pack models run scaling kernels", rooms, " ")
    for (i in rooms) torchless[rooms[i]] = 1
  }
  FNR == 1 {
    split(FILENAME, part, "/")
    room = part[1] == "src" ? part[2] : part[3]
    with_torch = !(room in torchless)
    allowed = " " below[room] " "
    if (!(room in below)) { print FILENAME ": unknown room " room; bad = 1 }
  }
  /^#include "[a-z]+\// {
    name = $2
    sub(/^"(smlp\/)?/, "", name)
    split(name, part, "/")
    if (index(allowed, " " part[1] " ") == 0) { print FILENAME ":" FNR ": " room " may not include " $2; bad = 1 }
  }
  /^#include [<"](torch|ATen|c10)\// && !with_torch { print FILENAME ":" FNR ": " room " may not include " $2; bad = 1 }
  END { exit bad }
' $(git ls-files --cached --others --exclude-standard 'include/smlp/*.hpp' 'src/*.cpp' 'src/*.hpp')
