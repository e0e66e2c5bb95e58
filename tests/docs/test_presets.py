#!/usr/bin/env python3
"""presets: every accelerator and model in configs/ is what was published of it, and other
names lead to them.

PUBLISHED and RATES are of this test; with ../shared/catalog every preset is compared with
its row there, too. Models: to 0.1 %; LOOSE lists those whose published figure counts what
a model file leaves out, with the reason.
"""

import configparser
import csv
import re
import subprocess
import tempfile

import world

ACCELERATORS = world.ROOT / "configs/accelerators"
MODELS = world.ROOT / "configs/models"
CATALOG = world.SHARED / "catalog"

# Billions of parameters and who says so; "Hugging Face": the total that the model's page
# shows of its weights, as the catalogue or others have it; "recalled": from memory.
PUBLISHED = {
    "llama-2-7b": (6.738415616, "Hugging Face"),
    "llama-2-13b": (13.01586432, "Hugging Face"),
    "llama-2-70b": (68.976648192, "Hugging Face"),
    "llama-3.1-8b": (8.030261248, "Hugging Face"),
    "llama-3.1-70b": (70.553706496, "Hugging Face"),
    "llama-3.1-405b": (405.8533888, "Hugging Face"),
    "llama-4-scout": (108.641793536, "Hugging Face"),
    "mistral-7b": (7.241732096, "Hugging Face"),
    "mixtral-8x7b": (46.702792704, "Hugging Face"),
    "mixtral-8x22b": (140.6, "Mistral's news"),
    "qwen2.5-7b": (7.615616512, "Hugging Face"),
    "qwen2.5-72b": (72.706203648, "Hugging Face"),
    "qwen3-8b": (8.19073536, "Hugging Face"),
    "qwen3-14b": (14.7683072, "Hugging Face"),
    "qwen3-32b": (32.762123264, "Hugging Face"),
    "qwen3-30b-a3b": (30.532122624, "Hugging Face"),
    "qwen3-235b-a22b": (235.09363456, "Hugging Face"),
    "deepseek-v3": (671, "arXiv 2412.19437"),
    "deepseek-v3.2": (671, "that of DeepSeek-V3"),
    "deepseek-r1": (671, "arXiv 2501.12948"),
    "deepseek-v2-lite": (15.706484224, "Hugging Face"),
    "gpt-oss-20b": (20.91, "model card"),
    "gpt-oss-120b": (116.83, "model card"),
    "kimi-k2": (1040, "arXiv 2507.20534"),
    "kimi-k2.5": (1040, "that of Kimi-K2"),
    "glm-4.5": (355, "README"),
    "glm-5": (744, "README"),
    "minimax-m2.5": (228.7, "Hugging Face"),
    "gemma-3-27b": (27.43240664, "Hugging Face"),
    "phi-4": (14.6595072, "Hugging Face"),
    "bloom-176b": (176.247271424, "Hugging Face"),
    "opt-175b": (174.6, "arXiv 2205.01068"),
    "gpt-3-175b": (174.6, "Brown et al., 2020"),
    "qwen3.5-397b-a17b": (397, "its name"),
    "qwen3-next-80b-a3b": (80, "its name"),
    "llama-4-maverick": (400, "model card"),
    "codellama-7b": (6.738546688, "Hugging Face, recalled"),
    "codellama-13b": (13.01602816, "Hugging Face, recalled"),
    "codellama-34b": (33.743970304, "Hugging Face"),
    "codestral-22b": (22.247282688, "Hugging Face, recalled"),
    "command-r": (34.980831232, "Hugging Face, recalled"),
    "command-r-08-2024": (32.296476672, "Hugging Face, recalled"),
    "command-r-plus": (103.810674688, "Hugging Face, recalled"),
    "dbrx": (131.59652352, "Hugging Face, recalled"),
    "deepseek-r1-distill-qwen-1.5b": (1.777088, "Hugging Face, recalled"),
    "deepseek-v2": (235.74143488, "Hugging Face"),
    "exaone-3.5-7.8b": (7.818448896, "Hugging Face, recalled"),
    "exaone-3.5-32b": (32.0032, "arXiv 2412.04862 and its files"),
    "falcon-7b": (6.921720704, "recalled, less an LM head stored twice"),
    "falcon-40b": (41.303293952, "recalled, less an LM head stored twice"),
    "falcon-180b": (180, "its name"),
    "gemma-2-2b": (2.614341888, "Hugging Face, recalled"),
    "gemma-2-9b": (9.241705984, "Hugging Face, recalled"),
    "gemma-2-27b": (27.22712832, "Hugging Face, recalled"),
    "gemma-3-1b": (0.999885952, "Keras Hub"),
    "gemma-3-4b": (3.880099328, "Keras Hub, text only"),
    "gemma-3-12b": (11.765788416, "Keras Hub, text only"),
    "glm-4-9b": (9.39995136, "Hugging Face, recalled"),
    "glm-4-32b": (32.57, "llama.cpp's tables"),
    "glm-4.5-air": (106, "README"),
    "granite-3-8b": (8.170848256, "Hugging Face, recalled"),
    "internlm2-7b": (7.737708544, "Hugging Face, recalled"),
    "internlm2-20b": (19.861149696, "Hugging Face, recalled"),
    "llama-3.2-1b": (1.2358144, "Hugging Face, recalled"),
    "llama-3.2-3b": (3.212749824, "Hugging Face, recalled"),
    "ministral-8b": (8.019808256, "Hugging Face, recalled"),
    "mistral-7b-v0.3": (7.248023552, "Hugging Face, recalled"),
    "mistral-large-123b": (122.610069504, "Hugging Face"),
    "mistral-nemo": (12.2477824, "Hugging Face"),
    "mistral-small-24b": (23.5724032, "Hugging Face"),
    "mpt-30b": (29.95, "model card"),
    "olmo-2-7b": (7.298617344, "Hugging Face, recalled"),
    "olmo-2-13b": (13.7161984, "Hugging Face, recalled"),
    "olmo-2-32b": (32.234279936, "Hugging Face, recalled"),
    "phi-3-mini": (3.821079552, "Hugging Face, recalled"),
    "phi-3-medium": (13.96023808, "Hugging Face, recalled"),
    "phi-4-mini": (3.83602176, "Hugging Face, recalled"),
    "phi-3.5-moe": (41.873153344, "Hugging Face, recalled"),
    "qwen2.5-0.5b": (0.494032768, "Hugging Face, recalled"),
    "qwen2.5-1.5b": (1.543714304, "Hugging Face, recalled"),
    "qwen2.5-3b": (3.085938688, "Hugging Face, recalled"),
    "qwen2.5-14b": (14.770033664, "Hugging Face, recalled"),
    "qwen2.5-32b": (32.763876352, "Hugging Face, recalled"),
    "qwen3-0.6b": (0.59604992, "recalled, less an LM head stored twice"),
    "qwen3-1.7b": (1.720574976, "recalled, less an LM head stored twice"),
    "qwen3-4b": (4.022468096, "Hugging Face, recalled"),
    "qwen3-coder-480b-a35b": (480.154875392, "Hugging Face"),
    "smollm2-135m": (0.134515008, "Hugging Face, recalled"),
    "smollm2-360m": (0.36182112, "Hugging Face, recalled"),
    "smollm2-1.7b": (1.711376384, "Hugging Face, recalled"),
    "smollm3-3b": (3.075098624, "Hugging Face, recalled"),
    "starcoder2-15b": (15.957889024, "Hugging Face, recalled"),
    "yi-6b": (6.06103552, "Hugging Face, recalled"),
    "yi-9b": (8.829407232, "Hugging Face, recalled"),
    "yi-34b": (34.388917248, "Hugging Face"),
}
LOOSE = {
    "deepseek-v3.2": "the indexers, 0.85B",
    "llama-4-scout": "a vision tower of 0.87B",
    "gemma-3-27b": "a vision tower of 0.42B",
    "kimi-k2": "the report rounds 1,026B to 1.04T",
    "kimi-k2.5": "the report of Kimi-K2 rounds",
    "glm-4.5": "a layer that predicts a second token",
    "qwen3.5-397b-a17b": "a vision tower of 0.45B, and rounded",
    "qwen3-next-80b-a3b": "rounded",
    "llama-4-maverick": "rounded",
    "falcon-180b": "rounded",
    "glm-4.5-air": "rounded",
}
# Dense BF16, FP8, FP4 TFLOPS and TB/s of the vendors' sheets, sparse figures halved.
RATES = {
    "a100-80gb": (312, 0, 0, 2.039), "h100-sxm": (989.4, 1978.9, 0, 3.35),
    "h200-sxm": (989.4, 1978.9, 0, 4.8), "b200-sxm": (2250, 4500, 9000, 7.7),
    "b300-sxm": (2250, 4500, 13500, 7.75), "mi300x": (1307.4, 2614.9, 0, 5.3),
    "tpu-v5e": (197, 0, 0, 0.819), "l4": (121, 242.5, 0, 0.3),
}
# Presets whose names are not the catalogue's in lower case.
ROWS = {"a100-40gb": "A100-SXM4-40GB", "a100-80gb": "A100-SXM4-80GB",
        "h100-sxm": "H100-SXM5", "rtx-pro-6000": "RTX-PRO-6000-Blackwell-SE",
        "b200-sxm": "B200-SXM (HGX)", "b300-sxm": "B300-SXM (HGX)",
        "gb200": "GB200 (NVL72, per GPU)", "gb300": "GB300 (NVL72, per GPU)",
        "tpu-v6e": "TPU-v6e (Trillium)", "tpu-v7": "TPU-v7 (Ironwood)",
        "gaudi3": "Gaudi3 (HL-325L)"}
