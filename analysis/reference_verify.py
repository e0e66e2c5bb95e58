"""reference_verify: what must hold of every replica of the reference whenever a step begins."""

from reference_input import ceil_div


def verify_step(replica):
    entries = replica.step.entries
    assert 1 <= len(entries) <= len(replica.running) <= replica.config.max_num_seqs
    assert all(entry[0] in replica.running and entry[1] >= 1 for entry in entries)
    assert sum(replica.granted.values()) <= replica.most_tokens()
    waiting = replica.unseen + replica.queue.members
    everybody = [*waiting, *replica.running, *replica.swapped]
    assert len(set(everybody)) == len(everybody)
    held = {block for r in [*replica.running, *replica.retained] for block in r.blocks}
    held |= {block for blocks in replica.kept.values() for block in blocks}
    assert len(replica.kv.free) == replica.usable_blocks - len(held)
    assert not any(r.blocks or r.computed for r in waiting)
    assert not any(r.blocks for r in replica.swapped)
    assert 0 == replica.config.swap_blocks or replica.n_host_blocks() <= replica.config.swap_blocks
    for r in replica.running:
        tokens = max(r.computed + replica.granted.get(r, 0), r.reserved)
        assert len(r.blocks) == ceil_div(tokens, replica.config.block_size), r.request_id
        most = r.need if r.decodes and replica.drafter.of.method != "none" else r.tokens
        assert r.computed + replica.granted.get(r, 0) <= most
    replica.tiers.verify()
