#include "input/measured_aliases.h"

#include <stddef.h>
#include <string.h>

struct alias {
    const char *name;
    const char *preset;
};

static const struct alias models[] = {
    {"bloom", "bloom-176b"},
    {"c4ai-command-r-08-2024", "command-r-08-2024"},
    {"c4ai-command-r-plus", "command-r-plus"},
    {"c4ai-command-r-plus-08-2024", "command-r-plus"},
    {"c4ai-command-r-v01", "command-r"},
    {"codellama-70b", "llama-2-70b"}, /* 16 words more */
    {"deepseek-coder-v2", "deepseek-v2"},
    {"deepseek-coder-v2-lite", "deepseek-v2-lite"},
    {"deepseek-r1-0528-qwen3-8b", "qwen3-8b"},
    {"deepseek-r1-distill-llama-70b", "llama-3.1-70b"},
    {"deepseek-r1-distill-llama-8b", "llama-3.1-8b"},
    {"deepseek-r1-distill-qwen-14b", "qwen2.5-14b"},
    {"deepseek-r1-distill-qwen-32b", "qwen2.5-32b"},
    {"deepseek-r1-distill-qwen-7b", "qwen2.5-7b"},
    {"deepseek-r1-zero", "deepseek-r1"},
    {"deepseek-v2.5", "deepseek-v2"},
    {"deepseek-v3.1", "deepseek-v3"},
    {"deepseek-v3.1-terminus", "deepseek-v3"},
    {"deepseek-v3.2-exp", "deepseek-v3.2"},
    {"devstral-small", "mistral-small-24b"},
    {"exaone-deep-32b", "exaone-3.5-32b"},
    {"exaone-deep-7.8b", "exaone-3.5-7.8b"},
    {"glm-4.6", "glm-4.5"},
    {"glm-4.7", "glm-4.5"},
    {"glm-z1-32b", "glm-4-32b"},
    {"glm-z1-9b", "glm-4-9b"},
    {"gpt3-175b", "gpt-3-175b"},
    {"granite-3.0-8b", "granite-3-8b"},
    {"granite-3.1-8b", "granite-3-8b"},
    {"granite-3.2-8b", "granite-3-8b"},
    {"granite-3.3-8b", "granite-3-8b"},
    {"internlm2-5-7b", "internlm2-7b"},
    {"internlm2-chat-20b", "internlm2-20b"},
    {"internlm2-chat-7b", "internlm2-7b"},
    {"kimi-k2-thinking", "kimi-k2.5"},
    {"llama-3-70b", "llama-3.1-70b"},
    {"llama-3-8b", "llama-3.1-8b"},
    {"llama-3.1-nemotron-70b", "llama-3.1-70b"},
    {"llama-3.3-70b", "llama-3.1-70b"},
    {"llama-4-maverick-17b-128e", "llama-4-maverick"},
    {"llama-4-scout-17b-16e", "llama-4-scout"},
    {"magistral-small", "mistral-small-24b"},
    {"minimax-m2", "minimax-m2.5"},
    {"minimax-m2.1", "minimax-m2.5"},
    {"mistral-7b-instruct-v0.2", "mistral-7b-v0.3"},
    {"mistral-7b-instruct-v0.3", "mistral-7b-v0.3"},
    {"mistral-7b-v0.2", "mistral-7b-v0.3"},
    {"mistral-large-2407", "mistral-large-123b"},
    {"mistral-large-2411", "mistral-large-123b"},
    {"mistral-large-instruct-2407", "mistral-large-123b"},
    {"mistral-large-instruct-2411", "mistral-large-123b"},
    {"mistral-nemo-12b", "mistral-nemo"},
    {"mistral-small-3.1-24b", "mistral-small-24b"},
    {"mistral-small-3.2-24b", "mistral-small-24b"},
    {"mistral-small-instruct-2409", "codestral-22b"},
    {"olmo-2-0325-32b", "olmo-2-32b"},
    {"olmo-2-1124-13b", "olmo-2-13b"},
    {"olmo-2-1124-7b", "olmo-2-7b"},
    {"phi-3-medium-128k", "phi-3-medium"},
    {"phi-3-medium-4k", "phi-3-medium"},
    {"phi-3-mini-128k", "phi-3-mini"},
    {"phi-3-mini-4k", "phi-3-mini"},
    {"phi-3.5-mini", "phi-3-mini"},
    {"phi-4-mini-reasoning", "phi-4-mini"},
    {"phi-4-reasoning", "phi-4"},
    {"phi-4-reasoning-plus", "phi-4"},
    {"qwen2-0.5b", "qwen2.5-0.5b"},
    {"qwen2-1.5b", "qwen2.5-1.5b"},
    {"qwen2-72b", "qwen2.5-72b"},
    {"qwen2-7b", "qwen2.5-7b"},
    {"qwen2.5-coder-0.5b", "qwen2.5-0.5b"},
    {"qwen2.5-coder-1.5b", "qwen2.5-1.5b"},
    {"qwen2.5-coder-14b", "qwen2.5-14b"},
    {"qwen2.5-coder-32b", "qwen2.5-32b"},
    {"qwen2.5-coder-3b", "qwen2.5-3b"},
    {"qwen2.5-coder-7b", "qwen2.5-7b"},
    {"qwen3-235b", "qwen3-235b-a22b"},
    {"qwen3-30b", "qwen3-30b-a3b"},
    {"qwen3-coder-30b-a3b", "qwen3-30b-a3b"},
    {"qwen3-coder-480b", "qwen3-coder-480b-a35b"},
    {"qwen3-next-80b", "qwen3-next-80b-a3b"},
    {"qwen3.5-397b", "qwen3.5-397b-a17b"},
    {"qwq-32b", "qwen2.5-32b"},
    {"smollm-1.7b", "smollm2-1.7b"},
    {"smollm-135m", "smollm2-135m"},
    {"smollm-360m", "smollm2-360m"},
    {"vicuna-13b-v1.5", "llama-2-13b"},
    {"vicuna-7b-v1.5", "llama-2-7b"},
    {"yi-1.5-34b", "yi-34b"},
    {"yi-1.5-6b", "yi-6b"},
    {"yi-1.5-9b", "yi-9b"},
};

