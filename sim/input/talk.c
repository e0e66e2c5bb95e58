#include "input/talk.h"

#include <stdio.h>
#include <string.h>

#include "input/trace.h"

#define AT(member) offsetof(struct talk_client, member)

static const char prefix[] = "client.";

static const struct field client_fields[] = {
    {"share", FIELD_NANO, AT(share_nano), "", "1", "0.000001", "1000000", NULL,
     "how often arrivals are of this client, relative to the others' share"},
    {"tenant", FIELD_TEXT, AT(tenant), "", "", NULL, NULL, NULL,
     "tenant of its requests; the client's name if it is not given"},
    {"model", FIELD_TEXT, AT(model), "", "", NULL, NULL, NULL,
     "model that they ask for"},
    {"class", FIELD_TEXT, AT(class), "", "", NULL, NULL, NULL, "their class"},
    {"adapter", FIELD_TEXT, AT(adapter), "", "", NULL, NULL, NULL,
     "LoRA adapter that they use"},
    {"priority", FIELD_COUNT, AT(priority), "", "0", "-2147483648", "2147483647", NULL,
     "their priority"},
    {"deadline_s", FIELD_TIME, AT(deadline_ns), "s", "0", "0", "1000000000", NULL,
     "their deadline after arrival; 0: none"},
};

static const struct field sessions_fields[] = {
    {"timing", FIELD_CHOICE, AT(timing), "", "timed", NULL, NULL, "timed|wait",
     "a turn comes [gap] after the one before it came, or after that was answered"},
    {"history", FIELD_FLAG, AT(has_history), "", "yes", NULL, NULL, NULL,
     "a turn sends all that was said; no: the first prompt and [followup] tokens"},
    {"max_context", FIELD_COUNT, AT(max_context), "tokens", "0", "0", "100000000", NULL,
     "a session ends before a later turn would hold more; 0: no such end"},
};

static const struct field agent_fields[] = {
    {"max_context", FIELD_COUNT, AT(max_context), "tokens", "0", "0", "100000000", NULL,
     "a task ends before a later call would hold more; 0: no such end"},
    {"fan_out", FIELD_COUNT, AT(fan_out), "", "1", "1", "64", NULL,
     "sub-agents that are asked at once, each with a prompt of its own"},
    {"fan_out_share", FIELD_NANO, AT(fan_out_share_nano), "", "0", "0", "1", NULL,
     "share of the calls before which that is done"},
};

static const struct field reasoning_fields[] = {
    {"share", FIELD_NANO, AT(reasoning_share_nano), "", "1", "0", "1", NULL,
     "share of the requests that think before they answer"},
    {"ratio", FIELD_NANO, AT(ratio_nano), "", "0", "0", "0.999999", NULL,
     "mean share of [output] that is thought; 0: [thinking] tokens come on top"},
    {"ratio_sd", FIELD_NANO, AT(ratio_sd_nano), "", "0", "0", "0.5", NULL,
     "standard deviation of that share, which has a Beta distribution"},
};

#define TABLE(id, title, rows)                        \
    const struct field_table id = {                   \
        .name = title,                                \
        .fields = rows,                               \
        .n_fields = sizeof(rows) / sizeof((rows)[0]), \
    }

TABLE(talk_client_table, "client", client_fields);
TABLE(talk_sessions_table, "sessions", sessions_fields);
TABLE(talk_agent_table, "agent", agent_fields);
TABLE(talk_reasoning_table, "reasoning", reasoning_fields);

enum { NAME_BYTES = 128 };

/* What is read for one client, one section after the other. */
struct reading {
    struct settings *settings;
    struct talk_client *client;
    const struct prefixes_spec **common_prefix;
    struct arena *arena;
    struct err *err;
};

/* The name of the client's own section of that kind. */
static void own_name(const struct reading *reading, const char *kind,
                     char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%s%s.%s", prefix, reading->client->name, kind);
}

static bool has_own(const struct reading *reading, const char *kind)
{
    char name[NAME_BYTES];
    own_name(reading, kind, name);
    return reading->client->name[0] != '\0' &&
           settings_section(reading->settings, name) != NULL;
}

/* The name of the section that describes the client: its own one, or else that of all,
 * which need not be there. */
static const char *name_of(const struct reading *reading, const char *kind,
                           char name[NAME_BYTES])
{
    if (has_own(reading, kind)) {
        own_name(reading, kind, name);
    } else {
        snprintf(name, NAME_BYTES, "%s", kind);
    }
    return name;
}

static bool has(const struct reading *reading, const char *kind)
{
    char name[NAME_BYTES];
    return settings_section(reading->settings, name_of(reading, kind, name)) != NULL;
}

