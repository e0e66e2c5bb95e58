#include "input/servegen.h"

#include "base/decimal.h"
#include "input/servegen_lengths.h"
#include "input/source.h"
#include "input/trace_csv.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { START, RATE, CV, FAMILY, N_READ, N_COLUMNS = 6, PATH_BYTES = 768 };
enum { MOST_TOGETHER = 20000000 };

static const char *const names[N_READ] = {"start_s", "rate_rps", "cv", "family"};

/* A client being read, outside the arena until it is kept. */
struct reading {
    struct servegen_client client;
    int32_t room;
    int64_t length_ns; /* of the last whole window */
};

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

/* Cuts the line into exactly six fields. */
static int cut(const struct source_line *line, struct trace_field fields[N_COLUMNS],
               struct err *err)
{
    const char *text = line->text;
    const char *end = text + line->length;
    end -= end > text && end[-1] == '\r';
    int n = 0;
    for (;;) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        const char *stop = comma != NULL ? comma : end;
        if (n < N_COLUMNS) {
            fields[n] = (struct trace_field){text, (size_t)(stop - text)};
        }
        n++;
        if (comma == NULL) {
            break;
        }
        text = comma + 1;
    }
    return n == N_COLUMNS
               ? 0
               : err_at(err, line->file, line->number,
                        "%d columns, expected 6: start_s, rate_rps, cv, family and two "
                        "parameters",
                        n);
}

/* A decimal that is not negative, in units of 10^-decimals; false if it is none. */
static bool number_read(struct trace_field field, int decimals, int64_t *value)
{
    char text[64];
    wide mantissa = 0;
    int exponent = 0;
    if (field.length == 0 || field.length >= sizeof text) {
        return false;
    }
    snprintf(text, sizeof text, "%.*s", (int)field.length, field.text);
    const char *end = decimal_read(text, &mantissa, &exponent);
    return end != NULL && *end == '\0' && mantissa >= 0 &&
           decimal_round(mantissa, exponent + decimals, value);
}

static int start_read(const struct reading *reading, const struct source_line *line,
                      struct trace_field field, int64_t *start_ns, struct err *err)
{
    const int64_t most_ns = TRACE_CSV_MOST * INT64_C(1000000000);
    int32_t n = reading->client.n_windows;
    if (!number_read(field, 9, start_ns) || *start_ns > most_ns) {
        return trace_csv_refuse(line, names[START], field,
                                "is not a time in seconds up to 1000000000", err);
    }
    if (n > 0 && *start_ns <= reading->client.windows[n - 1].start_ns) {
        return trace_csv_refuse(line, names[START], field,
                                "is not after the window before it", err);
    }
    return 0;
}

/* How the gaps of an active window are spread. */
static int gaps_read(const struct source_line *line, const struct trace_field *fields,
                     struct servegen_window *window, struct err *err)
{
    int64_t cv_nano = 0;
    struct trace_field family = fields[FAMILY];
    bool is_gamma = family.length == 5 && memcmp(family.text, "Gamma", 5) == 0;
    bool is_weibull = family.length == 7 && memcmp(family.text, "Weibull", 7) == 0;
    if (!is_gamma && !is_weibull) {
        return trace_csv_refuse(line, names[FAMILY], family,
                                "is not Gamma or Weibull, and the rate is not 0", err);
    }
    if (!number_read(fields[CV], 9, &cv_nano) || cv_nano < 10000000 ||
        cv_nano > INT64_C(100000000000)) {
        return trace_csv_refuse(line, names[CV], fields[CV],
                                "is not a number from 0.01 to 100", err);
    }
    double cv = (double)cv_nano / 1e9;
    window->family = is_gamma ? RENEWAL_GAMMA : RENEWAL_WEIBULL;
    window->shape = is_gamma ? renewal_gamma_shape(cv) : renewal_weibull_shape(cv);
    return 0;
}

static int window_read(struct reading *reading, const struct source_line *line,
                       struct err *err)
{
    struct trace_field fields[N_COLUMNS];
    struct servegen_window window = {.shape = 1};
    int64_t rate_nano = 0;
    if (cut(line, fields, err) != 0 ||
        start_read(reading, line, fields[START], &window.start_ns, err) != 0) {
        return -1;
    }
    if (!number_read(fields[RATE], 9, &rate_nano) ||
        rate_nano > INT64_C(1000000000000000)) {
        return trace_csv_refuse(line, names[RATE], fields[RATE],
                                "is not a rate from 0 to 1000000 requests/s", err);
    }
    window.rate_per_s = (double)rate_nano / 1e9;
    if (rate_nano > 0 && gaps_read(line, fields, &window, err) != 0) {
        return -1;
    }
    int32_t n = reading->client.n_windows++;
    if (n > 0) {
        reading->length_ns = window.start_ns - reading->client.windows[n - 1].start_ns;
    }
    reading->client.windows[n] = window;
    return 0;
}

