#!/usr/bin/env python3
"""hf_config: the config.json of a model whose preset is here gives the preset's dimensions;
variants of one give what their keys say.

The files in tests/import/ are written by hand: the keys that count, and some that do not.
"""

import configparser
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SERVESIM = str(pathlib.Path(os.environ.get("SERVESIM", "build/dev/servesim")).resolve())
FILES = pathlib.Path("tests/import")
PRESETS = pathlib.Path("configs/models")
LEAST_FILES = 25
DEFAULTS = {"tied_embeddings": "no", "weight_precision": "bf16"}

FP8 = {"num_bits": 8, "type": "float"}
NVFP4 = {"num_bits": 4, "type": "float", "group_size": 16}
INT8 = {"num_bits": 8, "type": "int"}


def groups(method, weights, **more):
    inputs = more.pop("inputs", weights)
    return {"quantization_config": {
        "quant_method": method, **more,
        "config_groups": {"group_0": {"weights": weights, "input_activations": inputs}}}}


def method(name, **more):
    return {"quantization_config": {"quant_method": name, **more}}


# (name, file to start from, keys to change, what must then be in the model; None: not)
VARIANTS = [
    ("heads_without_groups", "llama-3.1-8b", {"num_key_value_heads": None},
     {"kv_heads": "32"}),
    ("head_dim_is_taken_where_given", "llama-3.1-8b", {"head_dim": 160},
     {"head_dim": "160"}),
    ("tied_embeddings", "llama-3.1-8b", {"tie_word_embeddings": True},
     {"tied_embeddings": "yes"}),
    ("a_window_that_is_null", "mistral-7b", {"sliding_window": None}, {"window": None}),
    ("qwen_windows_above_a_layer", "qwen3-32b",
     {"use_sliding_window": True, "sliding_window": 4099, "max_window_layers": 23},
     {"window": "4099", "window_layers": "41"}),
    ("layer_types_before_rules", "gpt-oss-20b",
     {"layer_types": ["sliding_attention"] * 5 + ["full_attention"] * 19},
     {"window": "128", "window_layers": "5"}),
    ("gpt_oss_alternates", "gpt-oss-20b", {"layer_types": None, "num_hidden_layers": 23},
     {"window_layers": "12"}),
    ("gemma2_alternates", "llama-3.1-8b",
     {"model_type": "gemma2", "sliding_window": 4096, "head_dim": 256},
     {"window_layers": "16", "head_dim": "256"}),
    ("a_file_with_the_language_model_alone", "kimi-k2.5", {"text_config": None,
     **json.loads((FILES / "kimi-k2.5.json").read_text(encoding="utf-8"))["text_config"]},
     {"experts": "384", "expert_precision": "int4", "kv_lora_rank": "512"}),
    ("lowest_layers_without_experts", "qwen3-30b-a3b", {"mlp_only_layers": [0, 1, 2]},
     {"first_dense_layers": "3", "intermediate": "6144"}),
    ("experts_in_every_second_layer", "qwen3-30b-a3b", {"decoder_sparse_step": 2},
     {"moe_layer_step": "2", "intermediate": "6144"}),
    ("the_indexer_of_deepseek_v3_2", "deepseek-v3",
     {"model_type": "deepseek_v32", "index_n_heads": 64, "index_head_dim": 128,
      "index_topk": 2048},
     {"index_heads": "64", "window": "2048", "window_layers": "61"}),
    ("gpt2_has_an_mlp_of_four_times_its_width", "opt-175b",
     {"model_type": "gpt2", "n_layer": 12, "n_embd": 768, "n_head": 12, "n_positions": 1024,
      "vocab_size": 50257},
     {"intermediate": "3072", "mlp": "plain", "head_dim": "64", "max_context": "1024"}),
    ("awq", "llama-3.1-8b", method("awq", bits=4, group_size=128),
     {"weight_precision": "int4", "compute_precision": None}),
    ("gptq_of_8_bits", "llama-3.1-8b", method("gptq", bits=8),
     {"weight_precision": "int8", "compute_precision": "bf16"}),
    ("fp8_that_keeps_attention", "llama-3.1-8b",
     method("fp8", modules_to_not_convert=["re:.*self_attn.*", "lm_head"]),
     {"weight_precision": "fp8", "attention_precision": "bf16"}),
    ("compressed_fp8_and_a_cache_of_fp8", "llama-3.1-8b",
     groups("compressed-tensors", FP8, kv_cache_scheme=FP8, ignore=["lm_head"]),
     {"weight_precision": "fp8", "kv_precision": "fp8", "compute_precision": None}),
    ("fbgemm_fp8_that_keeps_attention_by_layer", "llama-3.1-405b",
     method("fbgemm_fp8", modules_to_not_convert=[
         f"model.layers.{i}.self_attn.{part}_proj" for i in range(126) for part in "qkvo"]),
     {"weight_precision": "fp8", "attention_precision": "bf16"}),
    ("compressed_2_of_4", "llama-3.1-8b",
     groups("compressed-tensors", FP8, sparsity_config={
         "format": "sparse-24-bitmask", "sparsity_structure": "2:4"}),
     {"weight_precision": "fp8", "sparsity": "2:4"}),
    ("compressed_int8_with_bf16_inputs", "llama-3.1-8b",
     groups("compressed-tensors", INT8, inputs=None),
     {"weight_precision": "int8", "compute_precision": "bf16"}),
    ("modelopt_nvfp4", "deepseek-v3",
     groups("modelopt", NVFP4, quant_algo="NVFP4",
            ignore=[f"model.layers.{i}.self_attn*" for i in range(61)] + ["lm_head"]),
     {"weight_precision": "nvfp4", "attention_precision": "bf16"}),
    ("modelopt_by_its_algorithm", "llama-3.1-8b", method("modelopt", quant_algo="FP8"),
     {"weight_precision": "fp8", "attention_precision": None}),
    ("quantised_again", "kimi-k2.5", method("modelopt", quant_algo="NVFP4"),
     {"weight_precision": "nvfp4", "expert_precision": None}),
    ("modules_of_a_few_layers_do_not_count", "llama-3.1-8b",
     method("fp8", modules_to_not_convert=["model.layers.0.self_attn.q_proj"]),
     {"weight_precision": "fp8", "attention_precision": None}),
]


