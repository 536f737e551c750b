"""Figures of the source code for docs/architecture.md: python3 Tools/check/figures.py, from the root of the checkout."""

import glob
import re
import statistics

FUNCTION = re.compile(
    r"^( *)(?:@\w+(?:\([^)]*\))? )*(?:(?:public|private|package|internal|static|final|override|mutating|fileprivate|"
    r"convenience|required|class|nonisolated) )*(?:func|init)\b"
)
PUBLIC = re.compile(r"(public|open) (static |final |class |mutating |convenience )*(func|init|var|let|struct|enum|class|protocol)\b")


def lines_of(pattern):
    return {path: open(path).read().split("\n")[:-1] for path in glob.glob(pattern, recursive=True)}


def function_lengths(lines):
    for start, line in enumerate(lines):
        found = FUNCTION.match(line)
        if not found:
            continue
        end = start
        if not ("{" in line and line.rstrip().endswith("}")):
            while end + 1 < len(lines) and not (end > start and lines[end].startswith(found.group(1) + "}")):
                end += 1
        yield end - start + 1


def public_declarations(lines):
    """For each, whether a /// comment is above it."""
    for number, line in enumerate(lines):
        if PUBLIC.match(line.strip()):
            above = number - 1
            while above >= 0 and lines[above].strip().startswith("@"):
                above -= 1
            yield above >= 0 and lines[above].strip().startswith("///")


sources, tests = lines_of("Sources/**/*.swift"), lines_of("Tests/**/*.swift")
shim = {**lines_of("Sources/CTorchShim/*.cpp"), **lines_of("Sources/CTorchShim/*.h"),
        **lines_of("Sources/CTorch/include/CTorch.h")}
counts = [len(lines) for lines in sources.values()]
code = [line for lines in sources.values() for line in lines if line.strip()]
lengths = sorted(length for lines in sources.values() for length in function_lengths(lines))
documented = [known for lines in sources.values() for known in public_declarations(lines)]
test_lines = sum(map(len, tests.values()))
print(f"files, lines: {len(counts)}, {sum(counts)}, and {sum(map(len, shim.values()))} of the shim in C++")
print(f"lines of a file: median {statistics.median(counts):.0f}, longest {max(counts)}, "
      f"{100 * sum(count < 30 for count in counts) / len(counts):.0f} % under 30")
print(f"lines of a function: median {statistics.median(lengths):.0f}, 90th percentile {lengths[int(0.9 * len(lengths))]}, "
      f"longest {lengths[-1]}")
print(f"comment lines: {100 * sum(line.strip().startswith('//') for line in code) / len(code):.0f} %")
print(f"public declarations: {len(documented)}, with /// {100 * sum(documented) / len(documented):.0f} %")
print(f"tests: {len(tests)} files, {test_lines} lines, {test_lines / sum(counts):.2f} of the sources")
