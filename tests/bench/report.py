"""What was measured, as a table, Markdown, JSON and a plot."""
import json
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path
from statistics import median

from plan import TARGETS


def machine(began, load, chosen):
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        "seconds": round(time.time() - began),
        "processor": model, "cpus": os.cpu_count(), "memory_mib": memory, "kernel": platform.release(),
        "load_before": round(load, 1), "load_after": round(os.getloadavg()[0], 1),
        "rounds": chosen.rounds, "apps": chosen.sizes,
    }


def cost(figure):
    """Microseconds an operation: half of them take less; of several at once, the time between two that end."""
    return 1e6 / figure["rate"] if " at once" in figure["work"] or " writers" in figure["work"] else figure["p50"]


def by_round(figures, pinned, which):
    work, system, apps = which
    return {f["round"]: cost(f) for f in figures
            if (f["pinned"], f["work"], f["system"], f["apps"]) == (pinned, work, system, apps)}


def judge(target, figures, pinned):
    """The figure of a target, or None when it was not measured."""
    of = by_round(figures, pinned, target.of)
    if target.to is None:
        value = median(of.values()) if of else None
        return value / 1e6 if value is not None and target.of[0] == "start" else value
    to = by_round(figures, pinned, target.to)
    rounds = of.keys() & to.keys()
    if not rounds:
        return None
    return median((to[r] / of[r]) if target.at_least else (of[r] / to[r]) for r in rounds)


def judge_all(figures):
    judged = []
    for target in TARGETS:
        for pinned in target.pins:
            value = judge(target, figures, pinned)
            if value is not None:
                met = value >= target.limit if target.at_least else value <= target.limit
                judged.append({"target": target.text, "pinned": pinned, "value": round(value, 3),
                               "limit": target.limit, "at_least": target.at_least, "met": met})
    return judged


def summarise(figures):
    """One row for each work, system, number of Apps and pinning: medians over the rounds."""
    groups = {}
    for figure in figures:
        groups.setdefault((figure["work"], figure["apps"], figure["system"], figure["pinned"]), []).append(figure)
    rows = []
    for (work, apps, system, pinned), group in groups.items():
        row = {"work": work, "apps": apps, "system": system, "pinned": pinned, "rounds": len(group)}
        for name in ("p50", "p99", "rate"):
            values = [figure[name] for figure in group if name in figure]
            if values:
                row[name] = round(median(values), 3)
        rows.append(row)
    return rows


def time_text(micro):
    if micro < 1000:
        return f"{micro:.1f} µs"
    return f"{micro / 1000:.2f} ms" if micro < 1e6 else f"{micro / 1e6:.2f} s"


def cells(row):
    """p50, p99 and rate as they are shown."""
    if row is None:
        return ["", "", ""]
    if row["work"] == "memory":
        return [f"{row['p50']:.1f} MiB", "", ""]
    many = "p99" in row and row["work"] != "first ls -l"
    rate = f"{row['rate']:,.0f}" if many and row["rate"] >= 10 else f"{row['rate']:.2f}" if many else ""
    return [time_text(row["p50"]), time_text(row["p99"]) if many else "", rate]


def table(head, rows):
    """A Markdown table whose columns also line up as plain text; all but the first two to the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]

    def line(row):
        texts = (c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths)))
        return "| " + " | ".join(texts) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i < 2 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def where(pinned):
    return "one CPU" if pinned else "all CPUs"


def targets_table(judged):
    rows = [[j["target"], where(j["pinned"]), f"{j['value']:.2f}",
             f"{'at least' if j['at_least'] else 'at most'} {j['limit']:g}", "met" if j["met"] else "missed"]
            for j in judged]
    return table(["target", "on", "figure", "wanted", "verdict"], rows)


def figures_table(summary):
    rows = {}
    for row in summary:
        rows.setdefault((row["work"], row["apps"], row["system"]), {})[row["pinned"]] = row
    works = list(dict.fromkeys(row["work"] for row in summary))
    ordered = sorted(rows, key=lambda key: (works.index(key[0]), key[1]))
    lines = [[work, system, f"{apps:,}", *cells(rows[work, apps, system].get(True)),
              *cells(rows[work, apps, system].get(False))] for work, apps, system in ordered]
    head = ["work", "system", "Apps", "one CPU: p50", "p99", "a second", "all CPUs: p50", "p99", "a second"]
    return table(head, lines)


def markdown(about, judged, summary):
    return f"""# credfs measured