def read_model(path):
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path, encoding="utf-8")
    keys = dict(parser["model"])
    keys.pop("model_source")
    return {key: value for key, value in keys.items() if DEFAULTS.get(key) != value}


def convert(text, folder):
    """The model that `import` makes of the text, which `check` must accept."""
    made = folder / "made.ini"
    done = subprocess.run([SERVESIM, "import", "hf-config", "-", "-o", made],
                          input=text.encode(), capture_output=True, check=False)
    if done.returncode != 0:
        return {"refused": done.stderr.decode()}
    config = folder / "server.ini"
    config.write_text("[workload]\ntrace = day.csv\n[pool.main]\naccelerator = gb300\n"
                      f"model = {made}\nengine = vllm\npolicy = vllm-v1\n"
                      "memory = 9TB\n", encoding="utf-8")
    done = subprocess.run([SERVESIM, "check", config], capture_output=True, check=False)
    if done.returncode != 0:
        return {"refused": done.stderr.decode()}
    return read_model(made)


def file_fault(path, folder):
    found = convert(path.read_text(encoding="utf-8"), folder)
    wanted = read_model(PRESETS / path.with_suffix(".ini").name)
    if found == wanted:
        return None
    return f"{path.name}: {sorted(found.items() ^ wanted.items())}"


def variant_fault(variant, folder):
    name, start, changes, expected = variant
    config = json.loads((FILES / f"{start}.json").read_text(encoding="utf-8"))
    config.update(changes)
    found = convert(json.dumps({key: value for key, value in config.items()
                                if value is not None or key not in changes or
                                key == "sliding_window"}), folder)
    wrong = {key: found.get(key) for key, value in expected.items()
             if found.get(key) != value}
    return f"{name}: {wrong or found}" if wrong or "refused" in found else None


def main():
    files = sorted(FILES.glob("*.json"))
    with tempfile.TemporaryDirectory(prefix="servesim-test-") as name:
        folder = pathlib.Path(name)
        faults = [file_fault(path, folder) for path in files]
        faults += [variant_fault(variant, folder) for variant in VARIANTS]
    faults = [fault for fault in faults if fault is not None]
    if len(files) < LEAST_FILES:
        faults.append(f"{len(files)} files, expected {LEAST_FILES}")
    for fault in faults:
        print(f"FAILED: {fault}")
    print(f"{len(files) + len(VARIANTS)} checked, {len(faults)} failed")
    sys.exit(1 if faults else 0)


main()
