"""Write the results as a Markdown table and as a chart."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
COMPARISON = HERE.parent / "docs" / "comparison.md"
PAGE = HERE / "README.md"
CHART = HERE.parent / "docs" / "images" / "benchmarks.svg"
CAREFUL = "careful by hand"
BEGIN, END = "<!-- written by `make bench` -->", "<!-- end -->"


def base_of(rows):
    """Return the contender that the others are divided by."""
    for name in ("by hand", CAREFUL, "raw", "jaxtyping + beartype"):
        if "median" in rows.get(name, {}):
            return name
    return next(iter(rows))


def ratio(results, workload, contender="sekisho", by=None):
    """Return the time of one contender divided by another's; None if one of them did not run."""
    rows = results["races"][workload]["contenders"]
    pair = [rows.get(name, {}).get("median") for name in (contender, by or base_of(rows))]
    return pair[0] / pair[1] if None not in pair else None


def table(results):
    """Return the table, with one line for each workload."""
    counts = results["others"]["instructions"] or {}
    lines = [
        "| | workload | sekisho | by careful | instructions | others |",
        "|---|---|---|---|---|---|",
    ]
    for workload, race in results["races"].items():
        rows = race["contenders"]
        base = base_of(rows)
        ours = f"{rows['sekisho']['median'] / rows[base]['median']:.2f}"
        if base == "sekisho":
            ours = f"{1e6 * rows['sekisho']['median']:.0f} microseconds"
        others = [
            f"{name} {row['median'] / rows[base]['median']:.3g}"
            if "median" in row
            else f"{name}: {row['error']}"
            for name, row in rows.items()
            if name not in {"sekisho", base}
        ]
        careful = ratio(results, workload, by=CAREFUL) if CAREFUL in rows else None
        counted = counts.get(workload, {})
        instructions = counted["sekisho"] / counted[CAREFUL] if CAREFUL in counted else None
        cells = [ours, *("" if each is None else f"{each:.2f}" for each in (careful, instructions))]
        lines.append(
            f"| {workload[0]} | {race['title']} | {' | '.join(cells)} | {', '.join(others)} |"
        )
    return lines


def _fill(page, lines):
    text = page.read_text("utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    joined = "\n".join(lines)
    page.write_text(f"{before}{BEGIN}\n{joined}\n{END}{after}", encoding="utf-8")


def write_table(results):
    """Write the whole table into benchmarks/README.md, and its first lines into docs/comparison.md."""
    _fill(PAGE, table(results))
    rows = ["| times the same `assert`s inline | arrays | tensors |", "|---|---|---|"]
    rows_of = results["races"]["a numpy"]["contenders"]
    names = sorted(rows_of, key=lambda name: rows_of[name].get("median", float("inf")))
    for name in names:
        cells = [ratio(results, f"a {world}", name) for world in ("numpy", "torch")]
        shown = ["cannot run" if cell is None else f"{cell:.2f}" for cell in cells]
        bold = "**" if name == "sekisho" else ""
        note = " (no shapes, no dtypes)" if name == "beartype alone" else ""
        rows.append(f"| {bold}{name}{bold}{note} | {shown[0]} | {shown[1]} |")
    _fill(COMPARISON, rows)


def _number(value):
    if not value:
        return " cannot run"
    return f" {value:.0f}" if value >= 10 else f" {value:.2f}"


def draw(results):
    """Draw workload a, on a logarithmic axis."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "sekisho"
    import matplotlib.pyplot as plt

    names = [
        name
        for name in results["races"]["a numpy"]["contenders"]
        if ratio(results, "a numpy", name) or ratio(results, "a torch", name)
    ]
    names.sort(key=lambda name: ratio(results, "a torch", name) or 0, reverse=True)
    figure, axes = plt.subplots(figsize=(8, 0.42 * len(names) + 1.1), layout="constrained")
    for offset, (world, label) in enumerate((("numpy", "arrays"), ("torch", "tensors"))):
        values = [ratio(results, f"a {world}", name) or 0 for name in names]
        places = [place + 0.4 * (0.5 - offset) for place in range(len(names))]
        color = ("#4c78a8", "#ee6c4d")[offset]
        bars = axes.barh(places, values, height=0.38, label=label, color=color)
        axes.bar_label(bars, [_number(v) for v in values], fontsize=8)
    axes.set_xscale("log")
    axes.axvline(1, color="#888888", linewidth=1, linestyle="--")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("times the same asserts written inline (two arrays and a return)")
    axes.legend(loc="upper right", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    CHART.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(CHART, metadata={"Date": None})
    plt.close(figure)
