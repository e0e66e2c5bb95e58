#include "study/roofline_files.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output/folder.h"
#include "output/text.h"
#include "study/calibrated.h"
#include "study/roofline_point.h"

/* Numbers whose units matter: one line each, on the terminal and in machine.csv. */
static void write_machine(FILE *out, const struct roofline *roofline)
{
    const struct pool_config *config = roofline->pool->config;
    const struct accelerator *gpu = &config->accelerator;
    const struct constants *constants = &config->constants;
    enum precision products = llm_compute_precision(
        &config->llm, (enum precision)config->llm.weight_precision);
    double peak = (double)accelerator_flop_per_s(gpu, products) / 1e12;
    double bandwidth = (double)gpu->memory_bytes_per_s / 1e12;
    fprintf(out, "metric,value,unit\n");
    fprintf(out, "accelerator,%s,\n", config->accelerator_name);
    fprintf(out, "model,%s,\n", config->model_name);
    fprintf(out, "engine,%s,\n", config->engine_name);
    fprintf(out, "gpus,%" PRId64 ",\n", layout_gpus(&config->layout));
    fprintf(out, "products,%s,\n", precision_name(products));
    fprintf(out, "peak_compute,%.9g,TFLOPS\n", peak);
    fprintf(out, "peak_bandwidth,%.9g,TB/s\n", bandwidth);
    fprintf(out, "reached_compute,%.9g,TFLOPS\n",
            roofline_reached_flop_per_s(roofline) / 1e12);
    fprintf(out, "reached_bandwidth,%.9g,TB/s\n",
            bandwidth * (double)constants->memory_efficiency_nano / 1e9);
    fprintf(out, "weights_only_critical_batch,%.9g,sequences\n",
            roofline_weights_batch(roofline));
}

static void write_number(FILE *out, bool csv, int64_t value, const char *none)
{
    if (value >= 0) {
        fprintf(out, csv ? ",%" PRId64 : " %15" PRId64, value);
    } else {
        fprintf(out, csv ? ",%s" : " %15s", none);
    }
}

/* Per context: where decode turns compute-bound, and how many sequences there can be. */
static void write_critical(FILE *out, bool csv, const struct roofline *roofline,
                           const struct roofline_request *request)
{
    fputs(csv ? "context,critical_batch,intensity_limit,most_in_memory,most_in_time\n"
              : "context  critical_batch intensity_limit  most_in_memory    "
                "most_in_time\n",
          out);
    for (int32_t i = -1; i < request->contexts.n; i++) {
        int64_t context = i < 0 ? 0 : request->contexts.values[i];
        fprintf(out, csv ? "%" PRId64 : "%7" PRId64, context);
        write_number(out, csv, roofline_critical_batch(roofline, context), "never");
        fprintf(out, csv ? ",%.9g" : " %15.4g",
                roofline_intensity_limit(roofline, context));
        bool has =
            context > 0 && llm_kv_bytes_per_token(&roofline->pool->config->llm, 1) > 0;
        write_number(out, csv, has ? roofline_most_in_memory(roofline, context) : -1,
                     csv ? "" : "-");
        write_number(out, csv,
                     roofline_most_in_time(roofline, context, request->tpot_ns), "");
        fputc('\n', out);
    }
}

static void write_decodes(FILE *out, char table, bool csv,
                          const struct roofline *roofline,
                          const struct roofline_request *request)
{
    roofline_point_header(out, table, csv);
    for (int32_t c = 0; c < request->contexts.n; c++) {
        for (int32_t b = 0; b < request->batches.n; b++) {
            struct roofline_point point;
            roofline_point_fill(&point, roofline, request->by,
                                request->batches.values[b],
                                request->contexts.values[c]);
            roofline_point_row(out, table, csv, &point);
        }
    }
}

static void write_prompts(FILE *out, char table, bool csv,
                          const struct roofline *roofline,
                          const struct roofline_request *request)
{
    roofline_point_header(out, table, csv);
    for (int32_t i = 0; i < request->prompts.n; i++) {
        struct roofline_point point;
        roofline_point_fill_prompt(&point, roofline, request->prompts.values[i]);
        roofline_point_row(out, table, csv, &point);
    }
}

static void print_ridges(FILE *out, const struct accelerator *gpu)
{
    fputs("ridge points, FLOP per byte (dense):", out);
    for (int p = 0; p < N_PRECISIONS; p++) {
        fprintf(out, " %s %.1f", precision_name((enum precision)p),
                accelerator_ridge(gpu, (enum precision)p));
    }
    fputc('\n', out);
}