{about['time']}, {about['seconds']} s · {about['processor']}, {about['cpus']} CPUs, {about['memory_mib']:,} MiB ·\
 Linux {about['kernel']} · load {about['load_before']} before, {about['load_after']} after

Medians of {about['rounds']} rounds, in which the systems take turns. A ratio is the median of the rounds' ratios: of\
 p50, with several at once of the time an operation. "One CPU": clients and servers share it.

## Targets

{targets_table(judged)}

## Figures

{figures_table(summary)}

Opens are of one App's secret again and again, or of 1,000 Apps' in turn, which lie evenly among all; names are\
 known to the kernel, except of "any App". "trivial" answers opens and reads with a constant and lets the kernel keep\
 names and attributes; with "page cached" the kernel answers the reads. "idle 0" is libfuse's loop when it keeps no idle\
 thread. "SQLite" reads or writes the rows alone. `cat` of pass is `pass show`.
"""


def data(name, lines):
    return f"${name} << EOD\n" + "\n".join(lines) + "\nEOD\n"


def bars(summary, name, title, unit, wanted, value):
    """A panel: for each row that is wanted, one bar for one CPU and one for all."""
    lines = []
    labels = dict.fromkeys(wanted(row) for row in summary if wanted(row))
    for label in labels:
        both = {row["pinned"]: value(row) for row in summary if wanted(row) == label}
        lines.append(f"\"{label}\" {both.get(True, 'NaN')} {both.get(False, 'NaN')}")
    if not lines:
        return "", ""
    draw = (f'set title "{title}"\nset ylabel "{unit}"\n'
            f'plot ${name} using 2:xtic(1) title "one CPU", "" using 3 title "all CPUs"\n')
    return data(name, lines), draw


def plot_script(summary, out):
    few = min(row["apps"] for row in summary if row["system"] == "credfs")
    many = max(row["apps"] for row in summary if row["system"] == "credfs")
    panels = [
        bars(summary, "open", f"open+read+close of secret, {few:,} Apps", "p50, µs",
             lambda r: r["system"] if (r["work"], r["apps"]) == ("open+read+close", few) else None,
             lambda r: r["p50"]),
        bars(summary, "list", "ls and ls -l", "p50, ms",
             lambda r: f"{r['work']} {r['system']} {r['apps']:,}" if r["work"] in ("ls", "ls -l") else None,
             lambda r: r["p50"] / 1000),
        bars(summary, "change", f"change of apis by 1, 4 and 16 writers, {many:,} Apps", "changes a second",
             lambda r: f"{r['work'].removeprefix('change of apis').strip(', ') or '1 writer'} {r['system']}"
             if r["work"].startswith("change") and r["apps"] == many else None,
             lambda r: r["rate"]),
        bars(summary, "size", "credfs with more Apps: open+read+close, mount, memory", "µs; ms; MiB",
             lambda r: f"{ {'open+read+close': 'open µs', 'start': 'mount ms', 'memory': 'memory MiB'}[r['work']]}"
                       f" {r['apps']:,}"
             if r["system"] == "credfs" and r["work"] in ("open+read+close", "start", "memory") else None,
             lambda r: r["p50"] / 1000 if r["work"] == "start" else r["p50"]),
    ]
    head = f"""set terminal svg size 1400,1100 font "sans,12" background "white"
set output "{out}"
set style data histogram
set style fill solid 0.8
set boxwidth 0.9
set logscale y
set grid ytics
set xtics rotate by -35 font ",10"
set key outside top center horizontal
"""
    return "".join(block for block, _ in panels) + head + "set multiplot layout 2,2\n" + \
        "".join(draw for _, draw in panels) + "unset multiplot\n"


def plot(summary, out):
    if not shutil.which("gnuplot"):
        print("bench: gnuplot is not installed: no plot")
        return
    subprocess.run(["gnuplot"], input=plot_script(summary, out), text=True, check=True)


def write(out, about, figures):
    """To bench.json, bench.md and bench.svg in a directory, and the table to stdout."""
    judged, summary = judge_all(figures), summarise(figures)
    text = markdown(about, judged, summary)
    (out / "bench.json").write_text(json.dumps(
        {"machine": about, "targets": judged, "medians": summary, "figures": figures}, indent=1) + "\n")
    (out / "bench.md").write_text(text)
    plot(summary, out / "bench.svg")
    print(text)
    print(f"Written to {out}/bench.md, bench.json and bench.svg.")