static const struct alias systems[] = {
    {"a100", "a100-80gb"},
    {"a100-80gb-sxm", "a100-80gb"},
    {"a100-80gb-sxm4", "a100-80gb"},
    {"a100-sxm", "a100-80gb"},
    {"a100-sxm-40gb", "a100-40gb"},
    {"a100-sxm-80gb", "a100-80gb"},
    {"a100-sxm4", "a100-80gb"},
    {"a100-sxm4-40gb", "a100-40gb"},
    {"a100-sxm4-80gb", "a100-80gb"},
    {"b200", "b200-sxm"},
    {"b200-180gb", "b200-sxm"},
    {"b300", "b300-sxm"},
    {"gb200-nvl72", "gb200"},
    {"gb200-sxm", "gb200"},
    {"gb300-nvl72", "gb300"},
    {"gb300-sxm", "gb300"},
    {"h100", "h100-sxm"},
    {"h100-80gb", "h100-sxm"},
    {"h100-80gb-hbm3", "h100-sxm"},
    {"h100-pcie-80gb", "h100-pcie"},
    {"h100-sxm-80gb", "h100-sxm"},
    {"h100-sxm5", "h100-sxm"},
    {"h100-sxm5-80gb", "h100-sxm"},
    {"h200", "h200-sxm"},
    {"h200-141gb", "h200-sxm"},
    {"h200-sxm-141gb", "h200-sxm"},
    {"mi300x-oam", "mi300x"},
    {"p100", "p100-sxm2"},
    {"p100-sxm2-16gb", "p100-sxm2"},
    {"rtx-pro-6000-blackwell", "rtx-pro-6000"},
    {"rtx-pro-6000-blackwell-server-edition", "rtx-pro-6000"},
    {"rtx4090", "rtx-4090"},
    {"rtxpro6000", "rtx-pro-6000"},
    {"trn2", "trainium2"},
    {"v100", "v100-sxm2"},
    {"v100-sxm2-16gb", "v100-sxm2"},
};

static const char *find(const struct alias *aliases, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(name, aliases[i].name) == 0) {
            return aliases[i].preset;
        }
    }
    return NULL;
}

const char *measured_aliases_model(const char *name)
{
    return find(models, sizeof models / sizeof *models, name);
}

const char *measured_aliases_system(const char *name)
{
    return find(systems, sizeof systems / sizeof *systems, name);
}
