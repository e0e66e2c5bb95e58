"""reference_lockstep: data-parallel ranks of the reference simulator, which step together.

Each rank is a replica with its own queue, batch and blocks. They plan when none of them is in
a step; a step lasts as long as the rank that finds it longest, among the tokens of all; who has
nothing to do decodes a token for nobody.
"""

DUMMY = ([(0, 1)], [], 0)  # decodes, chunks, how many emit


class Group:
    """The ranks of one replica."""

    def __init__(self, ranks):
        self.ranks, self.n_dummies = ranks, 0
        for rank in ranks:
            rank.steps_alone = False

    def plan(self, now_ns):
        """The ranks that have a step now, in order."""
        if any(rank.step for rank in self.ranks):
            return []
        for rank in self.ranks:
            rank.granted, rank.wake_ns = {}, None
            if rank.n_requests() > 0:
                rank.plan(now_ns)
        working = [rank for rank in self.ranks if rank.granted]
        if working:
            self.start(now_ns)
        return working

    def start(self, now_ns):
        contents = [rank.contents() if rank.granted else ([], *DUMMY) for rank in self.ranks]
        wholes = [content[1:] for content in contents]
        decodes = [(content[1], [], len(content[1])) if content[1] else DUMMY
                   for content in contents]
        decode_fs, fs = max(self.find(decodes)), max(self.find(wholes, with_moves=True))
        for rank, (entries, *_) in zip(self.ranks, contents):
            if rank.granted:
                rank.seen["stragglers"] += len({*self.find(wholes, with_moves=True)}) > 1
                rank.begin_step(entries, now_ns, decode_fs, fs)
            else:
                rank.seen["dummies"] += 1

    def find(self, wholes, with_moves=False):
        """How long every rank finds the step."""
        for rank, whole in zip(self.ranks, wholes):
            others = [(decodes, chunks) for other, (decodes, chunks, _)
                      in zip(self.ranks, wholes) if other is not rank]
            fs = rank.drafter.step_fs(*whole, others)
            yield fs + (rank.moves_fs() if with_moves and rank.granted else 0)