COLUMNS = {"mem_bw_tbs": ("memory_bandwidth", "TB/s"),
           "fp16_bf16_dense_tflops": ("bf16_flops", "TFLOPS"),
           "fp8_dense_tflops": ("fp8_flops", "TFLOPS"),
           "fp4_dense_tflops": ("fp4_flops", "TFLOPS"),
           "int8_dense_tops": ("int8_flops", "TFLOPS"),
           "intra_gbs_per_dir_per_gpu": ("link_bandwidth", "GB/s"),
           "inter_gbs_per_dir_per_gpu": ("node_bandwidth", "GB/s"),
           "tdp_w": ("tdp", "W"), "idle_w": ("idle_power", "W"),
           "usd_h_ondemand": ("usd_per_hour", ""), "release_year": ("release_year", ""),
           "confidence": ("confidence", "")}
IN_GIB = {"trainium2", "tpu-v7"}  # the catalogue: "capacity is GiB in docs"
AS_SEEN = {"rtx-4090": "25250627584B"}  # what a CUDA process sees


def read_ini(path, section):
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path, encoding="utf-8")
    return dict(parser[section])


def catalog(name, column):
    with open(CATALOG / name, encoding="utf-8") as file:
        return {row[column]: row for row in csv.DictReader(file)}


def counts(name):
    """(parameters, active parameters, bytes of KV per token) as the program has them."""
    text = subprocess.run([world.SERVESIM, "list", "models", name], check=True, text=True,
                          stdout=subprocess.PIPE, cwd=world.ROOT).stdout
    return tuple(int(re.search(f"^; {what}: ([0-9]+)$", text, re.M).group(1))
                 for what in ("parameters", "active parameters", "bytes of KV per token"))


