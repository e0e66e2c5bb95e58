#!/usr/bin/env python3
"""import: what `servesim import hf-config` refuses, with the file and the key, and what
`list` refuses of a model file; cut off at any byte or damaged, a file is read or refused, and nothing is left behind.
"""

import json
import pathlib
import random

import broken
from broken import Case, DONE, FAILED, USAGE

FILES = pathlib.Path("tests/import")
KINDS = ("llama-3.1-8b", "gemma-3-27b", "deepseek-v3", "qwen3.5-397b-a17b", "gpt-oss-20b",
         "llama-4-scout", "kimi-k2.5", "glm-5", "minimax-m2.5", "opt-175b",
         "qwen3-30b-a3b")
CONFIGS = {name: json.loads((FILES / f"{name}.json").read_text(encoding="utf-8"))
           for name in KINDS}
ASK = ["import", "hf-config", "c.json"]
MODELS = ("llama, mistral, ministral, mixtral, qwen2, qwen3, qwen2_moe, qwen3_moe, "
          "qwen3_next, qwen3_5_text, qwen3_5_moe_text, deepseek_v2, deepseek_v3, kimi_k2, "
          "kimi_k25, deepseek_v32, glm_moe_dsa, glm, glm4, glm4_moe, minimax_m2, gpt_oss, "
          "gemma, gemma2, gemma3_text, llama4_text, phi3, opt, gpt2, bloom")
GONE = object()


def changed(name, **changes):
    """The file with keys changed or GONE; text_config's where the file has one."""
    config = json.loads(json.dumps(CONFIGS[name]))
    part = config.get("text_config", config)
    for key, value in changes.items():
        if value is GONE:
            del part[key]
        else:
            part[key] = value
    return json.dumps(config)


def case(name, start, says, **changes):
    return Case(name, ASK, f"c.json: {says}", {"c.json": changed(start, **changes)})


def quantised(name, says, **config):
    return case(name, "llama-3.1-8b", f"quantization_config{says}",
                quantization_config=config)


def scheme(**weights):
    return {"quant_method": "compressed-tensors",
            "config_groups": {"a": {"weights": weights}}}


def text(name, content, says):
    return Case(name, ASK, f"c.json{says}", {"c.json": content})


