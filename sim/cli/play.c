#include "cli/play.h"

#include "output/folder.h"

int play_study(const struct play *play, const struct command_line *line,
               struct err *err)
{
    struct folder folder;
    bool writes = line->output != NULL;
    if (writes && folder_create(&folder, line->output, line->overwrite, err) != 0) {
        return -1;
    }
    int status = play->run(play->state, err);
    if (status == 0 && writes) {
        status = play->write(play->state, folder.temporary, err);
    }
    if (status == 0 && *line->interrupted) {
        status = err_set(err, "interrupted: nothing was written");
    }
    if (status != 0 && writes) {
        folder_discard(&folder);
    } else if (writes) {
        status = folder_commit(&folder, err);
    }
    if (status == 0 && !line->quiet) {
        play->print(play->state, stdout);
        if (writes) {
            printf("\nfiles in %s\n", line->output);
        }
    }
    return status;
}
