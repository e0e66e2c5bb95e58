"""reference_cost: the price of a step, for the slow reference simulator.

From the formulas of the roofline with exact fractions, one number per quantity of a step;
nothing shared with the C program but the rules: each coefficient is rounded half up to
femtoseconds once, `scale` included, what overlap leaves is that times 1 - overlap, rounded
again; the rest is integers. Only E_act is floating, by its recurrence, as everywhere.
"""

import fractions
import functools
import math
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
PRESETS = {"accelerator": "accelerators", "model": "models", "engine": "engines"}
UNITS = {"": None, "TB/s": 10**12, "GB/s": 10**9, "TFLOPS": 10**12, "us": 10**-6, "ms": 10**-3}
SCALES = {"memory_bandwidth": 10**12, "link_bandwidth": 10**9, "node_bandwidth": 10**9,
          "bf16_flops": 10**12, "fp8_flops": 10**12, "int8_flops": 10**12, "fp4_flops": 10**12}
MILLIBITS = {"bf16": 16000, "fp8": 8000, "int8": 8000, "int4": 4125, "fp4": 4000, "mxfp4": 4250,
             "nvfp4": 4500}  # with their scales
RATES = {"fp8": "fp8_flops", "int8": "int8_flops", "fp4": "fp4_flops", "mxfp4": "fp4_flops",
         "nvfp4": "fp4_flops"}  # int4 computes in bf16
ONES = ("kv_efficiency mixed_attention_efficiency expert_memory_efficiency sparse_speedup "
        "expert_compute_efficiency expert_imbalance link_efficiency overlap expert_overlap scale "
        "moe_layer_step tensor_parallel pipeline_parallel data_parallel").split()
DEFAULTS = {**dict.fromkeys(ONES, "1"), "pcie_efficiency": "0.2", "node_bandwidth": "50",
            "gpus_per_node": "8", "cost": "roofline", "roofline": "operation", "mlp": "gated",
            "link": "fabric", "attention_kernel": "flash", "sparsity": "none",
            "weight_precision": "bf16", "kv_precision": "bf16", "head_precision": "bf16",
            "attention_precision": "same", "expert_precision": "same",
            "compute_precision": "same", "output_gate": "no", "expert_parallel": "no"}


def half_up(value):
    return math.floor(fractions.Fraction(value) + fractions.Fraction(1, 2))


