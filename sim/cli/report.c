#include "cli/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "input/config_pool.h"

/* Debian's, which has pandas; elsewhere what the PATH says. */
static const char interpreter[] = "/usr/bin/python3";

enum { OPTIONS = 9 }; /* arguments beside the folders, NULL included */

static bool find_script(char path[512])
{
    char roots[CONFIG_POOL_ROOTS][400];
    config_pool_roots(roots);
    /* The first root is where we are: what lies there is not ours to run. */
    for (int i = CONFIG_POOL_ROOTS - 1; i > 0; i--) {
        if (snprintf(path, 512, "%s/analysis/report.py", roots[i]) < 512 &&
            access(path, R_OK) == 0) {
            return true;
        }
    }
    return false;
}

/* "--NAME=VALUE", so that a value may begin with a hyphen; whoever execs does not free. */
static char *option(const char *name, const char *value)
{
    size_t size = strlen(name) + strlen(value) + 4;
    char *text = memory_new(size, 1);
    snprintf(text, size, "--%s=%s", name, value);
    return text;
}

static char *copy(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(memory_new(size, 1), text, size);
}

static void fill(char **words, const char *script, const struct report_request *request)
{
    *words++ = copy("python3");
    *words++ = copy(script);
    if (request->output != NULL) {
        *words++ = option("output", request->output);
    }
    if (request->png != NULL) {
        *words++ = option("png", request->png);
    }
    if (request->svg != NULL) {
        *words++ = option("svg", request->svg);
    }
    if (request->overwrite) {
        *words++ = copy("--overwrite");
    }
    if (request->quiet) {
        *words++ = copy("--quiet");
    }
    *words++ = copy("--");
    for (int32_t i = 0; i < request->n_folders; i++) {
        *words++ = copy(request->folders[i]);
    }
    *words = NULL;
}

int report_become(const struct report_request *request, struct err *err)
{
    char script[512];
    if (!find_script(script)) {
        return err_set(err, "report: analysis/report.py is not there, neither where "
                            "servesim was built nor where it is installed");
    }
    if (fflush(stdout) != 0) {
        return err_set(err, "cannot write to standard output: %s", strerror(errno));
    }
    char **words = memory_new((size_t)request->n_folders + OPTIONS, sizeof *words);
    fill(words, script, request);
    execv(interpreter, words);
    execvp("python3", words);
    int why = errno;
    for (char **word = words; *word != NULL; word++) {
        free(*word);
    }
    free(words);
    return err_set(err, "report: python3 cannot be run: %s", strerror(why));
}

int report_check_page(const char *folder, bool overwrite, char path[420],
                      struct err *err)
{
    int length = (int)strlen(folder);
    while (length > 1 && folder[length - 1] == '/') {
        length--;
    }
    if (snprintf(path, 420, "%.*s.html", length, folder) >= 420) {
        return err_set(err, "-o %.60s...: the name is too long", folder);
    }
    if (!overwrite && access(path, F_OK) == 0) {
        return err_set(err, "%s: exists already; --overwrite replaces it", path);
    }
    return 0;
}