static int windows_read(struct reading *reading, struct source *source, struct err *err)
{
    struct servegen_client *client = &reading->client;
    struct source_line line;
    int got;
    while ((got = source_next(source, &line, err)) > 0) {
        if (client->n_windows == SERVEGEN_MOST_WINDOWS) {
            return err_at(err, line.file, line.number, "more than %d windows",
                          SERVEGEN_MOST_WINDOWS);
        }
        if (client->n_windows + 1 >= reading->room) { /* one for the end */
            reading->room = reading->room > 0 ? 2 * reading->room : 256;
            client->windows = memory_grow(client->windows, (size_t)reading->room,
                                          sizeof *client->windows);
        }
        if (window_read(reading, &line, err) != 0) {
            return -1;
        }
    }
    if (got == 0 && client->n_windows == 0) {
        return err_set(err, "%.700s: it is empty", source_name(source));
    }
    return got;
}

/* The last window is as long as the one before it, or ServeGen's 600 s. */
static void close_windows(struct reading *reading)
{
    struct servegen_client *client = &reading->client;
    int64_t last_ns = client->windows[client->n_windows - 1].start_ns;
    int64_t length_ns =
        reading->length_ns > 0 ? reading->length_ns : INT64_C(600) * 1000000000;
    client->windows[client->n_windows++] =
        (struct servegen_window){.start_ns = last_ns + length_ns, .shape = 1};
}

static void keep(struct reading *reading, struct arena *arena)
{
    struct servegen_client *client = &reading->client;
    size_t bytes = (size_t)client->n_windows * sizeof *client->windows;
    void *windows =
        memory_arena_new(arena, (size_t)client->n_windows, sizeof *client->windows);
    memcpy(windows, client->windows, bytes);
    free(client->windows);
    client->windows = windows;
}

static int client_read(struct servegen_client *client, const char *folder,
                       struct arena *arena, struct err *err)
{
    char path[PATH_BYTES];
    struct reading reading = {.client = *client};
    snprintf(path, sizeof path, "%.600s/%s-trace.csv", folder, client->name);
    struct source *source = source_open(path, err);
    if (source == NULL) {
        return -1;
    }
    int status = windows_read(&reading, source, err);
    source_close(source);
    if (status != 0) {
        free(reading.client.windows);
        return -1;
    }
    close_windows(&reading);
    keep(&reading, arena);
    *client = reading.client;
    return 0;
}

/* The number in "chunk-7-trace.csv", or -1. */
static int64_t file_number(const char *file)
{
    static const char before[] = "chunk-";
    if (strncmp(file, before, strlen(before)) != 0) {
        return -1;
    }
    const char *digits = file + strlen(before);
    size_t length = strspn(digits, "0123456789");
    int64_t number = -1;
    bool is_number = length > 0 && length <= 9 &&
                     strcmp(digits + length, "-trace.csv") == 0 &&
                     decimal_scan(digits, length, 0, &number);
    return is_number ? number : -1;
}

static int compare_numbers(const void *a, const void *b)
{
    const struct servegen_client *x = a;
    const struct servegen_client *y = b;
    int by_number = (x->number > y->number) - (x->number < y->number);
    return by_number != 0 ? by_number : strcmp(x->name, y->name);
}

static int compare_requests(const void *a, const void *b)
{
    const struct servegen_client *x = a;
    const struct servegen_client *y = b;
    int by_requests = (x->n_requests < y->n_requests) - (x->n_requests > y->n_requests);
    return by_requests != 0 ? by_requests : compare_numbers(a, b);
}

/* The clients that have files, in the order of their numbers. */
static int list_read(struct servegen *servegen, const char *folder, struct arena *arena,
                     struct err *err)
{
    DIR *listing = opendir(folder);
    if (listing == NULL) {
        return err_set(err, "%.700s: the folder cannot be read: %s", folder,
                       strerror(errno));
    }
    bool is_full = false;
    servegen->clients = ARENA_NEW(arena, SERVEGEN_MOST_CLIENTS, struct servegen_client);
    for (struct dirent *entry; !is_full && (entry = readdir(listing)) != NULL;) {
        int64_t number = file_number(entry->d_name);
        is_full = number >= 0 && servegen->n_clients == SERVEGEN_MOST_CLIENTS;
        if (number >= 0 && !is_full) {
            char *name = memory_arena_text(arena, entry->d_name);
            name[strlen(name) - strlen("-trace.csv")] = '\0';
            servegen->clients[servegen->n_clients++] =
                (struct servegen_client){.name = name, .number = number};
        }
    }
    closedir(listing);
    if (is_full || servegen->n_clients == 0) {
        return is_full ? err_set(err, "%.700s: more than %d clients", folder,
                                 SERVEGEN_MOST_CLIENTS)
                       : err_set(err,
                                 "%.700s: no file is called chunk-N-trace.csv, as "
                                 "those of ServeGen's clients are",
                                 folder);
    }
    qsort(servegen->clients, (size_t)servegen->n_clients, sizeof *servegen->clients,
          compare_numbers);
    return 0;
}

