#include "input/talk_draw.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

/* No prompt of a trace is longer, and none comes later. */
static const int64_t longest_tokens = 1000000000;
static const int64_t latest_ns = INT64_C(1000000000) * 1000000000;

enum stream {
    STREAM_PROMPT,
    STREAM_OUTPUT,
    STREAM_FOLLOWUP,
    STREAM_TURNS,
    STREAM_GAP,
    STREAM_PREFIX,
    STREAM_REASONING,
    STREAM_AGENT,
    N_STREAMS
};

static const char *const stream_names[N_STREAMS] = {
    "prompt", "output", "followup", "turns", "gap", "prefix", "reasoning", "agent"};

struct talk_voice {
    const struct talk_client *client;
    struct rng streams[N_STREAMS];
    struct lengths_table prompt;
    struct lengths_table output;
    struct lengths_table followup;
    const struct prefixes *prefixes;
};

static struct lengths_table no_table(void)
{
    return (struct lengths_table){.spec = NULL};
}

static void voice_init(struct talk_voice *voice, const struct talk_client *client,
                       uint64_t seed)
{
    voice->client = client;
    for (int i = 0; i < N_STREAMS; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s%s", stream_names[i],
                 client->name[0] != '\0' ? "/" : "", client->name);
        rng_init(&voice->streams[i], seed, name);
    }
    lengths_table_init(&voice->prompt, &client->prompt);
    lengths_table_init(&voice->output, &client->output);
    voice->followup = no_table();
    if (client->kind != TALK_REQUESTS) {
        lengths_table_init(&voice->followup, &client->followup);
    }
}

static void voice_free(struct talk_voice *voice)
{
    for (int i = 0; i < N_STREAMS; i++) {
        rng_free(&voice->streams[i]);
    }
    lengths_table_free(&voice->prompt);
    lengths_table_free(&voice->output);
    lengths_table_free(&voice->followup);
}

/* The groups of that description, drawn when the first client comes that has it. */
static const struct prefixes *groups_of(struct talk_draw *draw,
                                        const struct prefixes_spec *spec, uint64_t seed)
{
    for (int32_t i = 0; i < draw->n_prefixes; i++) {
        if (draw->prefixes[i].spec == spec) {
            return &draw->prefixes[i];
        }
    }
    struct prefixes *groups = &draw->prefixes[draw->n_prefixes++];
    prefixes_init(groups, spec, seed, TALK_DRAW_BLOCK_TOKENS);
    draw->n_prefix_blocks += groups->n_blocks;
    return groups;
}

void talk_draw_init(struct talk_draw *draw, const struct talk_client *clients,
                    int32_t n_clients, const struct arrivals *arrivals,
                    int64_t rho_nano, uint64_t seed)
{
    *draw = (struct talk_draw){
        .voices = memory_new((size_t)n_clients, sizeof *draw->voices),
        .prefixes = memory_new((size_t)n_clients, sizeof *draw->prefixes),
        .n_clients = n_clients,
        .arrivals = arrivals,
        .rho = (double)rho_nano / 1e9,
    };
    rng_init(&draw->clients, seed, "clients");
    for (int32_t i = 0; i < n_clients; i++) {
        voice_init(&draw->voices[i], &clients[i], seed);
        draw->share_sum += (double)clients[i].share_nano;
        if (clients[i].prefix != NULL) {
            draw->voices[i].prefixes = groups_of(draw, clients[i].prefix, seed);
        }
    }
}

void talk_draw_free(struct talk_draw *draw)
{
    for (int32_t i = 0; i < draw->n_clients; i++) {
        voice_free(&draw->voices[i]);
    }
    for (int32_t i = 0; i < draw->n_prefixes; i++) {
        prefixes_free(&draw->prefixes[i]);
    }
    rng_free(&draw->clients);
    free(draw->voices);
    free(draw->prefixes);
    *draw = (struct talk_draw){0};
}

