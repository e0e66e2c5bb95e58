"""reference_blocks: the KV blocks of the reference simulator, one by one."""

import collections


class Blocks:
    """KV blocks by number, each with what it holds and how many hold it: vLLM v1's rules."""

    def __init__(self, n, seen, tiers):
        self.seen, self.tiers = seen, tiers
        self.free = collections.OrderedDict.fromkeys(range(n))  # the first is taken first
        self.holders, self.content = [0] * n, [None] * n
        self.known = {}  # content -> block
        self.answers = set()  # contents with tokens of an answer

    def hits(self, request, block_size):
        """The blocks that hold the beginning of the prompt, never all of its tokens, and what
        the tiers have of the blocks behind them."""
        most, found = min(request.tokens - 1, request.prompt) // block_size, []
        while (request.prefix and len(found) < most
               and (request.prefix, len(found)) in self.known):
            found.append(self.known[request.prefix, len(found)])
        return found, self.tiers.find(request, len(found), most) if request.prefix else []

    def take(self, n):
        taken = [self.free.popitem(last=False)[0] for _ in range(n)]
        for block in taken:
            if self.content[block] is not None:
                self.seen["evictions"] += 1
                self.tiers.take(self.content[block])
                del self.known[self.content[block]]
            self.content[block], self.holders[block] = None, 1
        return taken

    def share(self, found):
        for block in found:
            self.free.pop(block, None)
            self.holders[block] += 1

    def give(self, blocks):
        for block in reversed(blocks):
            self.holders[block] -= 1
            if self.holders[block] == 0:
                self.free[block] = None

    def fill(self, request, n_tokens, block_size):
        """Full blocks of prompt become known; a copy of what is known does not."""
        self.know(request, min(n_tokens, request.prompt), block_size)

    def fill_answer(self, request, block_size):
        """It leaves: what its session has said by now is the beginning of a later prompt,
        unless thoughts that are not sent again stand in between."""
        if request.prefix and request.in_session and request.reasoning == 0:
            n_prompt, n_full = request.prompt // block_size, request.computed // block_size
            self.seen["answers"] += n_full > n_prompt
            self.answers.update((request.prefix, i) for i in range(n_prompt, n_full))
            self.know(request, request.computed, block_size)

    def know(self, request, n_tokens, block_size):
        n_full = n_tokens // block_size if request.prefix else 0
        for i in range(request.n_filled, n_full):
            request.n_filled = n_full
            block, content = request.blocks[i], (request.prefix, i)
            if content not in self.known:
                self.known[content], self.content[block] = block, content
            elif self.known[content] != block:
                self.seen["copies"] += 1