static int read_lengths(const struct reading *reading, const char *kind,
                        struct lengths_spec *lengths)
{
    char name[NAME_BYTES];
    return lengths_read(lengths, reading->settings, name_of(reading, kind, name),
                        reading->arena, reading->err);
}

static int read_table(const struct reading *reading, const char *kind,
                      const struct field_table *table)
{
    char name[NAME_BYTES];
    field_defaults(table, reading->client, reading->arena);
    return settings_apply(reading->settings, name_of(reading, kind, name), table, 1,
                          reading->client, reading->arena, reading->err);
}

static int refuse(const struct reading *reading, const char *section,
                  const char *reason)
{
    const struct settings_section *at = settings_section(reading->settings, section);
    if (at != NULL && at->line > 0) {
        return err_at(reading->err, reading->settings->file, at->line, "[%s]: %s",
                      section, reason);
    }
    return err_set(reading->err, "%.700s: [%s]: %s", reading->settings->file, section,
                   reason);
}

/* What its arrivals begin, and how that goes on. */
static int read_kind(const struct reading *reading)
{
    struct talk_client *client = reading->client;
    bool own_sessions = has_own(reading, "sessions");
    bool own_agent = has_own(reading, "agent");
    bool sessions = own_sessions || (!own_agent && has(reading, "sessions"));
    bool agent = own_agent || (!own_sessions && has(reading, "agent"));
    char name[NAME_BYTES];
    if (sessions && agent) {
        return refuse(reading, name_of(reading, "agent", name),
                      "[sessions] is given too, and arrivals can begin one of the two "
                      "only");
    }
    if (!sessions && !agent) {
        return 0;
    }
    client->kind = sessions ? TALK_SESSIONS : TALK_AGENT;
    client->timing = TALK_WAIT;
    client->has_history = 1;
    if (read_table(reading, sessions ? "sessions" : "agent",
                   sessions ? &talk_sessions_table : &talk_agent_table) != 0 ||
        read_lengths(reading, "turns", &client->turns) != 0 ||
        read_lengths(reading, "followup", &client->followup) != 0) {
        return -1;
    }
    return pauses_read(&client->gap, reading->settings, name_of(reading, "gap", name),
                       reading->arena, reading->err);
}

static int read_prefix(const struct reading *reading)
{
    struct talk_client *client = reading->client;
    bool own = has_own(reading, "prefix") || has_own(reading, "prefix_tokens");
    char name[NAME_BYTES];
    char lengths[NAME_BYTES];
    if (!has(reading, "prefix")) {
        return 0;
    }
    if (client->kind == TALK_SESSIONS && client->has_history == 0) {
        return refuse(reading, name_of(reading, "prefix", name),
                      "with history = no the prompts of a session begin with its own "
                      "first one");
    }
    if (!own && *reading->common_prefix != NULL) {
        client->prefix = *reading->common_prefix;
        return 0;
    }
    struct prefixes_spec *spec = ARENA_NEW(reading->arena, 1, struct prefixes_spec);
    spec->owner = own ? client->name : "";
    client->prefix = spec;
    if (!own) {
        *reading->common_prefix = spec;
    }
    return prefixes_read(spec, reading->settings, name_of(reading, "prefix", name),
                         name_of(reading, "prefix_tokens", lengths), reading->arena,
                         reading->err);
}

/* A Beta distribution with that mean can have no greater deviation. */
static int check_ratio(const struct reading *reading)
{
    char name[NAME_BYTES];
    double mean = (double)reading->client->ratio_nano / 1e9;
    double sd = (double)reading->client->ratio_sd_nano / 1e9;
    name_of(reading, "reasoning", name);
    if (has(reading, "thinking") == (mean > 0)) {
        return refuse(reading, name,
                      mean > 0 ? "ratio and [thinking] are given; only one of the two "
                                 "can be"
                               : "must give 'ratio', or the section [thinking]");
    }
    if (sd > 0 && sd * sd >= mean * (1 - mean)) {
        return refuse(reading, name,
                      "ratio_sd: no share has that mean and so great a deviation");
    }
    return 0;
}

static int read_reasoning(const struct reading *reading)
{
    struct talk_client *client = reading->client;
    if (!has(reading, "reasoning")) {
        return 0;
    }
    client->reasons = true;
    if (read_table(reading, "reasoning", &talk_reasoning_table) != 0 ||
        check_ratio(reading) != 0) {
        return -1;
    }
    return client->ratio_nano > 0
               ? 0
               : read_lengths(reading, "thinking", &client->thinking);
}

