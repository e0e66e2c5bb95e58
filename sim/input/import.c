#include "input/import.h"

#include <string.h>

#define ADDRESS(kind) &kind,

const struct import_kind *const import_all[] = {IMPORT_KINDS(ADDRESS) NULL};

const struct import_kind *import_find(const char *name)
{
    for (const struct import_kind *const *at = import_all; *at != NULL; at++) {
        if (strcmp((*at)->name, name) == 0) {
            return *at;
        }
    }
    return NULL;
}