def near(found, expected, name):
    return abs(found / expected - 1) <= (0.016 if name in LOOSE else 0.001)


def check_model(name, rows, faults):
    total, active, kv = counts(name)
    billions, source = PUBLISHED[name]
    if not near(total / 1e9, billions, name):
        faults.append(f"{name}: {total} parameters, {source}: {billions}B")
    if name not in rows:
        return
    row = rows[name]
    for found, column in ((total, "computed_total_params"),
                          (active, "computed_active_params")):
        if abs(found / int(row[column]) - 1) > 0.001:
            faults.append(f"{name}: {found}, {column} is {row[column]}")
    if kv != int(row["kv_bytes_per_token_bf16"]):
        faults.append(f"{name}: {kv} bytes of KV, not {row['kv_bytes_per_token_bf16']}")


def number(text, unit):
    """"2.5TB/s" without its unit; 0 for what is not given."""
    text = text or "0"
    try:
        return float(text.removesuffix(unit))
    except ValueError:
        return text


def check_memory(name, keys, row, faults):
    reported = row["mem_reported_mib"].split()
    expected = AS_SEEN.get(name) or (
        f"{reported[0]}MiB" if reported else
        f"{row['mem_gb']}{'GiB' if name in IN_GIB else 'GB'}")
    if keys["memory"] != expected:
        faults.append(f"{name}: memory = {keys['memory']}, catalogue: {expected}")