static int clients_read(struct servegen *servegen, const char *folder,
                        struct arena *arena, struct err *err)
{
    int64_t n_windows = 0;
    for (int32_t i = 0; i < servegen->n_clients; i++) {
        if (client_read(&servegen->clients[i], folder, arena, err) != 0) {
            return -1;
        }
        n_windows += servegen->clients[i].n_windows;
        if (n_windows > MOST_TOGETHER) {
            return err_set(err, "%.700s: more than %d windows together", folder,
                           MOST_TOGETHER);
        }
    }
    return 0;
}

/* How many requests are expected of the client from from_ns to until_ns. */
static double count_requests(const struct servegen *servegen,
                             const struct servegen_client *client)
{
    double n = 0;
    for (int32_t i = 0; i + 1 < client->n_windows; i++) {
        int64_t from_ns = client->windows[i].start_ns;
        int64_t until_ns = client->windows[i + 1].start_ns;
        from_ns = from_ns > servegen->from_ns ? from_ns : servegen->from_ns;
        until_ns = until_ns < servegen->until_ns ? until_ns : servegen->until_ns;
        n += until_ns > from_ns
                 ? client->windows[i].rate_per_s * seconds(until_ns - from_ns)
                 : 0;
    }
    return n;
}

/* Cuts the time, and keeps the largest clients. */
static int select_clients(struct servegen *servegen, const char *folder, int64_t most,
                          struct err *err)
{
    struct servegen_client *clients = servegen->clients;
    int64_t end_ns = 0;
    double n_requests = 0;
    for (int32_t i = 0; i < servegen->n_clients; i++) {
        int64_t last_ns = clients[i].windows[clients[i].n_windows - 1].start_ns;
        end_ns = last_ns > end_ns ? last_ns : end_ns;
    }
    if (servegen->until_ns == 0 || servegen->until_ns > end_ns) {
        servegen->until_ns = end_ns;
    }
    for (int32_t i = 0; i < servegen->n_clients; i++) {
        clients[i].n_requests = count_requests(servegen, &clients[i]);
    }
    qsort(clients, (size_t)servegen->n_clients, sizeof *clients, compare_requests);
    servegen->n_clients =
        most < servegen->n_clients ? (int32_t)most : servegen->n_clients;
    qsort(clients, (size_t)servegen->n_clients, sizeof *clients, compare_numbers);
    for (int32_t i = 0; i < servegen->n_clients; i++) {
        n_requests += clients[i].n_requests;
    }
    if (!(n_requests > 0)) {
        return err_set(
            err, "%.700s: no client sends anything between from_s and until_s", folder);
    }
    servegen->rate_per_s = n_requests / seconds(servegen->until_ns - servegen->from_ns);
    return 0;
}

static int datasets_read(struct servegen *servegen, const char *folder,
                         struct arena *arena, struct err *err)
{
    int64_t n_lengths = 0;
    for (int32_t i = 0; i < servegen->n_clients; i++) {
        struct servegen_client *client = &servegen->clients[i];
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%.600s/%s-dataset.json", folder, client->name);
        FILE *file = fopen(path, "re");
        if (file == NULL && errno == ENOENT) {
            continue;
        }
        if (file != NULL) {
            fclose(file);
        }
        if (servegen_lengths_read(&client->lengths, path, servegen->until_ns,
                                  &n_lengths, arena, err) != 0) {
            return -1;
        }
    }
    return 0;
}

int servegen_read(struct servegen *servegen, const char *folder, int64_t most,
                  int64_t from_ns, int64_t until_ns, struct arena *arena,
                  struct err *err)
{
    *servegen = (struct servegen){.from_ns = from_ns, .until_ns = until_ns};
    if (list_read(servegen, folder, arena, err) != 0 ||
        clients_read(servegen, folder, arena, err) != 0 ||
        select_clients(servegen, folder, most, err) != 0) {
        return -1;
    }
    return datasets_read(servegen, folder, arena, err);
}