CASES = [
    Case("no_such_file", ASK, "c.json: cannot be opened: No such file or directory"),
    Case("a_folder_to_import", ASK, None, {"c.json": None}),
    text("an_empty_file", "", ":1:0: not JSON: '[' or '{' expected near end of file"),
    text("not_json", '{"a": nought}', ":1:12: not JSON: invalid token near 'nought'"),
    text("an_array", "[1]", ": expected an object, is an array"),
    text("a_key_twice", '{"a": 1,\n "a": 2}',
         ":2:4: not JSON: duplicate object key near '\"a\"'"),
    text("text_behind_the_end", "{} {}", ":1:4: not JSON: end of file expected near '{'"),
    text("an_integer_beyond_64_bits", '{"a": 99999999999999999999}',
         ":1:26: not JSON: too big integer near '99999999999999999999'"),
    text("nested_too_deep", '{"a":' * 5000,
         ":1:10241: not JSON: maximum parsing depth reached near '{'"),
    text("no_model_type", "{}", ": model_type: is missing"),
    case("an_unknown_model_type", "llama-3.1-8b",
         f"model_type: 'mamba' is not one of {MODELS}", model_type="mamba"),
    case("a_model_type_of_another_type", "llama-3.1-8b",
         "model_type: expected a string, is an integer", model_type=4099),
    case("no_layers", "llama-3.1-8b", "num_hidden_layers: is missing",
         num_hidden_layers=GONE),
    case("layers_as_text", "llama-3.1-8b",
         "num_hidden_layers: expected an integer, is a string", num_hidden_layers="32"),
    case("layers_with_decimals", "llama-3.1-8b",
         "num_hidden_layers: expected an integer, is a number with decimals",
         num_hidden_layers=32.0),
    case("null_layers", "llama-3.1-8b",
         "num_hidden_layers: expected an integer, is null", num_hidden_layers=None),
    case("fewer_than_one_head", "llama-3.1-8b",
         "num_attention_heads: '0' is less than 1", num_attention_heads=0),
    case("too_wide", "llama-3.1-8b", "hidden_size: '2000000' is greater than 1000000",
         hidden_size=2000000),
    case("negative_experts", "deepseek-v3", "n_routed_experts: '-8' is less than 0",
         n_routed_experts=-8),
    case("more_active_than_experts", "deepseek-v3",
         "experts_active (8) is more than the 4 experts", n_routed_experts=4),
    case("heads_that_do_not_divide_the_width", "llama-3.1-8b",
         "num_attention_heads: does not divide the hidden size, and there is no head_dim",
         num_attention_heads=24, num_key_value_heads=8),
    case("heads_that_are_no_groups", "llama-3.1-8b",
         "heads (32) must be a multiple of kv_heads (5)", num_key_value_heads=5),
    case("a_key_inside_text_config", "gemma-3-27b",
         "text_config.hidden_size: is missing", hidden_size=GONE),
    case("an_unknown_kind_of_layer", "gpt-oss-20b",
         "layer_types[1]: 'mamba' is not one of full_attention, sliding_attention, "
         "chunked_attention, linear_attention",
         layer_types=["full_attention", "mamba"] * 12),
    case("too_few_layer_types", "gpt-oss-20b",
         "layer_types: has 1 entries for 24 layers", layer_types=["full_attention"]),
    case("layer_types_as_text", "gpt-oss-20b",
         "layer_types: expected an array, is a string", layer_types="full_attention"),
    case("windows_and_states", "qwen3.5-397b-a17b",
         "text_config.layer_types: has windows beside linear attention",
         layer_types=["linear_attention", "sliding_attention"] * 30),
    case("states_of_a_family_without", "gpt-oss-20b",
         "layer_types: has linear_attention, which is read of Qwen3-Next and later",
         layer_types=["linear_attention"] * 24),
    case("lightning_attention", "minimax-m2.5",
         "attn_type_list: layers with lightning attention are not known",
         attn_type_list=[0, 1] * 31),
    case("a_shared_indexer", "glm-5",
         "index_topk_freq: layers that share an indexer are not known here",
         index_topk_freq=4),
    case("indexers_by_layer", "glm-5",
         "indexer_types: layers that share an indexer are not known here",
         indexer_types=["full", "shared"]),
    case("experts_in_some_layers", "deepseek-v3", "moe_layer_freq: expected 1",
         moe_layer_freq=2),
    case("dense_layers_in_between", "qwen3-30b-a3b",
         "mlp_only_layers: expected the lowest layers only", mlp_only_layers=[0, 7]),
    case("dense_layers_and_a_step", "qwen3-30b-a3b",
         "mlp_only_layers: together with decoder_sparse_step", mlp_only_layers=[0],
         decoder_sparse_step=3),
    case("compressed_context", "deepseek-v3",
         "compress_ratios: changes the model in a way that model files cannot say",
         compress_ratios=[4, 128]),
    case("projected_embeddings", "opt-175b",
         "word_embed_proj_dim: must be the hidden_size", word_embed_proj_dim=512),
    case("more_parameters_than_anything_has", "deepseek-v3",
         "the dimensions give more than 10^17 parameters", hidden_size=1000000,
         n_routed_experts=100000, moe_intermediate_size=10000000),
    case("a_flag_as_text", "llama-3.1-8b",
         "tie_word_embeddings: expected true or false, is a string",
         tie_word_embeddings="no"),
    case("quantisation_as_text", "llama-3.1-8b",
         "quantization_config: expected an object, is a string",
         quantization_config="fp8"),
    quantised("an_unknown_method",
              ".quant_method: 'bitsandbytes' is not one of fp8, fbgemm_fp8, "
              "mxfp4, awq, gptq, compressed-tensors, modelopt", quant_method="bitsandbytes"),
    quantised("three_bits", ".bits: integers of 3 bits in groups of 0 are not known",
              quant_method="gptq", bits=3),
    quantised("an_unknown_algorithm", ".quant_algo: 'W4A8' is not one of FP8, NVFP4",
              quant_method="modelopt", quant_algo="W4A8"),
    quantised("pruned_in_another_way",
              ".sparsity_config.sparsity_structure: '1:4' is not 2:4", quant_method="fp8",
              sparsity_config={"sparsity_structure": "1:4"}),
    quantised("no_groups", ".config_groups: is empty", quant_method="modelopt",
              config_groups={}),
    case("floats_in_groups_of_seven", "llama-3.1-8b",
         "quantization_config.config_groups.a.weights.num_bits: floats of 4 bits in groups of "
         "7 are not known", quantization_config=scheme(num_bits=4, type="float", group_size=7)),
    case("a_type_of_numbers", "llama-3.1-8b",
         "quantization_config.config_groups.a.weights.type: 'posit' is neither int nor "
         "float", quantization_config=scheme(num_bits=8, type="posit")),
    Case("a_model_to_list_without_layers", ["list", "models", "./m.ini"],
         "./m.ini:1: [model] must give 'layers' (transformer layers)",
         {"m.ini": "[model]\nhidden = 4099\n"}),
    Case("a_file_to_write_in_no_folder", [*ASK, "-o", "no/out.ini"], None,
         {"c.json": changed("llama-3.1-8b")}),
]


