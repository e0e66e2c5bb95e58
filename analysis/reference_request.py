"""reference_request: one request of the reference simulator, and who owned its time."""

OWNERS = ("queue", "prefill", "decode", "stall", "recompute", "transfer")  # of every ns, rule 9


class Request:
    def __init__(self, index, row):
        self.index = index
        self.request_id = row.name  # None: its index, once it is sent
        self.copy, self.parents, self.think_ns = row.copy, row.parents, row.think_ns
        self.arrival_ns, self.prompt, self.output = row.arrival_ns, row.prompt, row.output
        self.reasoning, self.first_answer_ns = row.reasoning, None
        self.session = row.session
        self.tenant, self.priority, self.deadline_ns = row.tenant, row.priority, row.deadline_ns
        self.max_new = self.predicted = row.output
        self.model, self.klass = row.model, row.klass
        self.status = self.reason = ""  # the status is empty until it leaves
        self.place = None  # frontend, replica, held, away
        self.pool = self.prefill_replica = None
        self.pools, self.attempts, self.held_until_ns = (), 1, None
        self.replica = self.last_token_ns = self.max_itl_ns = None
        self.first_scheduled_ns = self.first_token_ns = self.finish_ns = None
        self.owned_ns, self.owned_until_ns = dict.fromkeys(OWNERS, 0), row.arrival_ns
        self.is_recomputing = False  # from the preempting step until it has passed its goal
        self.goal = 0  # tokens: what it had computed before
        self.label = row.prefix or None  # equal ones begin with the same prompt
        self.prefix = None  # the same, where its replica has a cache
        self.in_session = False  # it labels all that the session says, answers too
        self.preemptions = self.generated = self.cached_tokens = self.found_tokens = 0
        self.blocks, self.n_filled = [], 0
        self.admission = 0  # how many its replica had admitted, at the last time
        self.reserved = 0  # tokens: it holds blocks for so many at least
        self.computed = self.max_computed = 0  # tokens whose KV it holds; the most it ever held
        self.given_up = False  # its client left during the step in progress
        self.granted = False  # something, where it is now
        self.n_lost = 0  # attempts, to failures
        self.has_moved, self.most_computed = False, 0  # from replicas that failed; before that
        self.transfer = None  # while its KV cache is on its way: reference_transfer.py
        self.is_fresh = True  # nothing was ever granted in this attempt

    def join_session(self):
        """Without a label of its own the prompt is what its session has said so far."""
        if self.session and not self.label:
            self.label, self.in_session = ("session", self.session), True

    @property
    def tokens(self):
        return self.prompt + self.generated

    @property
    def missing(self):
        return self.tokens - self.computed

    @property
    def decodes(self):
        return self.generated > 0 and self.missing == 1

    @property
    def need(self):
        """Tokens whose KV it may ever hold: that of the last one is never written."""
        return self.prompt + self.max_new - 1

    def own(self, owner, until_ns):
        """Gives the time since the last owner's end to `owner` (rule 9)."""
        self.owned_ns[owner] += until_ns - self.owned_until_ns
        self.owned_until_ns = until_ns

    def begin_recomputing(self):
        """What it has computed now is lost."""
        self.goal = max(self.computed, self.goal if self.is_recomputing else 0)
        self.is_recomputing = True

    def note_most(self):
        self.most_computed = max(self.most_computed, self.computed,
                                 self.goal if self.is_recomputing else 0)

    def move(self):
        """It goes on at another replica, with the output that it has."""
        self.has_moved = True
        self.begin_recomputing()
        self.note_most()
        self.computed = 0

    def start_again(self, now_ns):
        """It does so elsewhere: all since it was first granted anything is recomputing."""
        self.note_most()
        since_ns = self.first_scheduled_ns
        self.owned_ns = {**dict.fromkeys(OWNERS, 0), "queue": since_ns - self.arrival_ns,
                         "recompute": now_ns - since_ns}
        self.owned_until_ns = now_ns
        self.is_recomputing, self.goal = True, min(self.most_computed, self.prompt) - 1
        self.first_token_ns = self.last_token_ns = self.max_itl_ns = None
        self.first_answer_ns = None
        self.generated = self.computed = self.max_computed = 0
        self.found_tokens = self.cached_tokens = 0
        self.is_fresh = True

    def finish_lost(self, now_ns, reason):
        """It has lost its last attempt."""
        self.leave("failed", now_ns, reason)

    def own_step(self, step, is_decode):
        if self.is_recomputing:
            self.own("recompute", step.end_ns)
            self.is_recomputing = self.computed <= self.goal
        elif self.first_token_ns is None:
            self.own("prefill", step.end_ns)
        else:
            self.own("decode", step.start_ns + (step.decode_alone_ns if is_decode else 0))
            self.own("stall", step.end_ns)

    def emit(self, now_ns):
        self.generated += 1
        if self.generated == 1:
            self.first_token_ns = now_ns
        else:
            self.max_itl_ns = max(self.max_itl_ns or 0, now_ns - self.last_token_ns)
        if self.generated == self.reasoning + 1:
            self.first_answer_ns = now_ns
        self.last_token_ns = now_ns

    def leave(self, status, now_ns, reason=""):
        self.status, self.finish_ns, self.reason = status, now_ns, reason
        if self.first_scheduled_ns is None or self.is_recomputing:
            self.own("recompute" if self.is_recomputing else "queue", now_ns)
        assert sum(self.owned_ns.values()) == now_ns - self.arrival_ns, self.request_id