/* Labels go into a trace as they are. */
static int check_labels(const struct reading *reading, const char *section)
{
    static const char *const keys[] = {"tenant", "model", "class", "adapter"};
    for (int i = 0; i < 4; i++) {
        const struct settings_entry *entry =
            settings_find(reading->settings, section, keys[i]);
        if (entry != NULL && (strpbrk(entry->value, ",\"") != NULL ||
                              strlen(entry->value) > TRACE_LABEL_BYTES)) {
            return settings_refuse(entry,
                                   "this is not a label (at most 64 bytes without "
                                   "comma or double quote)",
                                   reading->err);
        }
    }
    return 0;
}

/* Its labels, and how often it comes. */
static int read_client(const struct reading *reading, const char *section)
{
    struct talk_client *client = reading->client;
    field_defaults(&talk_client_table, client, reading->arena);
    if (section == NULL) {
        return 0;
    }
    if (check_labels(reading, section) != 0 ||
        settings_apply(reading->settings, section, &talk_client_table, 1, client,
                       reading->arena, reading->err) != 0) {
        return -1;
    }
    if (settings_find(reading->settings, section, "tenant") == NULL) {
        client->tenant = client->name;
    }
    return 0;
}

static int read_one(const struct reading *reading, const char *section)
{
    if (read_client(reading, section) != 0 ||
        read_lengths(reading, "prompt", &reading->client->prompt) != 0 ||
        read_lengths(reading, "output", &reading->client->output) != 0 ||
        read_kind(reading) != 0 || read_prefix(reading) != 0) {
        return -1;
    }
    return read_reasoning(reading);
}

/* The next section [client.NAME] after `at`, not [client.NAME.prompt]. */
static const struct settings_section *next_client(const struct settings *settings,
                                                  const struct settings_section *at)
{
    do {
        at = settings_next(settings, prefix, at);
    } while (at != NULL && strchr(at->name + strlen(prefix), '.') != NULL);
    return at;
}

const struct talk_client *talk_read(struct settings *settings, int32_t *n_clients,
                                    struct arena *arena, struct err *err)
{
    const struct settings_section *at = NULL;
    const struct prefixes_spec *common_prefix = NULL;
    int32_t n = 0;
    while ((at = next_client(settings, at)) != NULL) {
        n++;
    }
    if (n > TALK_MOST_CLIENTS) {
        err_set(err, "%.700s: there are more than %d [client] sections", settings->file,
                TALK_MOST_CLIENTS);
        return NULL;
    }
    *n_clients = n > 0 ? n : 1;
    struct talk_client *clients = ARENA_NEW(arena, *n_clients, struct talk_client);
    for (int32_t i = 0; i < *n_clients; i++) {
        struct reading reading = {settings, &clients[i], &common_prefix, arena, err};
        at = n > 0 ? next_client(settings, at) : NULL;
        clients[i].name =
            at != NULL ? memory_arena_text(arena, at->name + strlen(prefix)) : "";
        if (read_one(&reading, at != NULL ? at->name : NULL) != 0) {
            return NULL;
        }
    }
    return clients;
}

/* What sections of a kind need to be of use, or NULL if there is no such kind. */
static const char *need_of(const char *kind)
{
    static const char *const needs[][2] = {
        {"prompt", "every client has its own"},
        {"output", "every client has its own"},
        {"sessions", "every client has its own, or an [agent]"},
        {"agent", "every client has its own, or [sessions]"},
        {"prefix", "every client has its own"},
        {"reasoning", "every client has its own"},
        {"turns", "it goes with [sessions] and [agent]"},
        {"followup", "it goes with [sessions] and [agent]"},
        {"gap", "it goes with [sessions] and [agent]"},
        {"prefix_tokens", "it goes with [prefix]"},
        {"thinking", "it goes with [reasoning]"},
    };
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        if (strcmp(kind, needs[i][0]) == 0) {
            return needs[i][1];
        }
    }
    return NULL;
}

int talk_check_used(const struct settings *settings, struct err *err)
{
    const struct settings_section *at = NULL;
    while ((at = settings_next(settings, "", at)) != NULL) {
        const char *kind = strrchr(at->name, '.');
        bool is_own = strncmp(at->name, prefix, strlen(prefix)) == 0 &&
                      kind > at->name + strlen(prefix);
        const char *need = need_of(is_own ? kind + 1 : at->name);
        if (at->used || need == NULL) {
            continue;
        }
        if (is_own && strncmp(need, "every", 5) == 0) {
            need = "there is no such [client] section";
        }
        if (at->line == 0) {
            return err_set(err, "-s: [%s] describes nobody: %s", at->name, need);
        }
        return err_at(err, settings->file, at->line, "[%s] describes nobody: %s",
                      at->name, need);
    }
    return 0;
}