def usage_faults(arguments, says):
    with broken.work_folder() as folder:
        code, stdout, stderr = broken.execute(arguments, folder)
        if (code, stdout) != (USAGE, b"") or not stderr.decode().startswith(says):
            yield f"exit {code}: {stderr!r}"


def outcome_faults(content):
    """Read or refused in one sentence, with nothing left behind."""
    with broken.work_folder() as folder:
        broken.make(folder, {"c.json": content})
        before = broken.picture(folder)
        code, _, stderr = broken.execute([*ASK, "-o", "out.ini"], folder)
        if code == FAILED:
            yield from broken.sentence_faults(stderr)
            yield from broken.left_faults(before, folder)
        elif code != DONE:
            yield f"exit {code}: {stderr[:300]!r}"


def damaged(config, source):
    """The file with a value somewhere replaced by an odd one, or taken out."""
    config = json.loads(json.dumps(config))
    part = config
    if "text_config" in part and source.random() < 0.8:
        part = part["text_config"]
    key = source.choice(sorted(part))
    odd = [None, 0, 1, -1, 10**18, -2**63, 2**63 - 1, 0.5, "x", "", [], {}, True, [[]],
           [None] * 70, {"quant_method": "modelopt"}, {"quant_method": "awq", "bits": 4}]
    part[key] = source.choice(odd)
    if source.random() < 0.2:
        del part[key]
    return json.dumps(config)


def main():
    report = broken.Report()
    report.add_cases(CASES)
    report.add("an_unknown_kind", usage_faults(
        ["import", "onnx", "c.json"], "servesim import: 'onnx' is not one of\n  hf-config"))
    report.add("no_file_named", usage_faults(
        ["import", "hf-config"], "servesim import hf-config: which FILE?"))
    small = changed("gemma-3-27b").encode()
    for n in range(len(small)):
        report.add(f"cut_off_after_{n}_bytes", outcome_faults(small[:n]))
    for seed in range(400):
        source = random.Random(seed)
        name = source.choice(KINDS)
        report.add(f"{name}_damaged_by_{seed}",
                   outcome_faults(damaged(CONFIGS[name], source)))
    report.end()


if __name__ == "__main__":
    main()