static struct talk_voice *pick(struct talk_draw *draw)
{
    int32_t i = 0;
    if (draw->n_clients > 1) {
        double at = gsl_rng_uniform(draw->clients.generator) * draw->share_sum;
        at -= (double)draw->voices[0].client->share_nano;
        while (at >= 0 && i + 1 < draw->n_clients) {
            i++;
            at -= (double)draw->voices[i].client->share_nano;
        }
    }
    return &draw->voices[i];
}

static double uniform(struct talk_voice *voice, enum stream stream)
{
    return gsl_rng_uniform(voice->streams[stream].generator);
}

/* Of the output, or on top of it. */
static void draw_reasoning(struct talk_voice *voice, struct talk_call *call)
{
    const struct talk_client *client = voice->client;
    if (!client->reasons || uniform(voice, STREAM_REASONING) >=
                                (double)client->reasoning_share_nano / 1e9) {
        return;
    }
    if (client->ratio_nano == 0) {
        call->reasoning_tokens =
            lengths_quantile(&client->thinking, uniform(voice, STREAM_REASONING));
        call->output_tokens += call->reasoning_tokens;
        return;
    }
    double ratio = (double)client->ratio_nano / 1e9;
    double sd = (double)client->ratio_sd_nano / 1e9;
    if (sd > 0) { /* the two parameters of a Beta distribution by its moments */
        double both = ratio * (1 - ratio) / (sd * sd) - 1;
        ratio = gsl_ran_beta(voice->streams[STREAM_REASONING].generator, ratio * both,
                             (1 - ratio) * both);
    }
    int64_t tokens = llround(ratio * (double)call->output_tokens);
    call->reasoning_tokens =
        tokens < call->output_tokens ? tokens : call->output_tokens - 1;
}

/* Two normal scores with correlation rho, then each length's quantile at its score: the
 * Gaussian copula (Nelsen, An Introduction to Copulas, 2006, section 2.3).  Of what an
 * arrival begins with, `start`, the arrivals may know the lengths. */
static struct talk_call draw_lengths(const struct talk_draw *draw,
                                     struct talk_voice *voice, enum stream stream,
                                     struct talk_script *start)
{
    struct lengths_table *prompts =
        stream == STREAM_PROMPT ? &voice->prompt : &voice->followup;
    double score = gsl_ran_ugaussian(voice->streams[stream].generator);
    double own_score = gsl_ran_ugaussian(voice->streams[STREAM_OUTPUT].generator);
    double output_score =
        draw->rho * score + sqrt(1 - draw->rho * draw->rho) * own_score;
    double share = gsl_cdf_ugaussian_P(score);
    double output_share = gsl_cdf_ugaussian_P(output_score);
    struct talk_call call = {0};
    if (start != NULL) {
        start->tenant = arrivals_client(draw->arrivals, share, output_share,
                                        &call.prompt_tokens, &call.output_tokens);
    }
    if (call.prompt_tokens == 0) {
        call.prompt_tokens = lengths_table_quantile(prompts, share);
    }
    if (call.output_tokens == 0) {
        call.output_tokens = lengths_table_quantile(&voice->output, output_share);
    }
    draw_reasoning(voice, &call);
    return call;
}

/* Behind what its group begins with. */
static void add_prefix(const struct talk_script *script, struct talk_call *call)
{
    if (script->group >= 0 && script->prefixes->spec->within == 0) {
        call->prompt_tokens += script->prefixes->tokens[script->group];
        if (call->prompt_tokens > longest_tokens) {
            call->prompt_tokens = longest_tokens;
        }
    }
}

static void add_call(struct talk_script *script, const struct talk_call *call)
{
    if (script->n_calls == script->room) {
        script->room = script->room == 0 ? 1 : 2 * script->room;
        script->calls =
            memory_grow(script->calls, (size_t)script->room, sizeof *script->calls);
    }
    script->calls[script->n_calls++] = *call;
}

/* The last call, or as many sub-agents. */
static void wait_for_last(const struct talk_script *script, int32_t n,
                          struct talk_call *call)
{
    call->first_parent = script->n_calls - n;
    call->n_parents = n;
}

/* The sub-agents that are asked before the next call, if any: how many, and to *context
 * what they answer. */
