"""reference_model: a pool's keys and a language model's dimensions, for reference_cost.py."""

import fractions
import functools
import math
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
PRESETS = {"accelerator": "accelerators", "model": "models", "engine": "engines"}
UNITS = {"": None, "TB/s": 10**12, "GB/s": 10**9, "TFLOPS": 10**12, "us": 10**-6, "ms": 10**-3,
         "W": 1}
SCALES = {"memory_bandwidth": 10**12, "link_bandwidth": 10**9, "node_bandwidth": 10**9,
          "bf16_flops": 10**12, "fp8_flops": 10**12, "int8_flops": 10**12, "fp4_flops": 10**12}
MILLIBITS = {"bf16": 16000, "fp8": 8000, "int8": 8000, "int4": 4125, "fp4": 4000, "mxfp4": 4250,
             "nvfp4": 4500}  # with their scales
ONES = ("kv_efficiency mixed_attention_efficiency expert_memory_efficiency sparse_speedup "
        "expert_compute_efficiency attention_compute_efficiency fp8_compute_efficiency "
        "fp4_compute_efficiency expert_imbalance link_efficiency scale "
        "overlap attention_overlap expert_overlap "
        "moe_layer_step tensor_parallel pipeline_parallel data_parallel").split()
DEFAULTS = {**dict.fromkeys(ONES, "1"), "pcie_efficiency": "0.2", "node_bandwidth": "50",
            "gpus_per_node": "8", "cost": "roofline", "roofline": "operation", "mlp": "gated",
            "link": "fabric", "attention_kernel": "flash", "sparsity": "none",
            "weight_precision": "bf16", "kv_precision": "bf16", "head_precision": "bf16",
            "attention_precision": "same", "expert_precision": "same",
            "compute_precision": "same", "output_gate": "no", "expert_parallel": "no",
            "data_parallel_mode": "balanced"}

MODEL_KEYS = ("layers hidden intermediate mlp heads kv_heads head_dim vocab tied_embeddings "
              "output_gate max_context q_lora_rank kv_lora_rank qk_rope_head_dim qk_nope_head_dim "
              "v_head_dim window window_layers index_heads index_head_dim linear_layers "
              "linear_params linear_state experts experts_active moe_intermediate "
              "shared_intermediate first_dense_layers moe_layer_step weight_precision "
              "attention_precision expert_precision head_precision kv_precision "
              "compute_precision sparsity").split()


def half_up(value):
    return math.floor(fractions.Fraction(value) + fractions.Fraction(1, 2))


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

    def compound_layers(self):
        """MLA and linear layers, and once more those with an indexer."""
        attending = self.layers - self.linear_layers
        return (self.linear_layers + (attending if self.rank else 0)
                + (self.window_layers if self.index_heads else 0))

    def products(self, weights):
        """The precision in which products with weights of that one are done."""
        word = self.keys.word("compute_precision")
        return weights if word == "same" or weights == "bf16" else word

    def matrix_products(self):
        """The precisions of the products of the layers' matrices, experts aside."""
        return {self.products(self.precision(key)) for key in ("attention_precision",
                                                               "weight_precision")}

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
