/* Feeds files to a fuzz target without libFuzzer: each file named on the command line, each
 * file of each folder named there, and nothing at all. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    size_t size = 0;
    FILE *copy = open_memstream(&bytes, &size);
    int status = file != NULL && copy != NULL ? 0 : -1;
    for (int c = 0; status == 0 && (c = getc(file)) != EOF;) {
        putc(c, copy);
    }
    if (status != 0 || ferror(file) || fclose(copy) != 0) {
        fprintf(stderr, "%s: cannot be read: %s\n", path, strerror(errno));
        return -1;
    }
    fclose(file);
    printf("%s: %zu bytes\n", path, size);
    fflush(stdout); /* the last line names the file that breaks the target */
    /* A block of exactly that size, so that reading one byte too many is seen. */
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (exact == NULL) {
        return -1;
    }
    memcpy(exact, bytes, size);
    free(bytes);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

static int replay_folder(const char *path)
{
    struct dirent **entries = NULL;
    int n_entries = scandir(path, &entries, NULL, alphasort);
    int status = 0;
    for (int i = 0; i < n_entries; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && replay_file(file) != 0) {
            status = -1;
        }
        free(entries[i]);
    }
    free(entries);
    return n_entries < 0 ? -1 : status;
}

int main(int argc, char **argv)
{
    int status = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (folder != NULL) {
            closedir(folder);
            status |= replay_folder(argv[i]);
        } else if (errno != ENOENT) { /* no corpus yet: the empty input was it */
            status |= replay_file(argv[i]);
        }
    }
    return status == 0 ? 0 : 1;
}