static int32_t ask_sub_agents(const struct talk_draw *draw, struct talk_voice *voice,
                              struct talk_script *script, int64_t gap_ns,
                              int64_t *context)
{
    const struct talk_client *client = voice->client;
    if (client->fan_out_share_nano == 0 ||
        uniform(voice, STREAM_AGENT) >= (double)client->fan_out_share_nano / 1e9) {
        return 0;
    }
    int32_t asker = script->n_calls - 1;
    for (int64_t i = 0; i < client->fan_out; i++) {
        struct talk_call call = draw_lengths(draw, voice, STREAM_PROMPT, NULL);
        add_prefix(script, &call);
        call.at_ns = gap_ns;
        call.first_parent = asker;
        call.n_parents = 1;
        call.is_sub_agent = true;
        *context += call.output_tokens - call.reasoning_tokens;
        add_call(script, &call);
    }
    return (int32_t)client->fan_out;
}

/* The turns behind the first one. */
static void draw_turns(const struct talk_draw *draw, struct talk_voice *voice,
                       struct talk_script *script)
{
    const struct talk_client *client = voice->client;
    int64_t n_turns = lengths_quantile(&client->turns, uniform(voice, STREAM_TURNS));
    int64_t most = client->max_context > 0 ? client->max_context : longest_tokens;
    int64_t first_prompt = script->calls[0].prompt_tokens;
    struct talk_call last = script->calls[0];
    n_turns = n_turns < TALK_MOST_TURNS ? n_turns : TALK_MOST_TURNS;
    for (int64_t i = 1; i < n_turns && last.at_ns < latest_ns; i++) {
        int64_t gap_ns = pauses_draw(&client->gap, &voice->streams[STREAM_GAP]);
        int64_t context =
            last.prompt_tokens + last.output_tokens - last.reasoning_tokens;
        int32_t n_asked = ask_sub_agents(draw, voice, script, gap_ns, &context);
        struct talk_call call = draw_lengths(draw, voice, STREAM_FOLLOWUP, NULL);
        call.prompt_tokens += client->has_history != 0 ? context : first_prompt;
        if (call.prompt_tokens + call.output_tokens > most) {
            script->n_calls -= n_asked; /* whom nobody would listen to */
            return;
        }
        if (client->timing == TALK_TIMED) {
            call.at_ns = last.at_ns + gap_ns;
        } else {
            call.at_ns = n_asked > 0 ? 0 : gap_ns;
            wait_for_last(script, n_asked > 0 ? n_asked : 1, &call);
        }
        add_call(script, &call);
        last = call;
    }
}

struct talk_script *talk_draw_start(struct talk_draw *draw, int64_t start_ns)
{
    struct talk_voice *voice = pick(draw);
    struct talk_script *script = memory_new(1, sizeof *script);
    draw->n_arrivals++;
    script->client = voice->client;
    script->prefixes = voice->prefixes;
    script->start_ns = start_ns;
    script->number = draw->n_arrivals;
    script->group = voice->prefixes != NULL
                        ? prefixes_pick(voice->prefixes, &voice->streams[STREAM_PREFIX])
                        : -1;
    struct talk_call call = draw_lengths(draw, voice, STREAM_PROMPT, script);
    add_prefix(script, &call);
    call.at_ns = start_ns;
    add_call(script, &call);
    if (voice->client->kind != TALK_REQUESTS) {
        draw_turns(draw, voice, script);
    }
    return script;
}

void talk_draw_end(struct talk_script *script)
{
    free(script->calls);
    free(script->blocks);
    free(script);
}

int64_t talk_draw_time(const struct talk_script *script)
{
    const struct talk_call *call = &script->calls[script->next];
    return call->n_parents > 0 ? script->start_ns : call->at_ns;
}

int64_t talk_draw_group_block(const struct talk_draw *draw,
                              const struct talk_script *script)
{
    int64_t n_before = script->prefixes->first_block[script->group];
    for (const struct prefixes *at = draw->prefixes; at != script->prefixes; at++) {
        n_before += at->n_blocks;
    }
    return n_before;
}
