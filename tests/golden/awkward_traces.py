"""awkward_traces: traces for test_stepwise.py, each a function that makes one in a folder."""

import runs


def published(path):
    return lambda root: path


def generated(n_requests, *settings, workload="azure-conv-2023"):
    return lambda root: runs.generate(root / "trace.csv", (f"workload.requests={n_requests}",
                                                           *settings), workload)


def derived(n_requests, change):
    """A generated trace whose every row went through change(i, arrival, prompt, output)."""
    def trace(root):
        rows = runs.read_trace(runs.generate(root / "raw.csv", [f"workload.requests={n_requests}"]))
        return runs.write_trace(root / "trace.csv", [change(i, *row) for i, row in enumerate(rows)])
    return trace


def at_once(n_requests):
    """Short prompts and long answers, all at one instant."""
    return lambda root: runs.write_trace(root / "trace.csv", [
        (0, 32 + i % 7, 400 + 37 * (i % 11)) for i in range(n_requests)])


def growing(i, at, prompt, output):
    """Short prompts: most of a sequence's KV is its answer's, and admission cannot foresee it."""
    return at, 1 + prompt // 16 + i % 3, output


def texts(n, share=1):
    """Prompts that are the beginnings of `n` texts, or, some of them, like no other."""
    def change(i, at, prompt, output):
        return at, prompt, output, f"text {i * 37 % n}" if i % 41 < 41 * share else ""
    return change


def crumbs(n_requests):
    """Prompts of a few tokens, two of three from a few texts, all at one instant."""
    return lambda root: runs.write_trace(root / "trace.csv", [
        (0, 1 + i * 3 % 7, 1 + i * 11 % 17, f"text {i * 37 % 5}" if i % 3 else "")
        for i in range(n_requests)])


def bursts(every_ns):
    return lambda i, at, prompt, output: (at // every_ns * every_ns, prompt, output)
