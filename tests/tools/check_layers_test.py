"""tools/check_layers finds each kind of fault in a small tree, and none in a sound one."""
import importlib.machinery
import importlib.util
import pathlib
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check_layers"
loader = importlib.machinery.SourceFileLoader("check_layers", str(TOOL))
tool = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_layers", loader))
loader.exec_module(tool)

CMAKE = """
halftone_layer(base LIBS fmt::fmt)  # halftone_layer(comment USES nothing)
halftone_layer(core USES base)
halftone_layer(graph USES core LIBS json)
halftone_layer(data USES core)
"""
SOUND = {
    "src/base/error.h": "#pragma once\n",
    "src/core/tensor.h": '#pragma once\n#include <vector>\n\n#include "base/error.h"\n',
    "src/core/tensor.cpp": '#include "core/tensor.h"\n',
    "src/graph/graph.h": '#pragma once\n#include "base/error.h"\n#include "core/tensor.h"\n',
    "src/data/image.h": "#pragma once\n",
    "tools/packages": "# PACKAGE GROUP\ng++ build\n",
    "docs/dependencies.md": "| `g++` | C++20 |\n",
}


class CheckLayers(unittest.TestCase):
    def faults(self, files=None, cmake=CMAKE):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "CMakeLists.txt").write_text(cmake)
            for path, text in {**SOUND, **(files or {})}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            return tool.check(root)

    def assert_only(self, part, files=None, cmake=CMAKE):
        faults = self.faults(files, cmake)
        self.assertEqual(len(faults), 1, faults)
        self.assertIn(part, faults[0])

    def test_a_sound_tree_passes(self):
        self.assertEqual(self.faults(), [])

    def test_include_upwards(self):
        self.assert_only("core may not include graph", {"src/core/dtype.h": '#pragma once\n#include "graph/graph.h"\n'})

    def test_include_sideways(self):
        self.assert_only("graph may not include data", {"src/graph/op.h": '#pragma once\n#  include "data/image.h"\n'})

    def test_include_of_apps(self):
        self.assert_only('"apps/verb.h" is in no layer', {"src/graph/op.h": '#pragma once\n#include "apps/verb.h"\n'})

    def test_include_without_a_folder(self):
        self.assert_only("not a path from src/", {"src/graph/op.h": '#pragma once\n#include "graph.h"\n'})

    def test_include_of_a_missing_file(self):
        self.assert_only("does not exist", {"src/graph/op.h": '#pragma once\n#include "core/none.h"\n'})

    def test_folder_without_a_layer_line(self):
        self.assert_only("no halftone_layer line", {"src/extra/file.cpp": "\n"})

    def test_layers_in_a_circle(self):
        self.assertTrue(any("in a circle" in fault
                            for fault in self.faults(cmake=CMAKE.replace("base LIBS", "base USES core LIBS"))))

    def test_layer_that_uses_no_layer(self):
        self.assert_only("which is no layer", cmake=CMAKE.replace("data USES core", "data USES core nothing"))

    def test_own_header_comes_first(self):
        self.assert_only("its own", {"src/core/tensor.cpp": '#include "base/error.h"\n#include "core/tensor.h"\n'})

    def test_overlapping_kernel_waits(self):
        kernel = "template <int k>\n__global__ void __launch_bounds__(k, 1)\n    move_kernel(int* x) {\n%s}\n"
        launch = "void move() { launch_overlapping(move_kernel<1>, 1, 1, 0, 0, x); }\n"
        self.assertEqual(self.faults({"src/core/move.cu": kernel % "  await_earlier();\n  *x = 1;\n" + launch}), [])
        self.assert_only("move_kernel does not await_earlier()", {"src/core/move.cu": kernel % "  *x = 1;\n" + launch})
        self.assert_only("move_kernel does not await_earlier()", {
            "src/core/move.cu": kernel % "  if (*x) {\n    await_earlier();\n  }\n" + launch})
        self.assert_only("return before they await_earlier()", {
            "src/core/move.cu": kernel % "  if (*x) return;\n  await_earlier();\n" + launch})
        self.assert_only("and with <<<", {
            "src/core/move.cu": kernel % "  await_earlier();\n" + launch + "void b() { move_kernel<1><<<1, 1>>>(x); }\n"})
        self.assert_only("launch.h alone", {"src/core/move.cu": "int x = cudaLaunchAttributeProgrammaticEvent;\n"})

    def test_long_file(self):
        self.assert_only("801 lines, over 800", {"src/core/long.cpp": "\n" * 801})

    def test_long_median(self):
        self.assert_only("the median file",
                         {f"src/graph/long_{i}.cpp": "\n" * 151 for i in range(2 + len(SOUND))})

    def test_package_without_a_reason(self):
        self.assert_only("says nothing of cmake", {"tools/packages": "g++ build\ncmake build\n"})

    def test_name(self):
        self.assert_only("not snake_case", {"src/core/DType.cpp": "\n"})

    def test_header_guard(self):
        self.assert_only("#pragma once", {"src/core/dtype.h": "\n"})


if __name__ == "__main__":
    unittest.main()