def ceil_div(a, b):
    return -(-a // b)


def preset(kind, name):
    """The keys of a file in configs/, or of any file."""
    path = pathlib.Path(name) if "/" in name or name.endswith(".ini") else (
        ROOT / "configs" / PRESETS[kind] / f"{name}.ini")
    lines = (line.partition(";")[0] for line in path.read_text(encoding="utf-8").splitlines())
    return dict((part.strip() for part in line.split("=", 1)) for line in lines if "=" in line)


class Keys:
    """The values of a pool: its own keys, then those of the files it names, then defaults."""

    def __init__(self, values):
        self.values = dict(DEFAULTS)
        if values.get("cost", "roofline") == "roofline":
            for kind in PRESETS:
                self.values.update(preset(kind, values.get(kind, "vllm")))
        self.values.update(values)

    def word(self, key):
        return self.values[key]

    @functools.cache
    def number(self, key):
        """As a fraction in base units; 0 if nobody says."""
        match = re.fullmatch(r"([\d.]+)\s*([A-Za-z/]*)", self.values.get(key, "0"))
        factor = UNITS[match[2]] if match[2] else SCALES.get(key, 1)
        return fractions.Fraction(match[1]) * fractions.Fraction(factor)

    def count(self, key):
        number = self.number(key)
        assert number.denominator == 1, key
        return int(number)

    @functools.cache
    def fs(self, key):
        """A time given in microseconds, in femtoseconds."""
        fs = half_up(self.number(key) * 10**9)
        if fs == 0 and re.search("[1-9]", self.values.get(key, "0")):
            raise ValueError(f"{key}: '{self.values[key]}' rounds to 0 fs")
        return fs


class Linear:
    """cost = linear."""

    def __init__(self, keys):
        self.base, self.prefill, self.decode, self.context = (keys.fs(key) for key in (
            "base_us", "prefill_token_us", "decode_seq_us", "context_token_us"))

    def fs(self, contexts, chunks, _):
        return (self.base + len(contexts) * self.decode + sum(contexts) * self.context
                + sum(n for _, n in chunks) * self.prefill)


class Model:
    """Parameters and bytes of a model from its dimensions."""

    def __init__(self, keys):
        self.keys, count = keys, keys.count
        self.layers, self.hidden, self.vocab = count("layers"), count("hidden"), count("vocab")
        self.heads, self.kv_heads, self.head_dim = (
            count("heads"), count("kv_heads"), count("head_dim"))
        self.rank, self.rope = count("kv_lora_rank"), count("qk_rope_head_dim")
        self.nope, self.v_dim = count("qk_nope_head_dim"), count("v_head_dim")
        self.window, self.window_layers = count("window"), count("window_layers")
        self.index_heads, self.index_dim = count("index_heads"), count("index_head_dim")
        self.linear_layers, self.state = count("linear_layers"), count("linear_state")
        self.full_layers = self.layers - self.window_layers - self.linear_layers
        self.experts, self.active = count("experts"), count("experts_active")
        self.moe_layers = ((self.layers - count("first_dense_layers")) // count("moe_layer_step")
                           if self.experts else 0)

    def precision(self, key):
        word = self.keys.word(key)
        return self.keys.word("weight_precision") if word == "same" else word

    def attention_weights(self):
        keys, h = self.keys, self.hidden
        if self.rank:
            qk, q_rank = self.nope + self.rope, keys.count("q_lora_rank")
            one = (h * q_rank + q_rank * self.heads * qk if q_rank else h * self.heads * qk)
            one += h * (self.rank + self.rope)
            one += self.rank * self.heads * (self.nope + self.v_dim)
            one += self.heads * self.v_dim * h
        else:
            gated = keys.word("output_gate") == "yes"
            one = h * self.head_dim * ((3 if gated else 2) * self.heads + 2 * self.kv_heads)
        index = 0
        if self.index_heads:
            index = (h * (self.index_dim + self.index_heads)
                     + (keys.count("q_lora_rank") or h) * self.index_heads * self.index_dim)
        return (one * (self.layers - self.linear_layers) + index * self.window_layers
                + self.linear_layers * keys.count("linear_params"))

    def expert_weights(self):
        """One expert of every MoE layer."""
        return self.matrices() * self.hidden * self.keys.count("moe_intermediate") * self.moe_layers

    def mlp_weights(self):
        keys = self.keys
        dense = (self.layers - self.moe_layers) * keys.count("intermediate")
        shared = self.moe_layers * keys.count("shared_intermediate")
        routers = self.moe_layers * self.hidden * self.experts
        return self.matrices() * self.hidden * (dense + shared) + routers

    def matrices(self):
        return 3 if self.keys.word("mlp") == "gated" else 2

    def read_bytes(self, precision, weights):
        """2:4: half the numbers, and two bits of index for each of those."""
        if self.keys.word("sparsity") == "2:4":
            return self.bytes(precision, weights // 2) + weights // 8
        return self.bytes(precision, weights)

    def kernels(self):
        """Of all layers, as llm.c counts them by kind."""
        attending, dense = self.layers - self.linear_layers, self.layers - self.moe_layers
        return (attending * (11 if self.rank else 6) + self.linear_layers * 10 + dense * 4
                + self.moe_layers * (11 if self.keys.count("shared_intermediate") else 8)
                + (self.window_layers * 7 if self.index_heads else 0))

    @staticmethod
    def bytes(precision, n):
        return half_up(fractions.Fraction(n * MILLIBITS[precision], 8000))

    def kv_bytes(self, tp):
        """Of a token in a layer, on one GPU."""
        numbers = (self.rank + self.rope if self.rank
                   else 2 * self.kv_heads // min(tp, self.kv_heads) * self.head_dim)
        return self.bytes(self.keys.word("kv_precision"), numbers)

    def pair_flops(self, decode):
        if not self.rank:
            return 4 * self.heads * self.head_dim
        width = 2 * self.rank + self.rope if decode else self.nope + self.rope + self.v_dim
        return 2 * self.heads * width


class Roofline:
    """cost = roofline on one replica."""

    def __init__(self, keys):
        self.keys, self.model = keys, Model(keys)
        self.tp, self.pp, self.dp = (keys.count(key + "_parallel")
                                     for key in ("tensor", "pipeline", "data"))
        layers = self.model.layers
        self.largest = fractions.Fraction(ceil_div(layers, self.pp) * self.pp, layers)
        self.memory = keys.number("memory_bandwidth") * keys.number("memory_efficiency")
        self.expert_fs = []
        if self.model.experts:
            self.fill_experts()

    def coefficient(self, seconds):
        fs = half_up(seconds * self.keys.number("scale") * 10**15)
        assert fs > 0 or seconds == 0
        return fs

    def rate(self, precision):
        chip = self.keys.number(RATES.get(precision, "bf16_flops"))
        return (chip or self.keys.number("bf16_flops")) * self.keys.number("compute_efficiency")

    def matrix_rate(self, weights):
        products = self.keys.word("compute_precision")
        rate = self.rate(weights if products == "same" or weights == "bf16" else products)
        sparse = self.keys.word("sparsity") == "2:4"
        return rate * (self.keys.number("sparse_speedup") if sparse else 1)

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
        return self.coefficient(flops / self.rate("bf16")), self.coefficient(n_bytes / bandwidth)

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
        naive = fractions.Fraction(8 * model.heads * model.layers, self.tp) * share / self.memory
        is_naive = keys.word("attention_kernel") == "naive"
        traffic = keys.number("activation_traffic") * 2 * model.hidden * model.layers
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
            "activations": (0, self.coefficient(traffic * share / self.memory)),
            "experts": (self.coefficient(expert * self.imbalance() * self.largest / m
                                         / expert_rate), 0),
            "window decode": self.attention(True, model.window_layers, share, kv),
            "window prefill": self.attention(False, model.window_layers, share, kv),
            "state": (self.coefficient(8 * numbers / self.rate("bf16")),
                      self.coefficient(8 * numbers / self.memory)),
        }

    @functools.cache
    def network(self, m):
        """Femtoseconds of a step's messages: of each step, of each token."""
        model, keys, tp, dp = self.model, self.keys, self.tp, self.dp
        near = tp * self.pp * dp <= keys.count("gpus_per_node")
        pcie = near and keys.word("link") == "pcie"
        link = (keys.number("link_bandwidth" if near else "node_bandwidth")
                * keys.number("pcie_efficiency" if pcie else "link_efficiency"))
        vector, group = 2 * model.hidden, tp * dp
        n_bytes = latency = fractions.Fraction(0)
        if tp > 1:  # a ring moves 2 (tp - 1) / tp of the vector
            n_bytes += fractions.Fraction(2 * model.layers * 2 * (tp - 1) * vector,
                                          tp * dp) * self.largest
            latency += 2 * model.layers * self.largest * keys.fs("allreduce_latency_us")
        if dp > 1:  # one byte a number there, two back
            n_bytes += fractions.Fraction(model.moe_layers * model.active * 3 * model.hidden
                                          * (group - 1), group * group) * self.largest
            latency += 2 * model.moe_layers * self.largest * keys.fs("alltoall_latency_us")
        if self.pp > 1:
            n_bytes += fractions.Fraction(self.pp * vector, dp)
            latency += self.pp * keys.fs("allreduce_latency_us")
        shown = 1 - keys.number("network_overlap")
        return (half_up(latency * shown * keys.number("scale")),
                self.coefficient(n_bytes / m * shown / link))

    @functools.cache
    def overheads(self):
        """Of each step, of each decode, of each step with prefill."""
        keys, model, scale = self.keys, self.model, self.keys.number("scale")
        layer = keys.fs("layer_overhead_tp_us" if self.tp > 1 else "layer_overhead_us")
        moe = model.moe_layers * self.largest
        step = (keys.fs("step_overhead_us") + model.layers * self.largest * layer
                + moe * keys.fs("moe_layer_overhead_us")
                + model.kernels() * self.largest * keys.fs("kernel_overhead_us"))
        prefill = keys.fs("prefill_overhead_us") + moe * keys.fs("moe_prefill_overhead_us")
        sequence = fractions.Fraction(keys.fs("sequence_overhead_us"), self.dp)
        return half_up(scale * step), half_up(scale * sequence), half_up(scale * prefill)

    def units(self, contexts, chunks, n_emitting, m):
        """{class: (compute, memory)}: how many units of each the step has."""
        tokens = len(contexts) + sum(n for _, n in chunks)
        knee = tokens + self.keys.count("knee_tokens") * m * self.dp
        ends = [(before, before + n) for before, n in chunks]
        pairs = sum(sum(range(before + 1, end + 1)) for before, end in ends)
        window = self.model.window
        seen = [min(context, window) for context in contexts]
        # each token of a chunk by itself; together they read the keys that any of them sees
        window_pairs = sum(min(at, window) for before, end in ends
                           for at in range(before + 1, end + 1))
        window_keys = sum(end - max(0, before + 1 - window) for before, end in ends)
        return {"projections": (knee, 1), "mlp": (knee, 1), "head": (n_emitting, n_emitting > 0),
                "decode": (sum(contexts), sum(contexts)),
                "prefill": (pairs, sum(end for _, end in ends)), "naive": (0, pairs),
                "activations": (0, tokens), "experts": (tokens, 0),
                "window decode": (sum(seen), sum(seen)),
                "window prefill": (window_pairs, window_keys if window else 0),
                "state": (tokens, len(contexts) + len(chunks))}

    def sides(self, contexts, chunks, n_emitting, m, shown):
        """{class: (compute, memory)}; shown(class, fs) of each coefficient."""
        mixed = bool(contexts and chunks)
        tokens = len(contexts) + sum(n for _, n in chunks)
        coefficients = self.coefficients(m, mixed)
        sides = {}
        for name, units in self.units(contexts, chunks, n_emitting, m).items():
            sides[name] = [shown(name, fs) * n for fs, n in zip(coefficients[name], units)]
        if self.expert_fs:
            at = min(ceil_div(tokens, m), len(self.expert_fs) - 1)
            sides["experts"][1] = shown("experts", self.expert_fs[at])
        sides["prefill"][1] += sides.pop("naive")[1]  # the scores are traffic of attention
        return sides

    @functools.cache
    def left(self, name, fs):
        """What the overlap of a class leaves of the shorter side."""
        key = "expert_overlap" if name == "experts" else "overlap"
        return half_up(fs * (1 - self.keys.number(key)))

    def fs(self, contexts, chunks, n_emitting):
        m = max(1, min(self.pp, len(contexts) + len(chunks)))
        step = contexts, chunks, n_emitting, m
        full = self.sides(*step, lambda _, fs: fs)
        hidden = self.sides(*step, self.left)
        tokens = len(contexts) + sum(n for _, n in chunks)
        message, message_token = self.network(m)
        step_fs, sequence_fs, prefill_fs = self.overheads()
        total = message + message_token * tokens + step_fs + sequence_fs * len(contexts)
        total += prefill_fs if chunks else 0
        compute, memory = (sum(side[i] for side in full.values()) for i in (0, 1))
        for name, (compute_fs, memory_fs) in full.items():
            wins = (compute >= memory if self.keys.word("roofline") == "step"
                    else compute_fs >= memory_fs)
            total += compute_fs + hidden[name][1] if wins else memory_fs + hidden[name][0]
        return total


def price(values):
    """An object whose fs(contexts of the decodes, chunks (before, tokens), number of sequences
    that emit) is a step's price in femtoseconds, from the keys of a pool."""
    keys = Keys(values)
    return Linear(keys) if keys.word("cost") == "linear" else Roofline(keys)