/* Which of the batches have a KV cache that is not there. */
static void print_unheld(FILE *out, const struct roofline *roofline,
                         const struct roofline_request *request)
{
    if (llm_kv_bytes_per_token(&roofline->pool->config->llm, 1) == 0) {
        return;
    }
    for (int32_t i = 0; i < request->contexts.n; i++) {
        int64_t most = roofline_most_in_memory(roofline, request->contexts.values[i]);
        int64_t greatest = 0;
        for (int32_t b = 0; b < request->batches.n; b++) {
            int64_t batch = request->batches.values[b];
            greatest = batch > greatest ? batch : greatest;
        }
        if (greatest > most) {
            fprintf(out,
                    "at context %" PRId64 " memory holds %" PRId64
                    " sequences: larger batches are not possible\n",
                    request->contexts.values[i], most);
        }
    }
}

void roofline_files_print(FILE *out, const struct roofline *roofline,
                          const struct roofline_request *request)
{
    const struct pool_config *config = roofline->pool->config;
    double tpot_ms = (double)request->tpot_ns / 1e6;
    char calibration[CALIBRATED_TEXT];
    fprintf(out, "pool %s: %s on %" PRId64 " x %s, engine %s\n", config->name,
            config->model_name, layout_gpus(&config->layout), config->accelerator_name,
            config->engine_name);
    calibrated_print(config, 1, calibration);
    fprintf(out, "step times: %s\n", calibration);
    print_ridges(out, &config->accelerator);
    fprintf(
        out,
        "a dense layer's weights alone, at the data sheet's rates: compute-bound from "
        "batch %.1f\n",
        roofline_weights_batch(roofline));
    fprintf(out,
            "\nDecode by context (0: weights and activations alone), at the rates that "
            "kernels reach;\nconcurrency by KV cache and by %g ms per token:\n",
            tpot_ms);
    write_critical(out, false, roofline, request);
    for (int32_t i = 0; i < request->contexts.n; i++) {
        if (request->contexts.values[i] > roofline->pool->most_tokens) {
            fprintf(out,
                    "context %" PRId64 " is more than the %" PRId64
                    " tokens that a request may have here\n",
                    request->contexts.values[i], roofline->pool->most_tokens);
        }
    }
    fputs("\nA decode step in ms by three rooflines: per operation, over the step, "
          "without "
          "overlap.\n",
          out);
    write_decodes(out, 't', false, roofline, request);
    print_unheld(out, roofline, request);
    fputs("\nWhat it makes of the hardware (by operation); J/token is uncalibrated.\n",
          out);
    write_decodes(out, 'r', false, roofline, request);
    fputs("\nBandwidth of one GPU in GB/s: peak, what kernels reach, what is lost to "
          "other terms,\n(below 0: experts are read faster), and what a step moves.\n",
          out);
    write_decodes(out, 'b', false, roofline, request);
    fputs("\nA prompt in one step, in ms.\n", out);
    write_prompts(out, 'p', false, roofline, request);
    if (request->by != NULL) {
        fprintf(out,
                "\nCounted as '%s' does (%s),\nat the data sheet's rates and without "
                "overheads; compute-bound from batch %.1f.\n",
                request->by->name, request->by->help,
                roofline_weights_batch(roofline) * (double)request->by->io_factor *
                    (request->by->sparse_peak ? 2 : 1));
        write_decodes(out, 'c', false, roofline, request);
    }
}

/* What a table prints, as the file `name` of the folder. */
static int write_file(const char *folder, const char *name, const char *content,
                      struct err *err)
{
    struct text text;
    if (text_open(&text, folder, name, err) != 0) {
        return -1;
    }
    for (const char *line = content; *line != '\0';) {
        int length = (int)strcspn(line, "\n") + 1;
        text_printf(&text, "%.*s", length, line);
        line += length;
    }
    return text_close(&text, err);
}

enum file { MACHINE, CRITICAL, DECODE, PREFILL, N_FILES };

static void write_table(FILE *out, enum file file, const struct roofline *roofline,
                        const struct roofline_request *request)
{
    switch (file) {
    case MACHINE:
        write_machine(out, roofline);
        break;
    case CRITICAL:
        write_critical(out, true, roofline, request);
        break;
    case DECODE:
        write_decodes(out, 'f', true, roofline, request);
        break;
    case PREFILL:
    case N_FILES:
        write_prompts(out, 'g', true, roofline, request);
        break;
    }
}

int roofline_files_write(const struct roofline *roofline,
                         const struct roofline_request *request, const char *path,
                         bool overwrite, struct err *err)
{
    static const char *const names[N_FILES] = {"machine.csv", "critical.csv",
                                               "decode.csv", "prefill.csv"};
    struct folder folder;
    if (folder_create(&folder, path, overwrite, err) != 0) {
        return -1;
    }
    int status = 0;
    for (int i = 0; i < N_FILES && status == 0; i++) {
        char *content = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&content, &length);
        if (out == NULL) {
            status = err_set(err, "out of memory");
            break;
        }
        write_table(out, (enum file)i, roofline, request);
        fclose(out);
        status = write_file(folder.temporary, names[i], content, err);
        free(content);
    }
    if (status != 0) {
        folder_discard(&folder);
        return -1;
    }
    return folder_commit(&folder, err);
}