def check_row(name, keys, row, comment, faults):
    check_memory(name, keys, row, faults)
    for column, (key, unit) in COLUMNS.items():
        found = number(keys.get(key), unit)
        if row[column] == "" and key in ("tdp", "idle_power", "node_bandwidth"):
            if "assumed" not in comment and "guess" not in comment:
                faults.append(f"{name}: {key} = {keys[key]} is not said to be assumed")
        elif found != number(row[column], ""):
            faults.append(f"{name}: {key} = {found}, catalogue: {row[column]}")
    pcie = row["link"].startswith("PCIe")
    n = row["gpus_per_node" if pcie else "scaleup_domain"]
    if (keys["link"], keys["gpus_per_node"]) != ("pcie" if pcie else "fabric", n):
        faults.append(f"{name}: {keys['gpus_per_node']} GPUs on {keys['link']}, "
                      f"catalogue: {n} on {row['link']}")


def check_accelerator(name, rows, folder, faults):
    path = ACCELERATORS / f"{name}.ini"
    keys = read_ini(path, "accelerator")
    config = folder / "server.ini"
    config.write_text(f"[workload]\ntrace = day.csv\n[pool.main]\naccelerator = {name}\n"
                      "model = llama-3.1-8b\nengine = vllm\npolicy = vllm-v1\n"
                      "tensor_parallel = 2\n", encoding="utf-8")
    done = subprocess.run([world.SERVESIM, "check", config], check=False, text=True,
                          capture_output=True, cwd=world.ROOT)
    if done.returncode != 0:
        faults.append(f"{name}: {done.stderr}")
    rates = [("bf16_flops", "TFLOPS"), ("fp8_flops", "TFLOPS"), ("fp4_flops", "TFLOPS"),
             ("memory_bandwidth", "TB/s")]
    found = tuple(number(keys.get(key), unit) for key, unit in rates)
    if name in RATES and found != RATES[name]:
        faults.append(f"{name}: {found}, the sheet has {RATES[name]}")
    row = rows.get(ROWS.get(name, name).lower())
    if rows and row is None:
        faults.append(f"{name}: not in the catalogue")
    if row is not None:
        check_row(name, keys, row, path.read_text(encoding="utf-8"), faults)


def check_catalogue_is_covered(rows, presets, what, faults):
    for name in rows:
        if name not in presets:
            faults.append(f"{what} {name} of the catalogue has no preset")


def check_aliases(faults):
    """Each table is sorted, leads to presets, and names none of them: it would win."""
    text = (world.ROOT / "sim/input/measured_aliases.c").read_text(encoding="utf-8")
    for table, folder in (("models", MODELS), ("systems", ACCELERATORS)):
        rows = re.search(rf"{table}\[\] = {{\n(.*?)^}};", text, re.M | re.S).group(1)
        aliases = re.findall(r'{"([^"]+)", "([^"]+)"}', rows)
        names = [name for name, _ in aliases]
        if not names or names != sorted(set(names)):
            faults.append(f"measured_aliases.c: {table} are not sorted")
        for name, preset in aliases:
            if not (folder / f"{preset}.ini").exists():
                faults.append(f"measured_aliases.c: {name}: there is no {preset}.ini")
            if (folder / f"{name}.ini").exists():
                faults.append(f"measured_aliases.c: {name} is a preset")


def main():
    faults, skipped = [], []
    check_aliases(faults)
    models = sorted(path.stem for path in MODELS.glob("*.ini"))
    accelerators = sorted(path.stem for path in ACCELERATORS.glob("*.ini"))
    model_rows, accelerator_rows = {}, {}
    if CATALOG.is_dir():
        model_rows = {name.lower(): row
                      for name, row in catalog("models.csv", "model").items()}
        accelerator_rows = {name.lower(): row
                            for name, row in catalog("accelerators.csv", "name").items()}
        check_catalogue_is_covered(model_rows, models, "model", faults)
        known = [ROWS.get(name, name).lower() for name in accelerators]
        check_catalogue_is_covered(accelerator_rows, known, "accelerator", faults)
    else:
        skipped.append("the catalogue is not here")
    faults += [f"{name}: not in PUBLISHED" for name in models if name not in PUBLISHED]
    for name in PUBLISHED:
        check_model(name, model_rows, faults)
    with tempfile.TemporaryDirectory(prefix="servesim-test-") as folder:
        for name in accelerators:
            check_accelerator(name, accelerator_rows, world.pathlib.Path(folder), faults)
    world.finish(faults, len(models) + len(accelerators), skipped)


main()
