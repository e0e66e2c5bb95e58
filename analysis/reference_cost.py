"""reference_cost: the price of a step, for the slow reference simulator.

From the formulas of the roofline with exact fractions, one number per quantity of a step;
nothing shared with the C program but the rules: each coefficient is rounded half up to
femtoseconds once, `scale` included, what overlap leaves is that times 1 - overlap, rounded
again; the rest is integers. Only E_act is floating, by its recurrence, as everywhere.
"""

import fractions
import functools
import math

from reference_model import MODEL_KEYS, Keys, Model, half_up, preset

RATES = {"fp8": "fp8_flops", "int8": "int8_flops", "fp4": "fp4_flops", "mxfp4": "fp4_flops",
         "nvfp4": "fp4_flops"}  # int4 computes in bf16


def ceil_div(a, b):
    return -(-a // b)


def n_tokens(decodes, chunks):
    return sum(n for _, n in [*decodes, *chunks])


class Linear:
    """cost = linear."""

    def __init__(self, keys):
        self.base, self.prefill, self.decode, self.context = (keys.fs(key) for key in (
            "base_us", "prefill_token_us", "decode_seq_us", "context_token_us"))

    @staticmethod
    def kinds():
        return {"linear"}

    def fs(self, decodes, chunks, _, others=()):
        n_drafts = sum(n - 1 for _, n in decodes)
        return (self.base + len(decodes) * self.decode
                + sum(before + n for before, n in decodes) * self.context
                + (sum(n for _, n in chunks) + n_drafts) * self.prefill)


class Roofline:
    """cost = roofline on one replica."""

    def __init__(self, keys):
        self.keys, self.model = keys, Model(keys)
        self.tp, self.pp, self.dp = (keys.count(key + "_parallel")
                                     for key in ("tensor", "pipeline", "data"))
        layers = self.model.layers
        self.largest = fractions.Fraction(ceil_div(layers, self.pp) * self.pp, layers)
        self.memory = keys.number("memory_bandwidth") * keys.number("memory_efficiency")
        self.expert_fs, self.expert_milli = [], []  # to read them, and how many
        if self.model.experts:
            self.fill_experts()

    def kinds(self):
        """What there is to it, in words, for tests that want all of it tried."""
        model = self.model
        there = {"hardware": True, "experts": model.experts, "MLA": model.rank,
                 "window layers": model.window_layers, "indexers": model.index_heads,
                 "linear layers": model.linear_layers, "stages": self.pp > 1,
                 "ranks": self.dp > 1, "tensor parallel": self.tp > 1,
                 "one max": self.keys.word("roofline") == "step"}
        return {kind for kind, is_there in there.items() if is_there}

    def coefficient(self, seconds):
        fs = half_up(seconds * self.keys.number("scale") * 10**15)
        assert fs > 0 or seconds == 0
        return fs

    def rate(self, precision):
        bf16 = self.keys.number("bf16_flops")
        return max(bf16, self.own_rate(precision)) * self.keys.number("compute_efficiency")

    def own_rate(self, precision):
        """Of units for FP8 and INT8 or for FP4; 0 without them."""
        key = RATES.get(precision, "bf16_flops")
        chip = self.keys.number(key)
        if key == "bf16_flops" or chip == self.keys.number("bf16_flops"):
            return 0
        return chip * self.keys.number(f"fp{4 if key == 'fp4_flops' else 8}_compute_efficiency")

    def quantises(self):
        """Whether activations are, on their way into the layers' matrices."""
        return any(self.own_rate(word) > self.keys.number("bf16_flops")
                   for word in self.model.matrix_products())

    def attention_rate(self):
        return self.rate("bf16") * self.keys.number("attention_compute_efficiency")

    def matrix_rate(self, weights):
        rate = self.rate(self.model.products(weights))
        sparse = self.keys.word("sparsity") == "2:4"
        return rate * (self.keys.number("sparse_speedup") if sparse else 1)

    def part(self, seconds):
        """As a coefficient, but it may vanish."""
        return half_up(seconds * self.keys.number("scale") * 10**15)

    def copies(self, m):
        """Per token, of its activations: the copies for experts."""
        share = self.largest / (m * self.dp)
        return self.part(self.copied_bytes() * share / self.memory)

    def activation_bytes(self):
        """Of a token, on a GPU that has all its layers."""
        model = self.model
        return (2 * model.hidden * self.keys.number("activation_traffic") * model.layers
                + self.copied_bytes())

    def copied_bytes(self):
        """Copies for experts go to all GPUs that hold slices of them, or are spread over those
        that hold whole ones."""
        model, keys = self.model, self.keys
        whole = keys.word("expert_parallel") == "yes"
        visits = fractions.Fraction(model.moe_layers * model.active * self.dp,
                                    self.tp * self.dp if whole else 1)
        return 2 * model.hidden * keys.number("expert_activation_traffic") * visits

    def imbalance(self):
        parallel = self.keys.word("expert_parallel") == "yes"
        return self.keys.number("expert_imbalance") if parallel else 1

    def fill_experts(self):
        """The time to read the experts that T tokens visit, until 1 in 10,000 is left."""
        model, keys = self.model, self.keys
        n_bytes = model.read_bytes(model.precision("expert_precision"), model.expert_weights())
        one_s = (fractions.Fraction(n_bytes, self.tp * self.dp) * self.largest * self.imbalance()
                 / (self.memory * keys.number("expert_memory_efficiency")))
        left, n_tokens = float(model.experts), 1
        while left > 1e-4 and n_tokens < 1 << 16:
            left -= left * (model.active / model.experts)
            n_tokens += 1
        seen = 0.0
        for _ in range(n_tokens):
            self.expert_fs.append(self.coefficient(fractions.Fraction(seen) * one_s))
            self.expert_milli.append(math.floor(seen * 1e3 + 0.5))
            seen = model.active + (1.0 - model.active / model.experts) * seen

    def matrix(self, weights, precision, share):
        """Per token, per reading of all stages."""
        seconds = 2 * weights / (self.tp * self.matrix_rate(precision)) * share
        n_bytes = fractions.Fraction(self.model.read_bytes(precision, weights), self.tp)
        return self.coefficient(seconds), self.coefficient(n_bytes * self.largest / self.memory)

    def attention(self, decode, layers, share, bandwidth):
        """Per pair, per token of context."""
        model = self.model
        flops = fractions.Fraction(model.pair_flops(decode) * layers, self.tp) * share
        n_bytes = model.kv_bytes(self.tp) * layers * share
        return (self.coefficient(flops / self.attention_rate()),
                self.coefficient(n_bytes / bandwidth))

    def indexer(self, share, bandwidth):
        model = self.model
        layers = model.window_layers * share
        flops = fractions.Fraction(2 * model.index_heads * model.index_dim, self.tp) * layers
        return (self.coefficient(flops / self.rate("fp8")),
                self.coefficient(model.index_dim * layers / bandwidth) if flops else 0)

    @functools.cache
    def coefficients(self, m, mixed):
        """{class: (compute, memory) per unit} for steps in m micro-batches."""
        model, keys = self.model, self.keys
        share = self.largest / (m * self.dp)
        kv = self.memory * keys.number("kv_efficiency")
        if mixed:
            kv *= keys.number("mixed_attention_efficiency")
        head_bits = keys.word("head_precision")
        head = model.hidden * model.vocab
        index = self.indexer(share, kv)
        full = [self.attention(decode, model.full_layers, share, kv) for decode in (True, False)]
        full = [(c + index[0], b + index[1]) for c, b in full]
        naive = (fractions.Fraction(8 * model.heads * (model.layers - model.linear_layers), self.tp)
                 * share / self.memory)
        is_naive = keys.word("attention_kernel") == "naive"
        expert_rate = (self.matrix_rate(model.precision("expert_precision"))
                       * keys.number("expert_compute_efficiency"))
        expert = fractions.Fraction(2 * model.expert_weights() * model.active, self.tp * self.dp)
        numbers = fractions.Fraction(model.linear_layers * model.state, self.tp) * share
        return {
            "projections": self.matrix(model.attention_weights(),
                                       model.precision("attention_precision"), share),
            "mlp": self.matrix(model.mlp_weights(), keys.word("weight_precision"), share),
            "head": (self.coefficient(fractions.Fraction(2 * head, self.tp * self.dp)
                                      / self.matrix_rate(head_bits)),
                     self.coefficient(fractions.Fraction(m * model.read_bytes(head_bits, head),
                                                         self.tp) / self.memory)),
            "decode": full[0],
            "prefill": full[1],
            "naive": (0, self.coefficient(naive) if is_naive else 0),
            "activations": (0, self.coefficient(self.activation_bytes() * share / self.memory)),
            "experts": (self.coefficient(expert * self.imbalance() * self.largest / m
                                         / expert_rate), 0),
            "window decode": self.attention(True, model.window_layers, share, kv),
            "window prefill": self.attention(False, model.window_layers, share, kv),
            "state": (self.coefficient(8 * numbers / self.rate("bf16")),
                      self.coefficient(8 * numbers / self.memory)),
        }

    def link(self, gpus, ports):
        """Bytes/s between GPUs that may be in several nodes, each with that many ports."""
        keys = self.keys
        pcie = keys.word("link") == "pcie"
        inside = (keys.number("link_bandwidth")
                  * keys.number("pcie_efficiency" if pcie else "link_efficiency"))
        across = keys.number("node_bandwidth") * ports * keys.number("link_efficiency")
        return inside if gpus <= keys.count("gpus_per_node") else min(inside, across)

    @functools.cache
    def network(self, m):
        """Femtoseconds of a step's messages: of each step, of each token; of the latter, what
        it takes to the experts and back."""
        model, keys, tp, dp = self.model, self.keys, self.tp, self.dp
        vector, group = 2 * model.hidden, tp * dp
        seconds = latency = fractions.Fraction(0)
        if tp > 1:  # a ring moves 2 (tp - 1) / tp of the vector
            seconds += fractions.Fraction(2 * model.layers * 2 * (tp - 1) * vector, tp * dp) \
                * self.largest / self.link(tp, keys.count("gpus_per_node"))
        if group > 1:
            doublings = (group - 1).bit_length() - 1  # beyond two
            latency += 2 * model.layers * self.largest * (
                keys.fs("allreduce_latency_us") + doublings * keys.fs("allreduce_doubling_us"))
        dispatch = fractions.Fraction(0)
        if dp > 1:  # one byte a number there, two back
            dispatch = fractions.Fraction(model.moe_layers * model.active * 3 * model.hidden
                                          * (group - 1), group * group) \
                * self.largest / self.link(group, 1)
            seconds += dispatch
            latency += 2 * model.moe_layers * self.largest * keys.fs("alltoall_latency_us")
        if self.pp > 1:
            seconds += fractions.Fraction(self.pp * vector, dp) / self.link(group * self.pp, 1)
            latency += self.pp * keys.fs("allreduce_latency_us")
        shown = 1 - keys.number("network_overlap")
        return (half_up(latency * shown * keys.number("scale")),
                self.coefficient(seconds / m * shown), self.part(dispatch / m * shown))

    @functools.cache
    def overheads(self):
        """Of each step, of each decode, of each step with prefill."""
        keys, model, scale = self.keys, self.model, self.keys.number("scale")
        moe, compound = model.moe_layers, model.compound_layers()
        quantised = model.layers if self.quantises() else 0
        fp4 = RATES.get(model.products(model.precision("expert_precision"))) == "fp4_flops"
        unfused = 0 if fp4 and keys.number("fp4_flops") else moe
        step = keys.fs("step_overhead_us") + self.largest * (
            unfused * keys.fs("unfused_moe_overhead_us") +
            model.layers * keys.fs("layer_overhead_us")
            + compound * keys.fs("compound_layer_overhead_us")
            + quantised * keys.fs("quantised_layer_overhead_us")
            + moe * keys.fs("moe_layer_overhead_us"))
        prefill = keys.fs("prefill_overhead_us") + self.largest * (
            compound * keys.fs("compound_prefill_overhead_us")
            + moe * keys.fs("moe_prefill_overhead_us"))
        sequence = fractions.Fraction(keys.fs("sequence_overhead_us"), self.dp)
        return half_up(scale * step), half_up(scale * sequence), half_up(scale * prefill)

    def attended(self, parts):
        """(pairs, keys) of sequences that go on: each token attends by itself; together they
        read the keys that any of them sees; then both within the window."""
        window = self.model.window
        ends = [(before, before + n) for before, n in parts]
        pairs = sum(sum(range(before + 1, end + 1)) for before, end in ends)
        window_pairs = sum(min(at, window) for before, end in ends
                           for at in range(before + 1, end + 1))
        window_keys = sum(end - max(0, before + 1 - window) for before, end in ends)
        return ((pairs, sum(end for _, end in ends)),
                (window_pairs, window_keys if window else 0))

    def units(self, decodes, chunks, n_emitting, m):
        """{class: (compute, memory)}: how many units of each the step has."""
        tokens = n_tokens(decodes, chunks)
        knee = tokens + self.keys.count("knee_tokens") * m * self.dp
        n_logits = n_emitting + sum(n - 1 for _, n in decodes)
        decode, window_decode = self.attended(decodes)
        prefill, window_prefill = self.attended(chunks)
        return {"projections": (knee, 1), "mlp": (knee, 1), "head": (n_logits, n_emitting > 0),
                "decode": decode, "prefill": prefill, "naive": (0, prefill[0]),
                "activations": (0, tokens), "experts": (tokens, 0),
                "window decode": window_decode, "window prefill": window_prefill,
                "state": (tokens, len(decodes) + len(chunks))}

    def sides(self, decodes, chunks, n_emitting, m, tokens, shown):
        """{class: (compute, memory)}; shown(class, fs) of each coefficient. `tokens`: those of
        all ranks together; each is taken to have as many sequences as this one."""
        mixed = bool(decodes and chunks)
        beyond = tokens - n_tokens(decodes, chunks)
        coefficients = self.coefficients(m, mixed)
        sides = {}
        for name, units in self.units(decodes, chunks, n_emitting, m).items():
            sides[name] = [shown(name, fs) * n for fs, n in zip(coefficients[name], units)]
        if self.expert_fs:
            at = min(ceil_div(tokens, m), len(self.expert_fs) - 1)
            sides["experts"] = [shown("experts", coefficients["experts"][0]) * tokens,
                                shown("experts", self.expert_fs[at])]
        if beyond:
            sides["activations"][1] += shown("activations", self.copies(m)) * beyond
        sides["prefill"][1] += sides.pop("naive")[1]  # the scores are traffic of attention
        return sides

    @functools.cache
    def left(self, name, fs):
        """What the overlap of a class leaves of the shorter side."""
        weights = ("projections", "mlp", "head", "activations")
        key = ("overlap" if name in weights else "expert_overlap" if name == "experts"
               else "attention_overlap")
        return half_up(fs * (1 - self.keys.number(key)))

    def fs(self, decodes, chunks, n_emitting, others=()):
        """With a scheduler for each rank, of the rank that holds these, and `others` are
        (decodes, chunks) of those beside it; nothing is known of them: as much as it has."""
        n = self.dp if self.keys.word("data_parallel_mode") == "lockstep" else 1
        sequences = (len(decodes) + len(chunks)) * (1 if others else n)
        sequences += sum(len(part) for rank in others for part in rank)
        tokens = n_tokens(decodes, chunks) * (1 if others else n)
        tokens += sum(n_tokens(*rank) for rank in others)
        # what a rank has to itself is priced as the n-th part of a step of n that are alike
        decodes, chunks, n_emitting = decodes * n, chunks * n, n_emitting * n
        m = max(1, min(self.pp, sequences))
        step = decodes, chunks, n_emitting, m, tokens
        full = self.sides(*step, lambda _, fs: fs)
        hidden = self.sides(*step, self.left)
        own = n_tokens(decodes, chunks)
        message, message_token, dispatch_token = self.network(m)
        step_fs, sequence_fs, prefill_fs = self.overheads()
        total = message + message_token * own + dispatch_token * (tokens - own)
        total += step_fs + sequence_fs * len(decodes) + (prefill_fs if chunks else 0)
        compute, memory = (sum(side[i] for side in full.values()) for i in (0, 1))
        for name, (compute_fs, memory_fs) in full.items():
            wins = (compute >= memory if self.keys.word("roofline") == "step"
                    else compute_fs >= memory_fs)
            total += compute_fs + hidden[name][1] if wins else memory_fs + hidden[name][0]
        return total


def price(values):
    """An object whose fs(decodes (before, tokens), chunks (before, tokens), number of sequences
    that emit) is a step's price in femtoseconds, from the keys of a pool."""
    keys = Keys(values)
    return Linear(keys) if keys.word("cost") == "linear" else Roofline(keys)


def pass_price(pool, section):
    """The same for a pass of whatever drafts tokens (`[speculative]`); what the scheduler takes
    is paid once per step."""
    if pool.get("cost", "roofline") == "linear":
        return Linear(Keys({"cost": "linear", "base_us": section.get("draft_base_us", "0"),
                            "decode_seq_us": section.get("draft_seq_us", "0")}))
    if section["method"] == "draft":
        model = {**preset("model", section["draft_model"]),
                 **{key: section[key] for key in MODEL_KEYS if key in section}}
        kept = {key: value for key, value in pool.items() if key not in MODEL_KEYS}
        keys = Keys({**kept, "model": section["draft_model"], **model})
    else:
        keys = Keys(pool)
        layers = section.get("mtp_layers", "1")
        windows = keys.values.get("window_layers", "0") == keys.values["layers"]
        keys.values.update(layers=layers, window_layers=layers if windows else "0",
                           index_heads=keys.values.get("index_heads", "0") if windows else "0",
                           linear_layers="0", linear_params="0", linear_state="0",
                           first_dense_layers="0", moe_layer_step="1")
    keys.values.update(dict.fromkeys(
        ("step_overhead_us", "prefill_overhead_us", "compound_prefill_overhead_us",
         "moe_prefill_overhead_us", "sequence_overhead_us"), "0"))
    return Roofline(keys)
